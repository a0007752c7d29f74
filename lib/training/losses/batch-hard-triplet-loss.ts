import { finiteNumber } from '../../validate.js';
import { batchDistanceMetric, batchTripletNeeds, type BatchTripletLossOptions } from './batch-triplet-loss.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

/**
 * `mean over texts of max(0, d(text, positive) - d(text, negative) + margin)`, with the farthest text of its class in the
 * batch as the positive and the nearest text of another class as the negative (Hermans, Beyer and Leibe 2017,
 * arXiv:1703.07737). `batchSampler: 'group_by_label'` makes batches in which classes have several texts.
 */
export class BatchHardTripletLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: BatchTripletLossOptions = {}) {
    checkLossOptions('BatchHardTripletLoss', options, ['distanceMetric', 'margin']);
    super('BatchHardTripletLoss', batchTripletNeeds, {
      kind: 'batch_hard_triplet',
      distanceMetric: batchDistanceMetric(options.distanceMetric),
      margin: finiteNumber('margin', options.margin ?? 5),
    });
  }
}
