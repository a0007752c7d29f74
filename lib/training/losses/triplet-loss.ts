import { finiteNumber } from '../../validate.js';
import { checkLossOptions, distanceMetric, type DistanceMetric } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface TripletLossOptions {
  /** Default: `euclidean`. */
  readonly distanceMetric?: DistanceMetric;
  /** How much farther from the anchor the negative shall be than the positive. Default: 5. */
  readonly tripletMargin?: number;
}

/**
 * `mean over rows of max(0, d(anchor, positive) - d(anchor, negative) + tripletMargin)` (Hermans, Beyer and Leibe 2017,
 * arXiv:1703.07737).
 */
export class TripletLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: TripletLossOptions = {}) {
    checkLossOptions('TripletLoss', options, ['distanceMetric', 'tripletMargin'], {
      margin: 'its name is tripletMargin',
    });
    super(
      'TripletLoss',
      { texts: ['anchor', 'positive', 'negative'] },
      {
        kind: 'triplet',
        distanceMetric: distanceMetric(options.distanceMetric, 'euclidean'),
        tripletMargin: finiteNumber('tripletMargin', options.tripletMargin ?? 5),
      },
    );
  }
}
