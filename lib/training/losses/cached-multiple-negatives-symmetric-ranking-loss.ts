import { MultipleNegativesSymmetricRankingLoss } from './multiple-negatives-symmetric-ranking-loss.js';

/**
 * Another name for `MultipleNegativesSymmetricRankingLoss`: memory is never in the way of large batches here, so that
 * nothing has to be cached (Gao et al. 2021, arXiv:2101.06983).
 */
export class CachedMultipleNegativesSymmetricRankingLoss extends MultipleNegativesSymmetricRankingLoss {
  override readonly name = 'CachedMultipleNegativesSymmetricRankingLoss';
}
