import { teacherLabel } from '../label-needs.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

/**
 * `mean of (text - teacher's embedding of it)²`, number by number: `EmbedDistillLoss` with `distanceMetric: 'mse'`, which
 * makes a model multilingual where the teacher's embeddings are those of the English texts (Reimers and Gurevych 2020,
 * arXiv:2004.09813).
 */
export class MSELoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError for any option: it has none. */
  constructor(options: Readonly<Record<string, never>> = {}) {
    checkLossOptions('MSELoss', options, []);
    super(
      'MSELoss',
      { texts: ['text'], furtherTexts: 'text', label: teacherLabel() },
      { kind: 'embed_distill', distanceMetric: 'mse', projectionDim: 0 },
    );
  }
}
