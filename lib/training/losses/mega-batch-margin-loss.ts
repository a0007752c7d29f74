import { finiteNumber } from '../../validate.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface MegaBatchMarginLossOptions {
  /** What the cosine of a pair shall be at least. Default: 0.8. */
  readonly positiveMargin?: number;
  /** What the cosine of an anchor and another row's positive shall be at most. Default: 0.3. */
  readonly negativeMargin?: number;
}

/**
 * `mean over rows of max(0, positiveMargin - cos(anchor, positive)) + max(0, cos(anchor, negative) - negativeMargin)`, with
 * the positive of another row that is most alike to the anchor as the negative (Wieting and Gimpel 2018,
 * arXiv:1711.05732). Large batches (500 and more) find hard negatives.
 */
export class MegaBatchMarginLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: MegaBatchMarginLossOptions = {}) {
    checkLossOptions('MegaBatchMarginLoss', options, ['positiveMargin', 'negativeMargin'], {
      useMiniBatchedVersion: 'batches of any size fit into memory: leave it out',
    });
    super(
      'MegaBatchMarginLoss',
      { texts: ['anchor', 'positive'], minimumRows: 2 },
      {
        kind: 'mega_batch_margin',
        positiveMargin: finiteNumber('positiveMargin', options.positiveMargin ?? 0.8),
        negativeMargin: finiteNumber('negativeMargin', options.negativeMargin ?? 0.3),
      },
    );
  }
}
