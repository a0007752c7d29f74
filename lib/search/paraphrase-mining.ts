import { Pause } from '../event-loop.js';
import { similarityFunctions, type SimilarityFunction } from '../similarity-functions.js';
import { descendingOrder, sortedOrder } from '../sorted-order.js';
import {
  abortSignal,
  callback,
  knownOptions,
  oneOf,
  positiveInteger,
  string,
  stringArray,
  type OptionAdvice,
} from '../validate.js';
import { asAnyVectors, type AnyEmbeddingsInput } from '../vectors.js';
import { checkModel, encodingOptions, isModel, type EncodesTexts } from './encodes.js';
import { eachTopK, type SearchProgress, type TopKPart } from './top-k.js';

/** How similar two texts are, and which, the first one first. */
export type ScoredPair = [score: number, i: number, j: number];

export interface EmbeddingPairOptions {
  /** Most similar others that are looked at of each. Default: 100. */
  readonly topK?: number;
  /** Pairs to return at most, the best. A pair that both of its texts find takes the place of two. Default: 500,000. */
  readonly maxPairs?: number;
  /** Default: `cosine`. */
  readonly scoreFunction?: SimilarityFunction;
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
  /** Called as texts are compared with all others. */
  readonly onProgress?: (progress: SearchProgress) => void;
}

export interface ParaphraseMiningOptions extends EmbeddingPairOptions {
  /** Use the first columns only. */
  readonly truncateDim?: number;
  /** A prompt of the model, by name. */
  readonly promptName?: string;
  /** Put before every text; wins over `promptName`. */
  readonly prompt?: string;
}

const pairOptionNames = ['topK', 'maxPairs', 'scoreFunction', 'signal', 'onProgress'];
const optionNames = [...pairOptionNames, 'truncateDim', 'promptName', 'prompt'];

const advice: OptionAdvice = {
  batchSize: 'encode takes any number of texts without batches, leave it out',
  queryChunkSize: 'no matrix of all scores is ever made, leave it out',
  corpusChunkSize: 'no matrix of all scores is ever made, leave it out',
  showProgressBar: 'onProgress is called with { done, total }',
  similarity: 'its name is scoreFunction',
};

/**
 * The pairs of texts that are most alike: each text is compared with all others, and its `topK` best make pairs.
 *
 * @returns `[score, i, j]` with i < j, the best first, equal scores by i, then j.
 * @throws InvalidArgumentError naming the option, the text or the vector; `signal.reason`.
 */
export function paraphraseMining(
  model: EncodesTexts,
  texts: readonly string[],
  options?: ParaphraseMiningOptions,
): Promise<ScoredPair[]>;
/** The same of embeddings. */
export function paraphraseMining(embeddings: AnyEmbeddingsInput, options?: EmbeddingPairOptions): Promise<ScoredPair[]>;
export async function paraphraseMining(
  modelOrEmbeddings: EncodesTexts | AnyEmbeddingsInput,
  textsOrOptions?: readonly string[] | EmbeddingPairOptions,
  options: ParaphraseMiningOptions = {},
): Promise<ScoredPair[]> {
  if (!isModel(modelOrEmbeddings) && typeof modelOrEmbeddings === 'object' && !Array.isArray(textsOrOptions)) {
    knownOptions('paraphraseMining', textsOrOptions, pairOptionNames, advice);
    return minePairs(modelOrEmbeddings, textsOrOptions as EmbeddingPairOptions | undefined);
  }
  const model = checkModel(modelOrEmbeddings, ' or embeddings');
  const texts = stringArray('texts', textsOrOptions);
  knownOptions('paraphraseMining', options, optionNames, advice);
  if (options.truncateDim !== undefined) positiveInteger('truncateDim', options.truncateDim);
  if (options.promptName !== undefined) string('promptName', options.promptName);
  if (options.prompt !== undefined) string('prompt', options.prompt);
  checkPairOptions(options);
  if (texts.length === 0) return [];
  return minePairs(await model.encode(texts, encodingOptions(options)), options);
}

function checkPairOptions(options: EmbeddingPairOptions): {
  topK: number;
  maxPairs: number;
  similarity: SimilarityFunction;
} {
  abortSignal('signal', options.signal);
  callback('onProgress', options.onProgress);
  return {
    topK: positiveInteger('topK', options.topK ?? 100),
    maxPairs: positiveInteger('maxPairs', options.maxPairs ?? 500_000),
    similarity: oneOf('scoreFunction', options.scoreFunction ?? 'cosine', similarityFunctions),
  };
}

async function minePairs(embeddings: AnyEmbeddingsInput, options: EmbeddingPairOptions = {}): Promise<ScoredPair[]> {
  const { topK, maxPairs, similarity } = checkPairOptions(options);
  const { rows } = asAnyVectors('embeddings', embeddings);
  const best = new BestPairs(maxPairs, rows, options.signal);
  // One more, since a text is most similar to itself.
  await eachTopK(embeddings, embeddings, { k: topK + 1, similarity }, options, (part) => best.add(part));
  return best.pairs();
}

/** Pairs that are looked at between two looks at the clock. */
const pairsAtOnce = 1024;

/** The best of the pairs that are added, in bounded memory. */
class BestPairs {
  readonly #kept: number;
  readonly #rows: number;
  #scores: Float32Array;
  /** i * rows + j; of pairs of one score they rise. */
  #keys: Float64Array;
  #count = 0;
  #worst = -Infinity;

  /** Sentence Transformers' queue of `maxPairs` gives one up when it is full. */
  constructor(
    maxPairs: number,
    rows: number,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.#kept = Math.max(1, maxPairs - 1);
    this.#rows = rows;
    this.#scores = new Float32Array(1024);
    this.#keys = new Float64Array(1024);
  }

  /** Adds what the next texts have found. */
  async add({ indices, scores, k, begin, end }: TopKPart): Promise<void> {
    const pause = new Pause(this.signal);
    for (let i = begin, at = 0; i < end; ++i) {
      for (let rank = 0; rank < k; ++rank, ++at) {
        const j = indices[at] ?? 0;
        const score = scores[at] ?? 0;
        if (j === i || !(score >= this.#worst)) continue;
        if (this.#count === this.#scores.length) await this.#makeRoom();
        this.#scores[this.#count] = score;
        this.#keys[this.#count++] = i * this.#rows + j;
      }
      await pause.ifDue();
    }
  }

  /** Each pair once, the best first. */
  async pairs(): Promise<ScoredPair[]> {
    await this.#drop();
    const pause = new Pause(this.signal);
    const found = new Set<number>();
    const pairs: ScoredPair[] = [];
    for (let at = 0; at < this.#count; ++at) {
      if (at % pairsAtOnce === 0) await pause.ifDue();
      const key = this.#keys[at] ?? 0;
      const [a, b] = [Math.floor(key / this.#rows), key % this.#rows];
      const [i, j] = a < b ? [a, b] : [b, a];
      const pair = i * this.#rows + j;
      if (found.has(pair)) continue;
      found.add(pair);
      pairs.push([this.#scores[at] ?? 0, i, j]);
    }
    // They are in order, but for pairs of one score that only the second text has found.
    const order = await sortedOrder(pairs.length, (x, y) => comparePairs(pairs[x], pairs[y]), this.signal);
    return Array.from(order, (at) => pairs[at] ?? noPair);
  }

  async #makeRoom(): Promise<void> {
    if (this.#count >= 2 * this.#kept) {
      await this.#drop();
      return;
    }
    const length = 2 * this.#scores.length;
    const [scores, keys] = [new Float32Array(length), new Float64Array(length)];
    scores.set(this.#scores);
    keys.set(this.#keys);
    [this.#scores, this.#keys] = [scores, keys];
  }

  /** Keeps the best, in order. */
  async #drop(): Promise<void> {
    const order = await descendingOrder(this.#scores.subarray(0, this.#count), this.signal);
    const kept = Math.min(this.#count, this.#kept);
    const [scores, keys] = [this.#scores.slice(0, this.#count), this.#keys.slice(0, this.#count)];
    for (let rank = 0; rank < kept; ++rank) {
      this.#scores[rank] = scores[order[rank] ?? 0] ?? 0;
      this.#keys[rank] = keys[order[rank] ?? 0] ?? 0;
    }
    this.#count = kept;
    if (kept === this.#kept) this.#worst = this.#scores[kept - 1] ?? -Infinity;
  }
}

const noPair: ScoredPair = [NaN, 0, 0];

function comparePairs(x: ScoredPair = noPair, y: ScoredPair = noPair): number {
  return y[0] - x[0] || x[1] - y[1] || x[2] - y[2];
}
