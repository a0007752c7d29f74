import type { NativeLoss, NativeObjective } from '../../native/index.js';
import { boolean, finiteNumber, invalidArgument, oneOf } from '../../validate.js';
import type { ColumnNeeds } from '../columns.js';
import { checkLossOptions, dotOrCosine } from './loss-options.js';
import { lossOf, type Loss } from './loss.js';

/** Which texts are ranked against which: queries are the anchors, documents the positives and negatives. */
export type RankingDirection = 'query_to_doc' | 'query_to_query' | 'doc_to_query' | 'doc_to_doc';

/** Which negatives `hardnessStrength` weighs by their similarity. */
export type HardnessMode = 'in_batch_negatives' | 'hard_negatives' | 'all_negatives';

export interface MultipleNegativesRankingLossOptions {
  /** Multiplies the similarities (the inverse of the softmax temperature). Default: 20. */
  readonly scale?: number;
  /** Default: `cosine`. */
  readonly similarity?: 'cosine' | 'dot';
  /** Default: `['query_to_doc']`, which must always be among them. */
  readonly directions?: readonly RankingDirection[];
  /**
   * `joint` (default): one softmax over the candidates of all directions. `per_direction`: the mean of one softmax a
   * direction; only for `query_to_doc` and `doc_to_query`.
   */
  readonly partitionMode?: 'joint' | 'per_direction';
  /** Default: none. */
  readonly hardnessMode?: HardnessMode | null;
  /** Added to a negative's logit, times its similarity, which counts as constant. Default: 0. */
  readonly hardnessStrength?: number;
  /**
   * Texts that are equal to a row's anchor or positive are no negatives of it, so that batches need not be kept free of
   * them: `batchSampler: 'random'` will do. Default: false.
   */
  readonly maskDuplicates?: boolean;
}

const directionNames: readonly RankingDirection[] = ['query_to_doc', 'query_to_query', 'doc_to_query', 'doc_to_doc'];
const hardnessModes: readonly HardnessMode[] = ['in_batch_negatives', 'hard_negatives', 'all_negatives'];

/**
 * Cross-entropy of ranking each anchor's positive above the positives of the other rows in the batch and above all hard
 * negatives (InfoNCE; Henderson et al. 2017, arXiv:1705.00652). The columns of the dataset are anchor, positive, and
 * any number of negatives; larger batches give better negatives.
 */
export class MultipleNegativesRankingLoss implements Loss {
  readonly name: string = 'MultipleNegativesRankingLoss';
  readonly needs: ColumnNeeds = { texts: ['anchor', 'positive'], furtherTexts: 'negative', minimumRows: 2 };
  readonly #objective: NativeObjective;

  /** @throws InvalidArgumentError naming the option. */
  constructor(options: MultipleNegativesRankingLossOptions = {}) {
    checkLossOptions(new.target.name, options, [
      'scale',
      'similarity',
      'directions',
      'partitionMode',
      'hardnessMode',
      'hardnessStrength',
      'maskDuplicates',
    ]);
    const directions = checkDirections(options.directions ?? ['query_to_doc']);
    const partition = oneOf('partitionMode', options.partitionMode ?? 'joint', ['joint', 'per_direction']);
    const sameSide = directions.some((name) => name === 'query_to_query' || name === 'doc_to_doc');
    if (partition === 'per_direction' && sameSide) {
      const expected = 'query_to_doc and doc_to_query only (partitionMode is per_direction)';
      throw invalidArgument('directions', expected, directions.join(', '));
    }
    this.#objective = {
      kind: 'multiple_negatives_ranking',
      scale: finiteNumber('scale', options.scale ?? 20, { above: 0 }),
      similarity: dotOrCosine(options.similarity, 'cosine'),
      directions,
      perDirection: partition === 'per_direction',
      hardnessMode: oneOf('hardnessMode', options.hardnessMode ?? 'none', ['none', ...hardnessModes]),
      hardnessStrength: finiteNumber('hardnessStrength', options.hardnessStrength ?? 0, { min: 0 }),
      maskDuplicates: boolean('maskDuplicates', options.maskDuplicates ?? false),
    };
  }

  lower(): NativeLoss {
    return lossOf(this.#objective);
  }
}

function checkDirections(directions: readonly RankingDirection[]): readonly RankingDirection[] {
  if (!Array.isArray(directions)) throw invalidArgument('directions', 'an array of directions', directions);
  const checked = directions.map((name: unknown, i) => oneOf(`directions[${i}]`, name, directionNames));
  if (!checked.includes('query_to_doc')) {
    throw invalidArgument('directions', "'query_to_doc' among the names", checked.join(', '));
  }
  return [...new Set(checked)];
}
