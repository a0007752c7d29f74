import { batchDistanceMetric, batchTripletNeeds, type BatchTripletLossOptions } from './batch-triplet-loss.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

/**
 * `BatchHardTripletLoss` without a margin: `mean over texts of log(1 + exp(d(text, positive) - d(text, negative)))` (Hermans,
 * Beyer and Leibe 2017, arXiv:1703.07737).
 */
export class BatchHardSoftMarginTripletLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: Omit<BatchTripletLossOptions, 'margin'> = {}) {
    checkLossOptions('BatchHardSoftMarginTripletLoss', options, ['distanceMetric'], {
      margin: 'the loss has none; BatchHardTripletLoss has',
    });
    super('BatchHardSoftMarginTripletLoss', batchTripletNeeds, {
      kind: 'batch_hard_soft_margin_triplet',
      distanceMetric: batchDistanceMetric(options.distanceMetric),
    });
  }
}
