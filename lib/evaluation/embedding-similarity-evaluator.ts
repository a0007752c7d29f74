import { precisions, type Precision } from '../embeddings.js';
import { InvalidArgumentError } from '../errors.js';
import type { MatrixLike } from '../matrix.js';
import { similarityFunctions, type SimilarityFunction } from '../similarity-functions.js';
import * as validate from '../validate.js';
import {
  checkEvaluation,
  prefixed,
  type Encodes,
  type EvaluateOptions,
  type EvaluationEncodeOptions,
  type Evaluator,
} from './evaluator.js';
import { pearson, spearman, type Numbers } from './metrics.js';

export interface EmbeddingSimilarityOptions {
  /** Text i of `sentences1` is compared with text i of `sentences2`. */
  sentences1: readonly string[];
  sentences2: readonly string[];
  /** How alike the pairs are, on any scale. */
  scores: Numbers;
  name?: string;
  /** Default: the model's own. */
  similarityFnNames?: readonly SimilarityFunction[];
  /** Decides the primary metric; and what is measured, where `similarityFnNames` is not given. */
  mainSimilarity?: SimilarityFunction;
  /** Compare quantized embeddings, which are normalized first. */
  precision?: Precision;
  /** Use the first columns only. */
  truncateDim?: number;
}

const optionNames = [
  'sentences1',
  'sentences2',
  'scores',
  'name',
  'similarityFnNames',
  'mainSimilarity',
  'precision',
  'truncateDim',
];

/** Norms below this count as this, so that a zero vector has cosine 0 with every other. */
const smallestNorm = 1e-12;

function sum(values: ArrayLike<number>, term: (value: number, i: number) => number): number {
  let total = 0;
  for (let i = 0; i < values.length; ++i) total += term(values[i] ?? 0, i);
  return total;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return sum(a, (x, i) => x * (b[i] ?? 0));
}

function norm(a: ArrayLike<number>): number {
  return Math.max(Math.sqrt(dot(a, a)), smallestNorm);
}

/** Distances are negative, so that for each function greater is more alike. */
const pairSimilarity: Record<SimilarityFunction, (a: ArrayLike<number>, b: ArrayLike<number>) => number> = {
  cosine: (a, b) => dot(a, b) / (norm(a) * norm(b)),
  dot,
  euclidean: (a, b) => -Math.sqrt(sum(a, (x, i) => (x - (b[i] ?? 0)) ** 2)),
  manhattan: (a, b) => -sum(a, (x, i) => Math.abs(x - (b[i] ?? 0))),
};

/** The values of a row: packed bits (most significant first) become 0 and 1. */
function rowValues({ data, shape }: MatrixLike, row: number, precision: Precision): ArrayLike<number> {
  const columns = data.length / shape[0];
  const values = data.subarray(row * columns, (row + 1) * columns);
  if (precision !== 'binary' && precision !== 'ubinary') return values;
  const offset = precision === 'binary' ? 128 : 0;
  return Uint8Array.from({ length: 8 * columns }, (_, bit) => {
    const byte = (values[bit >> 3] ?? 0) + offset;
    return (byte >> (7 - (bit & 7))) & 1;
  });
}

/**
 * Correlates the similarity of pairs of texts with given scores, by Pearson and by Spearman (ranks, equal values sharing
 * the mean of theirs). Metrics are named `<name>_spearman_cosine` and so on; the primary one is Spearman.
 */
export class EmbeddingSimilarityEvaluator implements Evaluator {
  readonly name: string;
  private readonly similarityFnNames: readonly SimilarityFunction[];
  private modelSimilarity: SimilarityFunction = 'cosine';

  constructor(private readonly options: EmbeddingSimilarityOptions) {
    validate.object('options', options, 'an object such as { sentences1, sentences2, scores }');
    validate.knownOptions('EmbeddingSimilarityEvaluator', options, optionNames);
    const first = validate.stringArray('sentences1', options.sentences1);
    const second = validate.stringArray('sentences2', options.sentences2);
    const count = first.length;
    if (!Array.isArray(options.scores) && !ArrayBuffer.isView(options.scores)) {
      throw validate.invalidArgument('scores', 'an array of numbers', options.scores);
    }
    if (second.length !== count || options.scores.length !== count) {
      throw new InvalidArgumentError(
        `expected equally many sentences1, sentences2 and scores but received ${count}, ${second.length} and ` +
          String(options.scores.length),
      );
    }
    if (count < 2) throw new InvalidArgumentError(`expected at least two pairs of sentences but received ${count}`);
    for (let i = 0; i < count; ++i) validate.finiteNumber(`scores[${i}]`, options.scores[i]);
    this.name = validate.string('name', options.name ?? '');
    if (options.precision !== undefined) validate.oneOf('precision', options.precision, precisions);
    if (options.truncateDim !== undefined) validate.positiveInteger('truncateDim', options.truncateDim);
    const main = options.mainSimilarity;
    if (main !== undefined) validate.oneOf('mainSimilarity', main, similarityFunctions);
    this.similarityFnNames = options.similarityFnNames ?? (main === undefined ? [] : [main]);
    if (!Array.isArray(this.similarityFnNames)) {
      throw validate.invalidArgument('similarityFnNames', 'an array of names', this.similarityFnNames);
    }
    for (const name of this.similarityFnNames) validate.oneOf('similarityFnNames', name, similarityFunctions);
  }

  /** Named after the similarity of the model evaluated last (cosine before the first) where no option names one. */
  get primaryMetric(): string {
    const only = this.similarityFnNames.length > 1 ? 'max' : (this.similarityFnNames[0] ?? this.modelSimilarity);
    return prefixed(this.name, `spearman_${this.options.mainSimilarity ?? only}`);
  }

  async evaluate(model: Encodes, options: EvaluateOptions = {}): Promise<Record<string, number>> {
    checkEvaluation(model, options);
    const { signal, onProgress } = options;
    signal?.throwIfAborted();
    this.modelSimilarity = model.similarityFnName;
    const { sentences1, sentences2, scores, precision, truncateDim } = this.options;
    const encodeOptions: EvaluationEncodeOptions = {
      ...(precision !== undefined && { precision, normalizeEmbeddings: true }),
      ...(truncateDim !== undefined && { truncateDim }),
      ...(signal !== undefined && { signal }),
    };
    const total = 2 * sentences1.length;
    const first = await model.encode(sentences1, encodeOptions);
    onProgress?.({ done: sentences1.length, total });
    const second = await model.encode(sentences2, encodeOptions);
    onProgress?.({ done: total, total });

    const names = this.similarityFnNames.length === 0 ? [model.similarityFnName] : this.similarityFnNames;
    const metrics: Record<string, number> = {};
    const best = { pearson: -Infinity, spearman: -Infinity };
    for (const name of names) {
      const similarities = sentences1.map((_, row) =>
        pairSimilarity[name](
          rowValues(first, row, precision ?? 'float32'),
          rowValues(second, row, precision ?? 'float32'),
        ),
      );
      for (const [kind, correlate] of [['pearson', pearson] as const, ['spearman', spearman] as const]) {
        const correlation = correlate(scores, similarities);
        metrics[prefixed(this.name, `${kind}_${name}`)] = correlation;
        best[kind] = Math.max(best[kind], correlation);
      }
    }
    if (names.length > 1) {
      metrics[prefixed(this.name, 'pearson_max')] = best.pearson;
      metrics[prefixed(this.name, 'spearman_max')] = best.spearman;
    }
    return metrics;
  }
}
