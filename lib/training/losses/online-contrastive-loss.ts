import { finiteNumber } from '../../validate.js';
import { binaryLabel } from '../label-needs.js';
import { checkLossOptions, distanceMetric, type DistanceMetric } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface OnlineContrastiveLossOptions {
  /** Default: `cosine`. */
  readonly distanceMetric?: DistanceMetric;
  /** How far apart texts that do not belong together shall be. Default: 0.5. */
  readonly margin?: number;
}

/**
 * `ContrastiveLoss` of the hard pairs of a batch, as a sum (Sentence Transformers): `d²` over the pairs of label 1 that
 * are farther apart than the nearest pair of label 0, and `max(0, margin - d)²` over the pairs of label 0 that are nearer
 * than the farthest pair of label 1.
 */
export class OnlineContrastiveLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: OnlineContrastiveLossOptions = {}) {
    checkLossOptions('OnlineContrastiveLoss', options, ['distanceMetric', 'margin']);
    super(
      'OnlineContrastiveLoss',
      { texts: ['sentence1', 'sentence2'], label: binaryLabel },
      {
        kind: 'online_contrastive',
        distanceMetric: distanceMetric(options.distanceMetric, 'cosine'),
        margin: finiteNumber('margin', options.margin ?? 0.5),
      },
    );
  }
}
