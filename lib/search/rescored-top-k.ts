import type { Precision } from '../embeddings.js';
import { InvalidArgumentError } from '../errors.js';
import { atOnce, onPool } from '../native-call.js';
import { native } from '../native/index.js';
import { quantizeEmbeddings, quantizeEmbeddingsAsync } from '../quantization.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { positiveInteger } from '../validate.js';
import {
  allRows,
  asAnyVectors,
  asVectors,
  checkDimensions,
  type AnyEmbeddingsInput,
  type EmbeddingsInput,
  type Vectors,
} from '../vectors.js';
import { topK, topKAsync, type SearchControl, type SearchRequest, type TopK } from './top-k.js';

/** The options of a search in two steps. */
export interface RescoreOptions {
  /**
   * Search a corpus of `binary` or `ubinary` rows by the bits of the queries, which is quick and coarse, and score the
   * best `rescoreMultiplier` x k of each query again, by the queries as they are: with `true` against the bits, with the
   * same corpus at a higher precision, such as int8 or float32, against that. Default: false, one exact search.
   */
  readonly rescore?: boolean | AnyEmbeddingsInput;
  /** How many times as many hits as asked for are scored again. Default: 4. */
  readonly rescoreMultiplier?: number;
}

export const rescoreOptionNames = ['rescore', 'rescoreMultiplier'] as const;

/** A search in one step or two, as its options say. */
export function search(
  queries: AnyEmbeddingsInput,
  corpus: AnyEmbeddingsInput,
  request: SearchRequest,
  options: RescoreOptions,
): TopK {
  const plan = planOf(queries, corpus, request, options);
  if (plan === undefined) return topK(queries, corpus, request);
  const { left, right, precision, coarse, similarity } = plan;
  const { indices, k: candidates } = topK(quantizeEmbeddings(plan.queries, { precision }), corpus, coarse);
  const k = Math.min(request.k, candidates);
  const [x, y] = [allRows(left), allRows(right)];
  return atOnce(() => ({
    ...native.rescore(x, left.precision, y, right.precision, left.dim, similarity, indices, k),
    k,
  }));
}

/** As `search`, on the threads of the pool. */
export async function searchAsync(
  queries: AnyEmbeddingsInput,
  corpus: AnyEmbeddingsInput,
  request: SearchRequest,
  options: RescoreOptions,
  control: SearchControl,
): Promise<TopK> {
  const plan = planOf(queries, corpus, request, options);
  if (plan === undefined) return topKAsync(queries, corpus, request, control);
  const { left, right, precision, coarse, similarity } = plan;
  const { signal } = control;
  const bits = await quantizeEmbeddingsAsync(plan.queries, { precision, ...(signal && { signal }) });
  const { indices, k: candidates } = await topKAsync(bits, corpus, coarse, control);
  const k = Math.min(request.k, candidates);
  return onPool([left, right], signal, async ([x, y], cancellation) => ({
    ...(await native.rescoreAsync(
      x,
      left.precision,
      y,
      right.precision,
      left.dim,
      similarity,
      indices,
      k,
      cancellation,
    )),
    k,
  }));
}

/** A search in two steps. */
interface Plan {
  readonly queries: EmbeddingsInput;
  /** What is compared in the second step: the queries, and the corpus. */
  readonly left: Vectors;
  readonly right: Vectors<Precision>;
  readonly similarity: SimilarityFunction;
  /** Of the corpus in the first step. */
  readonly precision: 'binary' | 'ubinary';
  readonly coarse: SearchRequest;
}

/** Undefined for a search in one step. */
function planOf(
  queries: AnyEmbeddingsInput,
  corpus: AnyEmbeddingsInput,
  { k, similarity }: SearchRequest,
  { rescore = false, rescoreMultiplier = 4 }: RescoreOptions,
): Plan | undefined {
  const multiplier = positiveInteger('rescoreMultiplier', rescoreMultiplier);
  if (rescore === false) return undefined;
  const searched = asAnyVectors('corpus', corpus);
  const { precision } = searched;
  if (precision !== 'binary' && precision !== 'ubinary') {
    throw new InvalidArgumentError(
      `expected a binary or ubinary corpus for rescore but received ${precision}: quantizeEmbeddings makes one, and ` +
        'rescore takes the embeddings that it was made of, or their int8 form',
    );
  }
  const left = asVectors('queries', queries);
  const right = rescore === true ? searched : asAnyVectors('rescore', rescore);
  checkDimensions(left, right, 'queries', rescore === true ? 'corpus' : 'rescore');
  if (right.rows !== searched.rows) {
    throw new InvalidArgumentError(
      `expected the ${searched.rows} rows of the corpus for rescore but received ${right.rows}`,
    );
  }
  // Bits are compared by how many differ, of which every similarity is a function.
  const coarse = { k: k * multiplier, similarity: 'dot' } as const;
  return { queries: queries, left, right, similarity, precision, coarse };
}
