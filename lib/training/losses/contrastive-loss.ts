import { boolean, finiteNumber } from '../../validate.js';
import { binaryLabel } from '../label-needs.js';
import { checkLossOptions, distanceMetric, type DistanceMetric } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface ContrastiveLossOptions {
  /** Default: `cosine`. */
  readonly distanceMetric?: DistanceMetric;
  /** How far apart texts that do not belong together shall be. Default: 0.5. */
  readonly margin?: number;
  /** The mean over the rows of a batch; else their sum. Default: true. */
  readonly sizeAverage?: boolean;
}

/**
 * `mean over rows of ½ (label · d² + (1 - label) · max(0, margin - d)²)`, with the distance d of two texts and a label of
 * 1 where they belong together, else 0 (Hadsell, Chopra and LeCun 2006, "Dimensionality Reduction by Learning an
 * Invariant Mapping").
 */
export class ContrastiveLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: ContrastiveLossOptions = {}) {
    checkLossOptions('ContrastiveLoss', options, ['distanceMetric', 'margin', 'sizeAverage']);
    super(
      'ContrastiveLoss',
      { texts: ['sentence1', 'sentence2'], label: binaryLabel },
      {
        kind: 'contrastive',
        distanceMetric: distanceMetric(options.distanceMetric, 'cosine'),
        margin: finiteNumber('margin', options.margin ?? 0.5),
        sizeAverage: boolean('sizeAverage', options.sizeAverage ?? true),
      },
    );
  }
}
