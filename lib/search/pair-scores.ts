import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import type { MatrixLike } from '../matrix.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { pairwiseSimilarity } from '../similarity.js';
import { describe, invalidArgument } from '../validate.js';
import { asVectors } from '../vectors.js';
import type { Candidate } from './choose-negatives.js';
import type { PairScorer } from './mining-options.js';
import type { Queries, TextsById } from './mining-queries.js';

/** Pairs that are scored at a time. */
const pairsAtOnce = 512;

/** How pairs of an anchor and a text are scored: by their embeddings, or by `scorer` where there is one. */
export interface PairScoring {
  readonly queryRows: MatrixLike;
  readonly corpusRows: MatrixLike;
  readonly similarity: SimilarityFunction;
  readonly scorer: PairScorer | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The scores of all pairs of an anchor and a positive. */
export async function scorePositives(
  queries: Queries,
  texts: TextsById,
  { queryRows, corpusRows, similarity, scorer, signal }: PairScoring,
): Promise<ArrayLike<number>> {
  const pairs = queries.texts.flatMap((_, query) => queries.positivesOf(query).map((id) => [query, id] as const));
  if (scorer !== undefined) {
    return predicted(
      scorer,
      pairs.map(([query, id]) => [queries.textAt(query), texts.at(id)]),
    );
  }
  const scores = new Float32Array(pairs.length);
  const [left, right] = [asVectors('queries', queryRows), asVectors('corpus', corpusRows)];
  const { dim } = left;
  const pause = new Pause();
  for (let begin = 0; begin < pairs.length; begin += pairsAtOnce) {
    await pause.ifDue();
    signal?.throwIfAborted();
    const some = pairs.slice(begin, begin + pairsAtOnce);
    const [anchors, positives] = [new Float32Array(some.length * dim), new Float32Array(some.length * dim)];
    for (const [i, [query, id]] of some.entries()) {
      anchors.set(left.block(query, query + 1), i * dim);
      positives.set(right.block(id, id + 1), i * dim);
    }
    const shape = [some.length, dim] as const;
    scores.set(pairwiseSimilarity({ data: anchors, shape }, { data: positives, shape }, similarity), begin);
  }
  return scores;
}

/** The candidates of a query, scored anew. */
export async function rescore(
  scorer: PairScorer,
  query: string,
  candidates: readonly Candidate[],
  texts: TextsById,
): Promise<Candidate[]> {
  const scores = await predicted(
    scorer,
    candidates.map(({ id }) => [query, texts.at(id)]),
  );
  return candidates.map(({ id }, i) => ({ id, score: scores[i] ?? 0 }));
}

async function predicted(
  scorer: PairScorer,
  pairs: (readonly [query: string, text: string])[],
): Promise<ArrayLike<number>> {
  const scores: unknown = await scorer.predict(pairs);
  const isArray = Array.isArray(scores) || (ArrayBuffer.isView(scores) && 'length' in scores);
  if (!isArray) throw invalidArgument('crossEncoder.predict', 'an array of one score a pair', scores);
  const numbers = scores as ArrayLike<unknown>;
  if (numbers.length !== pairs.length) {
    throw new InvalidArgumentError(
      `expected ${pairs.length} scores of crossEncoder.predict but received ${numbers.length}`,
    );
  }
  for (let i = 0; i < numbers.length; ++i) {
    const score = numbers[i];
    if (typeof score === 'number' && !Number.isNaN(score)) continue;
    throw new InvalidArgumentError(`expected numbers of crossEncoder.predict but received ${describe(score)} at ${i}`);
  }
  return numbers as ArrayLike<number>;
}
