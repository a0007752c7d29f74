import { finiteNumber } from '../../validate.js';
import { batchDistanceMetric, batchTripletNeeds, type BatchTripletLossOptions } from './batch-triplet-loss.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

/**
 * `max(0, d(text, positive) - d(text, negative) + margin)` of all triplets of a batch, two texts of one class and one of
 * another, as the mean over those above 0 (Hermans, Beyer and Leibe 2017, arXiv:1703.07737). `batchSampler:
 * 'group_by_label'` makes batches in which classes have several texts.
 */
export class BatchAllTripletLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: BatchTripletLossOptions = {}) {
    checkLossOptions('BatchAllTripletLoss', options, ['distanceMetric', 'margin']);
    super('BatchAllTripletLoss', batchTripletNeeds, {
      kind: 'batch_all_triplet',
      distanceMetric: batchDistanceMetric(options.distanceMetric),
      margin: finiteNumber('margin', options.margin ?? 5),
    });
  }
}
