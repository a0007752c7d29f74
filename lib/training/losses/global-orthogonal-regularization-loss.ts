import { InvalidArgumentError } from '../../errors.js';
import { finiteNumber, oneOf } from '../../validate.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface GlobalOrthogonalRegularizationLossOptions {
  /** Of the squared mean. Default: 1. */
  readonly meanWeight?: number;
  /** Of the second moment. Default: 1. */
  readonly secondMomentWeight?: number;
  /** Of the columns' terms. Default: `mean`. */
  readonly aggregation?: 'mean' | 'sum';
}

/**
 * `meanWeight · m² + secondMomentWeight · max(0, q - 1 / dim)`, where m is the mean and q the mean square of the cosines
 * between different texts of a column: as between random directions, so that embeddings spread out (Zhang et al. 2017,
 * arXiv:1708.06320). It makes any texts unalike, so add it to a loss that teaches: `new SumLoss([{ loss }, { loss: new
 * GlobalOrthogonalRegularizationLoss() }])`.
 */
export class GlobalOrthogonalRegularizationLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: GlobalOrthogonalRegularizationLossOptions = {}) {
    checkLossOptions(
      'GlobalOrthogonalRegularizationLoss',
      options,
      ['meanWeight', 'secondMomentWeight', 'aggregation'],
      { similarityFct: 'the similarity is the cosine: leave it out' },
    );
    const meanWeight = finiteNumber('meanWeight', options.meanWeight ?? 1, { min: 0 });
    const secondMomentWeight = finiteNumber('secondMomentWeight', options.secondMomentWeight ?? 1, { min: 0 });
    if (meanWeight === 0 && secondMomentWeight === 0) {
      throw new InvalidArgumentError(
        'expected a number above 0 for meanWeight or secondMomentWeight but received 0 for both: nothing would be left',
      );
    }
    super(
      'GlobalOrthogonalRegularizationLoss',
      { texts: ['text'], furtherTexts: 'text', minimumRows: 2 },
      {
        kind: 'global_orthogonal_regularization',
        meanWeight,
        secondMomentWeight,
        aggregation: oneOf('aggregation', options.aggregation ?? 'mean', ['mean', 'sum']),
      },
    );
  }
}
