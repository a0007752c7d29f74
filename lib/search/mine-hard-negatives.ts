import { Pause } from '../event-loop.js';
import type { MatrixLike } from '../matrix.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { invalidArgument } from '../validate.js';
import { NegativeChooser, type Candidate } from './choose-negatives.js';
import { encodingOptions, type TextEncodingOptions } from './encodes.js';
import { rowWriters, type MinedQuery, type MinedRow } from './mined-rows.js';
import { miningSettings, type MineHardNegativesOptions, type MiningSettings } from './mining-options.js';
import { Queries, TextsById } from './mining-queries.js';
import { rescore, scorePositives } from './pair-scores.js';
import { pairsOf } from './pairs-of-dataset.js';
import { eachTopK, type TopKPart } from './top-k.js';

/** What mining needs of a model. `SentenceTransformer` is one. */
export interface EncodesQueries {
  readonly similarityFnName: SimilarityFunction;
  encodeQuery(texts: readonly string[], options?: TextEncodingOptions): Promise<MatrixLike>;
  encodeDocument(texts: readonly string[], options?: TextEncodingOptions): Promise<MatrixLike>;
}

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
  const pairs = await pairsOf(dataset, settings, signal);
  const texts = new TextsById([...settings.corpus, ...pairs.positives]);
  const queries = new Queries(pairs, texts);
  const corpusRows = await model.encodeDocument(
    texts.all,
    encoding(settings.corpusPrompt, settings.corpusPromptName, signal),
  );
  const queryRows = await model.encodeQuery(
    queries.texts,
    encoding(settings.queryPrompt, settings.queryPromptName, signal),
  );
  const similarity = model.similarityFnName;
  const scorer = isCompared(settings) ? settings.crossEncoder : undefined;
  const positiveScores =
    isCompared(settings) || settings.outputScores
      ? await scorePositives(queries, texts, { queryRows, corpusRows, similarity, scorer, signal })
      : undefined;

  const rangeMax = settings.rangeMax ?? defaultRangeMax(settings, queries.mostRows);
  const chooser = new NegativeChooser(settings, rangeMax);
  const minedOf = async (query: number, found: Candidate[]): Promise<MinedQuery> => {
    const own = queries.positivesOf(query);
    const scores = own.map((_, i) => positiveScores?.[queries.firstPair(query) + i] ?? 0);
    const scored = scorer === undefined ? found : await rescore(scorer, queries.textAt(query), found, texts);
    const candidates = settings.includePositives ? scored : scored.filter(({ id }) => !own.includes(id));
    return {
      anchor: queries.textAt(query),
      positives: own.map((id, i) => ({ id, score: scores[i] ?? 0 })),
      negatives: chooser.choose(candidates, Math.min(...scores)),
    };
  };

  const form = { ...pairs, ...settings, textOf: (id: number) => texts.at(id) };
  const rows: MinedRow[] = [];
  let negatives = 0;
  const pause = new Pause();
  const request = { k: rangeMax + queries.mostRows, similarity };
  await eachTopK(queryRows, corpusRows, request, settings, async (part) => {
    for (let query = part.begin; query < part.end; ++query) {
      await pause.ifDue();
      signal?.throwIfAborted();
      const mined = await minedOf(query, hitsOf(part, query));
      negatives += mined.negatives.length;
      rows.push(...rowWriters[settings.outputFormat](mined, form));
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

function hitsOf({ indices, scores, k, begin }: TopKPart, query: number): Candidate[] {
  const at = (query - begin) * k;
  return Array.from({ length: k }, (_, rank) => ({ id: indices[at + rank] ?? 0, score: scores[at + rank] ?? 0 }));
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
