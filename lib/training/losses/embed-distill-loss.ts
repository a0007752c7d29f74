import { integer, oneOf } from '../../validate.js';
import { teacherLabel } from '../label-needs.js';
import { checkLossOptions } from './loss-options.js';
import { ObjectiveLoss } from './objective-loss.js';

export interface EmbedDistillLossOptions {
  /** `cosine` (default): 1 - the cosine; `l2`: the euclidean distance; `mse`: the mean of the squared differences. */
  readonly distanceMetric?: 'cosine' | 'l2' | 'mse';
  /**
   * Width of a teacher that is not as wide as the model: a linear projection of the embeddings to that width is learned
   * along with them, by AdamW without clipping. It is no part of the model; checkpoints hold it. Not under
   * `MatryoshkaLoss`. Default: none.
   */
  readonly projectionDim?: number;
}

/** Beyond, no row of a table is that wide. */
const greatestDim = 2 ** 24;

/** @internal */
export function checkProjectionDim(dim: number | undefined): number | undefined {
  return dim === undefined ? undefined : integer('projectionDim', dim, { min: 1, max: greatestDim });
}

/**
 * `mean over texts of d(text, teacher's embedding of it)` (Kim et al. 2023, arXiv:2301.12005). The columns are one text or
 * more; the label is the teacher's embedding, one for all texts of a row or an array of one a text. A prefix of
 * `MatryoshkaLoss` meets the same prefix of the teacher's embedding.
 */
export class EmbedDistillLoss extends ObjectiveLoss {
  /** @throws InvalidArgumentError naming the option. */
  constructor(options: EmbedDistillLossOptions = {}) {
    checkLossOptions('EmbedDistillLoss', options, ['distanceMetric', 'projectionDim']);
    const metric = oneOf('distanceMetric', options.distanceMetric ?? 'cosine', ['cosine', 'l2', 'mse']);
    const projectionDim = checkProjectionDim(options.projectionDim);
    super(
      'EmbedDistillLoss',
      { texts: ['text'], furtherTexts: 'text', label: teacherLabel(projectionDim) },
      { kind: 'embed_distill', distanceMetric: metric, projectionDim: projectionDim ?? 0 },
    );
  }
}
