import { native } from '../native/index.js';
import { all, atOnce, isSmall, onPool, pair } from '../similarity.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import type { EmbeddingsInput } from '../vectors.js';

/** The k nearest corpus rows of each query, nearest first; fewer than k columns when the corpus is smaller. */
export interface TopK {
  /** queries x k */
  readonly indices: Uint32Array;
  /** queries x k */
  readonly scores: Float32Array;
  readonly k: number;
}

/** Queries that are done, of all. */
export interface SearchProgress {
  readonly done: number;
  readonly total: number;
}

/** What a search that does not block can be given. */
export interface SearchControl {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SearchProgress) => void) | undefined;
}

/** The hits of queries `begin` on, which `eachTopK` gives one after the other. */
export interface TopKPart extends TopK {
  readonly begin: number;
  readonly end: number;
}

/** Multiplications in a part: about a second's work of a small machine, so that progress is seen. */
const partSize = 2 ** 36;
/** The fewest queries of a part: they pay for laying out the corpus for the product. */
const leastPart = 1024;

/** Exact search: the `k` rows of `corpus` most similar to each query. Equal scores keep the order of the corpus. */
export function topK(queries: EmbeddingsInput, corpus: EmbeddingsInput, k: number, name: SimilarityFunction): TopK {
  const [left, right] = pair(queries, corpus, 'queries', 'corpus');
  const kept = Math.min(k, right.rows);
  return atOnce(() => ({ ...native.topK(all(left), all(right), left.dim, kept, name), k: kept }));
}

/** As `topK`, on the threads of the pool. */
export async function topKAsync(
  queries: EmbeddingsInput,
  corpus: EmbeddingsInput,
  k: number,
  name: SimilarityFunction,
  control: SearchControl = {},
): Promise<TopK> {
  const [left, right] = pair(queries, corpus, 'queries', 'corpus');
  if (isSmall(left, right)) return topK(queries, corpus, k, name);
  const kept = Math.min(k, right.rows);
  const indices = new Uint32Array(left.rows * kept);
  const scores = new Float32Array(left.rows * kept);
  await eachTopK(queries, corpus, k, name, control, (part) => {
    indices.set(part.indices, part.begin * kept);
    scores.set(part.scores, part.begin * kept);
  });
  return { indices, scores, k: kept };
}

/** As `topKAsync`, but hands over the hits of some queries at a time, in their order: those of all may be too many. */
export async function eachTopK(
  queries: EmbeddingsInput,
  corpus: EmbeddingsInput,
  k: number,
  name: SimilarityFunction,
  { signal, onProgress }: SearchControl,
  take: (part: TopKPart) => void | Promise<void>,
): Promise<void> {
  const [left, right] = pair(queries, corpus, 'queries', 'corpus');
  const kept = Math.min(k, right.rows);
  const total = left.rows;
  const rows = Math.max(leastPart, Math.floor(partSize / Math.max(1, right.rows * right.dim)));
  await onPool(left, right, signal, async (x, y, cancellation) => {
    for (let begin = 0; begin < total; begin += rows) {
      const end = Math.min(total, begin + rows);
      const hits = await native.topKAsync(x, y, left.dim, kept, name, begin, end, cancellation);
      await take({ ...hits, k: kept, begin, end });
      onProgress?.({ done: end, total });
    }
  });
}
