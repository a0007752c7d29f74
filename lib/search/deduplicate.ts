import {
  abortSignal,
  callback,
  finiteNumber,
  knownOptions,
  positiveInteger,
  string,
  stringArray,
  type OptionAdvice,
} from '../validate.js';
import type { AnyEmbeddingsInput } from '../vectors.js';
import { checkModel, encodingOptions, isModel, type EncodesTexts } from './encodes.js';
import { eachTopK, noHit, type SearchProgress } from './top-k.js';

/** A text that is left out, and the nearest one before it. */
export interface Duplicate {
  readonly id: number;
  readonly duplicateOf: number;
  readonly score: number;
}

export interface Deduplication {
  /** What is left: of each group of duplicates the first. */
  readonly selected: number[];
  /** What is left out, in its order. */
  readonly duplicates: Duplicate[];
}

export interface DeduplicateEmbeddingsOptions {
  /** From this cosine on two texts are duplicates. Default: 0.9. */
  readonly threshold?: number;
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
  /** Called as texts are compared with those before them. */
  readonly onProgress?: (progress: SearchProgress) => void;
}

export interface DeduplicateOptions extends DeduplicateEmbeddingsOptions {
  /** Use the first columns only. */
  readonly truncateDim?: number;
  /** A prompt of the model, by name. */
  readonly promptName?: string;
  /** Put before every text; wins over `promptName`. */
  readonly prompt?: string;
}

const embeddingOptionNames = ['threshold', 'signal', 'onProgress'];
const optionNames = [...embeddingOptionNames, 'truncateDim', 'promptName', 'prompt'];

const advice: OptionAdvice = {
  similarity: 'its name is threshold',
  batchSize: 'encode takes any number of texts without batches, leave it out',
  showProgressBar: 'onProgress is called with { done, total }',
};

/** The cosine of a vector with itself may come out as little below 1. */
const mostCosine = 1 - 1e-6;

/**
 * Leaves out texts that say what an earlier one says: those that have an earlier text within the threshold, each with
 * the nearest of them. Equal texts are duplicates with score 1 whatever the model makes of them.
 *
 * @throws InvalidArgumentError naming the option, the text or the vector; `signal.reason`.
 */
export function deduplicate(
  model: EncodesTexts,
  texts: readonly string[],
  options?: DeduplicateOptions,
): Promise<Deduplication>;
/** The same of embeddings. */
export function deduplicate(
  embeddings: AnyEmbeddingsInput,
  options?: DeduplicateEmbeddingsOptions,
): Promise<Deduplication>;
export async function deduplicate(
  modelOrEmbeddings: EncodesTexts | AnyEmbeddingsInput,
  textsOrOptions?: readonly string[] | DeduplicateEmbeddingsOptions,
  options: DeduplicateOptions = {},
): Promise<Deduplication> {
  if (!isModel(modelOrEmbeddings) && typeof modelOrEmbeddings === 'object' && !Array.isArray(textsOrOptions)) {
    knownOptions('deduplicate', textsOrOptions, embeddingOptionNames, advice);
    return split(await nearestEarlier(modelOrEmbeddings, textsOrOptions as DeduplicateEmbeddingsOptions | undefined));
  }
  const model = checkModel(modelOrEmbeddings, ' or embeddings');
  const texts = stringArray('texts', textsOrOptions);
  knownOptions('deduplicate', options, optionNames, advice);
  if (options.truncateDim !== undefined) positiveInteger('truncateDim', options.truncateDim);
  if (options.promptName !== undefined) string('promptName', options.promptName);
  if (options.prompt !== undefined) string('prompt', options.prompt);
  checkSettings(options);
  if (texts.length === 0) return { selected: [], duplicates: [] };
  return deduplicateTexts(model, texts, options);
}

async function deduplicateTexts(
  model: EncodesTexts,
  texts: readonly string[],
  options: DeduplicateOptions,
): Promise<Deduplication> {
  const first = new Map<string, number>();
  for (const [id, text] of texts.entries()) if (!first.has(text)) first.set(text, id);
  const ids = [...first.values()];
  const embeddings = await model.encode([...first.keys()], encodingOptions(options));
  const nearest = await nearestEarlier(embeddings, options);
  const found = new Map(nearest.map((hit, i) => [ids[i] ?? 0, hit && { ...hit, of: ids[hit.of] ?? 0 }]));
  return split(
    texts.map((text, id) => {
      const of = first.get(text) ?? id;
      return of === id ? found.get(id) : { of, score: 1 };
    }),
  );
}

interface Nearest {
  readonly of: number;
  readonly score: number;
}

/** For each row the nearest of those before it, where one is within the threshold. */
async function nearestEarlier(
  embeddings: AnyEmbeddingsInput,
  options: DeduplicateEmbeddingsOptions = {},
): Promise<(Nearest | undefined)[]> {
  const atLeast = Math.min(checkSettings(options), mostCosine);
  const nearest: (Nearest | undefined)[] = [];
  const request = { k: 1, similarity: 'cosine', atLeast, earlier: true } as const;
  await eachTopK(embeddings, embeddings, request, options, ({ indices, scores }) => {
    for (const [i, of] of indices.entries()) nearest.push(of === noHit ? undefined : { of, score: scores[i] ?? 0 });
  });
  return nearest;
}

function checkSettings(options: DeduplicateEmbeddingsOptions): number {
  abortSignal('signal', options.signal);
  callback('onProgress', options.onProgress);
  return finiteNumber('threshold', options.threshold ?? 0.9, { min: -1, max: 1 });
}

function split(nearest: readonly (Nearest | undefined)[]): Deduplication {
  const selected: number[] = [];
  const duplicates: Duplicate[] = [];
  for (const [id, hit] of nearest.entries()) {
    if (hit === undefined) selected.push(id);
    else duplicates.push({ id, duplicateOf: hit.of, score: hit.score });
  }
  return { selected, duplicates };
}
