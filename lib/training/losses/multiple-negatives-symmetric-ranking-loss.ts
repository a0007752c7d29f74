import { checkLossOptions } from './loss-options.js';
import {
  MultipleNegativesRankingLoss,
  type MultipleNegativesRankingLossOptions,
} from './multiple-negatives-ranking-loss.js';

export type MultipleNegativesSymmetricRankingLossOptions = Pick<
  MultipleNegativesRankingLossOptions,
  'scale' | 'similarity' | 'maskDuplicates'
>;

/**
 * Another name for `MultipleNegativesRankingLoss` with `directions: ['query_to_doc', 'doc_to_query']` and `partitionMode:
 * 'per_direction'`: the positive shall find its anchor as well.
 */
export class MultipleNegativesSymmetricRankingLoss extends MultipleNegativesRankingLoss {
  override readonly name: string = 'MultipleNegativesSymmetricRankingLoss';

  /** @throws InvalidArgumentError naming the option. */
  constructor(options: MultipleNegativesSymmetricRankingLossOptions = {}) {
    checkLossOptions(new.target.name, options, ['scale', 'similarity', 'maskDuplicates'], {
      directions: 'MultipleNegativesRankingLoss has it',
      partitionMode: 'MultipleNegativesRankingLoss has it',
      hardnessMode: 'MultipleNegativesRankingLoss has it',
      hardnessStrength: 'MultipleNegativesRankingLoss has it',
    });
    super({ ...options, directions: ['query_to_doc', 'doc_to_query'], partitionMode: 'per_direction' });
  }
}
