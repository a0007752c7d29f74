import { teacherLabel } from '../label-needs.js';
import { checkProjectionDim, type EmbedDistillLossOptions } from './embed-distill-loss.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export type MSELossOptions = Pick<EmbedDistillLossOptions, 'projectionDim'>;

/**
 * `mean of (text - teacher's embedding of it)²`, number by number: `EmbedDistillLoss` with `distanceMetric: 'mse'`, which
 * makes a model multilingual where the teacher's embeddings are those of the English texts (Reimers and Gurevych 2020,
 * arXiv:2004.09813).
 */
export class MSELoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: MSELossOptions = {}) {
    checkLossOptions('MSELoss', options, ['projectionDim']);
    const projectionDim = checkProjectionDim(options.projectionDim);
    super(
      'MSELoss',
      { texts: ['text'], furtherTexts: 'text', label: teacherLabel(projectionDim) },
      { kind: 'embed_distill', distanceMetric: 'mse', projectionDim: projectionDim ?? 0 },
    );
  }
}
