import { GISTEmbedLoss } from './gist-embed-loss.js';

/**
 * Another name for `GISTEmbedLoss`: memory is never in the way of large batches here, so that nothing has to be cached (Gao
 * et al. 2021, arXiv:2101.06983).
 */
export class CachedGISTEmbedLoss extends GISTEmbedLoss {
  override readonly name = 'CachedGISTEmbedLoss';
}
