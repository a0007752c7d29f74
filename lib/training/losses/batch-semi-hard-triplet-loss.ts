import { finiteNumber } from '../../validate.js';
import { batchDistanceMetric, batchTripletNeeds, type BatchTripletLossOptions } from './batch-triplet-loss.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

/**
 * `mean over pairs of one class of max(0, d(text, positive) - d(text, negative) + margin)`, with the nearest text of
 * another class that is farther than the positive as the negative, or where there is none, the farthest text of another
 * class (Schroff, Kalenichenko and Philbin 2015, arXiv:1503.03832). `batchSampler: 'group_by_label'` makes batches in
 * which classes have several texts.
 */
export class BatchSemiHardTripletLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: BatchTripletLossOptions = {}) {
    checkLossOptions('BatchSemiHardTripletLoss', options, ['distanceMetric', 'margin']);
    super('BatchSemiHardTripletLoss', batchTripletNeeds, {
      kind: 'batch_semi_hard_triplet',
      distanceMetric: batchDistanceMetric(options.distanceMetric),
      margin: finiteNumber('margin', options.margin ?? 5),
    });
  }
}
