import type { Precision } from '../embeddings.js';
import { native, type NativeSearchRequest } from '../native/index.js';
import { atOnce, isSmall, onPool } from '../native-call.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { allRows, asAnyVectors, checkDimensions, type AnyEmbeddingsInput, type Vectors } from '../vectors.js';

/** The k nearest corpus rows of each query, nearest first; fewer than k columns when the corpus is smaller. */
export interface TopK {
  /** queries x k */
  readonly indices: Uint32Array;
  /** queries x k */
  readonly scores: Float32Array;
  readonly k: number;
}

/** Rows that are done, of all. */
export interface SearchProgress {
  readonly done: number;
  readonly total: number;
}

/** What a search that does not block can be given. */
export interface SearchControl {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SearchProgress) => void) | undefined;
}

/** What is looked for. */
export interface SearchRequest {
  readonly k: number;
  readonly similarity: SimilarityFunction;
  /** Hits of a lower score are none. Default: any score. */
  readonly atLeast?: number;
  /** The queries are the corpus, and find only rows before themselves. Default: false. */
  readonly earlier?: boolean;
}

/** The hits of the queries [begin, end); a place without a hit has the index `noHit`. */
export interface TopKPart extends TopK {
  readonly begin: number;
  readonly end: number;
}

export const noHit = 2 ** 32 - 1;

/** Multiplications in a part: about a second's work of a small machine, so that progress is seen. */
const partSize = 2 ** 37;
/** The fewest queries of a part: they pay for laying out the corpus for the product. */
const leastPart = 1024;

/** Exact search: the `k` rows of `corpus` most similar to each query. Equal scores keep the order of the corpus. */
export function topK(queries: AnyEmbeddingsInput, corpus: AnyEmbeddingsInput, request: SearchRequest): TopK {
  const [left, right] = sides(queries, corpus);
  const asked = nativeRequest(request, right, 0, left.rows);
  return atOnce(() => ({
    ...native.topK(allRows(left), left.precision, allRows(right), right.precision, left.dim, asked),
    k: asked.k,
  }));
}

/** As `topK`, on the threads of the pool. */
export async function topKAsync(
  queries: AnyEmbeddingsInput,
  corpus: AnyEmbeddingsInput,
  request: SearchRequest,
  control: SearchControl = {},
): Promise<TopK> {
  const [left, right] = sides(queries, corpus);
  if (isSmall(left, right)) {
    control.signal?.throwIfAborted();
    return topK(queries, corpus, request);
  }
  const k = Math.min(request.k, right.rows);
  const indices = new Uint32Array(left.rows * k);
  const scores = new Float32Array(left.rows * k);
  await eachTopK(queries, corpus, request, control, (part) => {
    indices.set(part.indices, part.begin * k);
    scores.set(part.scores, part.begin * k);
  });
  return { indices, scores, k };
}

/** As `topKAsync`, but hands over the hits of some queries at a time, in their order: those of all may be too many. */
export async function eachTopK(
  queries: AnyEmbeddingsInput,
  corpus: AnyEmbeddingsInput,
  request: SearchRequest,
  { signal, onProgress }: SearchControl,
  take: (part: TopKPart) => void | Promise<void>,
): Promise<void> {
  const [left, right] = sides(queries, corpus);
  const total = left.rows;
  const rows = Math.max(leastPart, Math.floor(partSize / Math.max(1, right.rows * right.dim)));
  await onPool([left, right], signal, async ([x, y], cancellation) => {
    for (let begin = 0; begin < total; begin += rows) {
      const end = Math.min(total, begin + rows);
      const asked = nativeRequest(request, right, begin, end);
      const hits = await native.topKAsync(x, left.precision, y, right.precision, left.dim, asked, cancellation);
      await take({ ...hits, k: asked.k, begin, end });
      onProgress?.({ done: end, total });
    }
  });
}

function nativeRequest(
  { k, similarity, atLeast = -Infinity, earlier = false }: SearchRequest,
  corpus: Vectors<Precision>,
  begin: number,
  end: number,
): NativeSearchRequest {
  return { k: Math.min(k, corpus.rows), similarity, atLeast, earlier, begin, end };
}

function sides(queries: AnyEmbeddingsInput, corpus: AnyEmbeddingsInput): [Vectors<Precision>, Vectors<Precision>] {
  const [left, right] = [asAnyVectors('queries', queries), asAnyVectors('corpus', corpus)];
  checkDimensions(left, right, 'queries', 'corpus');
  return [left, right];
}
