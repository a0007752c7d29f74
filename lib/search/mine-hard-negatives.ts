import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import type { MatrixLike } from '../matrix.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { pairwiseSimilarity } from '../similarity.js';
import { describe, invalidArgument } from '../validate.js';
import { asVectors, type Vectors } from '../vectors.js';
import { NegativeChooser, type Candidate } from './choose-negatives.js';
import { encodingOptions, type TextEncodingOptions } from './encodes.js';
import { rowWriters, type MinedQuery, type MinedRow } from './mined-rows.js';
import {
  miningSettings,
  type MineHardNegativesOptions,
  type MiningSettings,
  type PairScorer,
} from './mining-options.js';
import { pairsOf } from './pairs-of-dataset.js';
import { eachTopK } from './top-k.js';

/** What mining needs of a model. `SentenceTransformer` is one. */
export interface EncodesQueries {
  readonly similarityFnName: SimilarityFunction;
  encodeQuery(texts: readonly string[], options?: TextEncodingOptions): Promise<MatrixLike>;
  encodeDocument(texts: readonly string[], options?: TextEncodingOptions): Promise<MatrixLike>;
}

/** Pairs that are scored at a time. */
const pairsAtOnce = 512;

/**
 * Finds negatives for pairs of texts: for each anchor those of the corpus that are most similar to it and are none of
 * its positives. All rows of an anchor hold positives of it.
 *
 * The columns are named as in Sentence Transformers, by `outputFormat`:
 *
 * - `triplet`: anchor, positive, `negative`; one row a positive and negative, with `scores` [positive, negative].
 * - `n-tuple`: anchor, positive, `negative_1` ...; only anchors for which enough were found, with `scores` of all.
 * - `labeled-pair`: anchor, positive (a text that is one or not), `label` 1 or 0, or instead `score`.
 * - `labeled-list`: anchor, positive (the positive and the negatives), `labels`, or instead `scores`.
 *
 * @param dataset - Rows, columns or an (async) iterable of rows, with an anchor and a positive.
 * @throws InvalidArgumentError naming the option, or the row and column of the dataset; `signal.reason`; what
 * `crossEncoder` throws.
 */
export async function mineHardNegatives(
  model: EncodesQueries,
  dataset: readonly object[] | Readonly<Record<string, readonly string[]>> | Iterable<object> | AsyncIterable<object>,
  options: MineHardNegativesOptions = {},
): Promise<MinedRow[]> {
  checkModel(model);
  const settings = miningSettings(options);
  const { signal } = settings;
  const { anchorName, positiveName, anchors, positives } = await pairsOf(dataset, settings, signal);
  const texts = new TextsById([...settings.corpus, ...positives]);
  const queries = new Queries(anchors, positives, texts);
  const rangeMax = settings.rangeMax ?? defaultRangeMax(settings, queries.mostRows);

  const corpusRows = asVectors(
    'corpus',
    await model.encodeDocument(texts.all, encoding(settings.corpusPrompt, settings.corpusPromptName, signal)),
  );
  const queryRows = asVectors(
    'queries',
    await model.encodeQuery(queries.texts, encoding(settings.queryPrompt, settings.queryPromptName, signal)),
  );
  const similarity = model.similarityFnName;
  const scorer = isCompared(settings) ? settings.crossEncoder : undefined;
  const needsPositives = settings.outputScores || isCompared(settings);
  const positiveScores = needsPositives
    ? await scorePositives(queries, texts, queryRows, corpusRows, similarity, scorer, signal)
    : undefined;

  const chooser = new NegativeChooser(settings, rangeMax);
  const write = rowWriters[settings.outputFormat];
  const form = {
    anchorName,
    positiveName,
    numNegatives: settings.numNegatives,
    outputScores: settings.outputScores,
    textOf: (id: number) => texts.at(id),
  };
  const rows: MinedRow[] = [];
  let negatives = 0;
  const pause = new Pause();
  const request = { k: rangeMax + queries.mostRows, similarity };
  const matrix = { data: queryRows.block(0, queryRows.rows), shape: [queryRows.rows, queryRows.dim] } as const;
  const corpus = { data: corpusRows.block(0, corpusRows.rows), shape: [corpusRows.rows, corpusRows.dim] } as const;
  await eachTopK(matrix, corpus, request, settings, async ({ indices, scores, k, begin, end }) => {
    for (let query = begin; query < end; ++query) {
      await pause.ifDue();
      signal?.throwIfAborted();
      const own = queries.positivesOf(query);
      const at = (query - begin) * k;
      let candidates: Candidate[] = Array.from({ length: k }, (_, rank) => ({
        id: indices[at + rank] ?? 0,
        score: scores[at + rank] ?? 0,
      }));
      if (scorer !== undefined) candidates = await rescore(scorer, queries.textAt(query), candidates, texts);
      if (!settings.includePositives) candidates = candidates.filter(({ id }) => !own.includes(id));
      const ownScores = own.map((_, i) => positiveScores?.[queries.firstPair(query) + i] ?? 0);
      const mined: MinedQuery = {
        anchor: queries.textAt(query),
        positives: own.map((id, i) => ({ id, score: ownScores[i] ?? 0 })),
        negatives: chooser.choose(candidates, Math.min(...ownScores)),
      };
      negatives += mined.negatives.length;
      for (const row of write(mined, form)) rows.push(row);
    }
  });
  settings.onReport?.({
    queries: queries.texts.length,
    positives: queries.pairs,
    negatives,
    skipped: chooser.skipped,
    missing: queries.texts.length * settings.numNegatives - negatives,
  });
  return rows;
}

function checkModel(model: unknown): void {
  const isModel = typeof model === 'object' && model !== null && 'encodeQuery' in model && 'encodeDocument' in model;
  if (!isModel) throw invalidArgument('model', 'a SentenceTransformer', model);
}

function encoding(
  prompt: string | undefined,
  promptName: string | undefined,
  signal: AbortSignal | undefined,
): TextEncodingOptions {
  return { ...encodingOptions({ prompt, promptName, signal }), normalizeEmbeddings: true };
}

/** Whether candidates are compared with positives or a bound: some will be put aside. */
function isCompared({ absoluteMargin, relativeMargin, maxScore }: MiningSettings): boolean {
  return absoluteMargin !== undefined || relativeMargin !== undefined || maxScore !== undefined;
}

function defaultRangeMax(settings: MiningSettings, mostRows: number): number {
  return settings.rangeMin + settings.numNegatives * (isCompared(settings) ? 10 : 1) + mostRows;
}

/** Texts without repeats, each with a number. */
class TextsById {
  readonly all: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  constructor(texts: readonly string[]) {
    this.all = [...new Set(texts)];
    this.#ids = new Map(this.all.map((text, id) => [text, id]));
  }

  at(id: number): string {
    return this.all[id] ?? '';
  }

  idOf(text: string): number {
    return this.#ids.get(text) ?? -1;
  }
}

/** The anchors without repeats, and the ids of the positives of each. */
class Queries {
  readonly texts: readonly string[];
  /** The most rows that one anchor has. */
  readonly mostRows: number;
  /** Pairs of an anchor and a positive. */
  readonly pairs: number;
  readonly #positives: number[][] = [];
  readonly #firstPairs: number[] = [];

  constructor(anchors: readonly string[], positives: readonly string[], texts: TextsById) {
    const numbers = new Map<string, number>();
    const rows: number[] = [];
    for (const [row, anchor] of anchors.entries()) {
      const query = numbers.get(anchor) ?? numbers.size;
      numbers.set(anchor, query);
      rows[query] = (rows[query] ?? 0) + 1;
      const own = (this.#positives[query] ??= []);
      const id = texts.idOf(positives[row] ?? '');
      if (!own.includes(id)) own.push(id);
    }
    this.texts = [...numbers.keys()];
    this.mostRows = rows.reduce((most, count) => Math.max(most, count), 0);
    let pairs = 0;
    for (const own of this.#positives) {
      this.#firstPairs.push(pairs);
      pairs += own.length;
    }
    this.pairs = pairs;
  }

  textAt(query: number): string {
    return this.texts[query] ?? '';
  }

  positivesOf(query: number): readonly number[] {
    return this.#positives[query] ?? [];
  }

  /** The number of the query's first pair, counted over all queries. */
  firstPair(query: number): number {
    return this.#firstPairs[query] ?? 0;
  }
}

/** The scores of all pairs of an anchor and a positive. */
async function scorePositives(
  queries: Queries,
  texts: TextsById,
  queryRows: Vectors,
  corpusRows: Vectors,
  similarity: SimilarityFunction,
  scorer: PairScorer | undefined,
  signal: AbortSignal | undefined,
): Promise<ArrayLike<number>> {
  const pairs = queries.texts.flatMap((_, query) => queries.positivesOf(query).map((id) => [query, id] as const));
  if (scorer !== undefined) {
    return predicted(
      scorer,
      pairs.map(([query, id]) => [queries.textAt(query), texts.at(id)]),
    );
  }
  const scores = new Float32Array(pairs.length);
  const { dim } = queryRows;
  const pause = new Pause();
  for (let begin = 0; begin < pairs.length; begin += pairsAtOnce) {
    await pause.ifDue();
    signal?.throwIfAborted();
    const some = pairs.slice(begin, begin + pairsAtOnce);
    const [left, right] = [new Float32Array(some.length * dim), new Float32Array(some.length * dim)];
    for (const [i, [query, id]] of some.entries()) {
      left.set(queryRows.block(query, query + 1), i * dim);
      right.set(corpusRows.block(id, id + 1), i * dim);
    }
    const shape = [some.length, dim] as const;
    scores.set(pairwiseSimilarity({ data: left, shape }, { data: right, shape }, similarity), begin);
  }
  return scores;
}

async function rescore(
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
