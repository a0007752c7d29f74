import { marginLabel } from '../label-needs.js';
import { checkLossOptions, dotOrCosine } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface MarginMSELossOptions {
  /** Of a query and a passage. Default: `dot`. */
  readonly similarity?: 'cosine' | 'dot';
}

/**
 * `mean of (s(query, positive) - s(query, negative) - margin)²` over rows and negatives: the margins shall be those of a
 * teacher (Hofstätter et al. 2020, arXiv:2010.02666). The label has the margins, one a negative, or the teacher's scores
 * of the positive and the negatives, whose differences they are.
 */
export class MarginMSELoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: MarginMSELossOptions = {}) {
    checkLossOptions('MarginMSELoss', options, ['similarity']);
    super(
      'MarginMSELoss',
      { texts: ['query', 'positive', 'negative'], furtherTexts: 'negative', label: marginLabel },
      { kind: 'margin_mse', similarity: dotOrCosine(options.similarity, 'dot') },
    );
  }
}
