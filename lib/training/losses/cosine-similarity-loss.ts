import { similarityLabel } from '../label-needs.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

/**
 * `mean over rows of (cos(u, v) - label)²`: the cosine of two texts shall be the label, a number from -1 to 1 (Reimers
 * and Gurevych 2019, arXiv:1908.10084). `CoSENTLoss` mostly teaches more.
 */
export class CosineSimilarityLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError for any option: it has none. */
  constructor(options: Readonly<Record<string, never>> = {}) {
    checkLossOptions('CosineSimilarityLoss', options, []);
    super(
      'CosineSimilarityLoss',
      { texts: ['sentence1', 'sentence2'], label: similarityLabel },
      { kind: 'cosine_similarity' },
    );
  }
}
