import { MultipleNegativesRankingLoss } from './multiple-negatives-ranking-loss.js';

/**
 * Another name for `MultipleNegativesRankingLoss`: memory is never in the way of large batches here, so that nothing has to
 * be cached (Gao et al. 2021, arXiv:2101.06983).
 */
export class CachedMultipleNegativesRankingLoss extends MultipleNegativesRankingLoss {
  override readonly name = 'CachedMultipleNegativesRankingLoss';
}
