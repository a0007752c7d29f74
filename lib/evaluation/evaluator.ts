import type { Precision } from '../embeddings.js';
import type { MatrixLike } from '../matrix.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import type { TopK } from '../similarity.js';
import { abortSignal, callback, invalidArgument, knownOptions } from '../validate.js';

/** The options of `encode` that evaluators use. */
export interface EvaluationEncodeOptions {
  prompt?: string;
  promptName?: string;
  truncateDim?: number;
  precision?: Precision;
  normalizeEmbeddings?: boolean;
  signal?: AbortSignal;
}

/** What an evaluator needs of a model. `SentenceTransformer` is one. */
export interface Encodes {
  readonly similarityFnName: SimilarityFunction;
  encode(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<MatrixLike>;
  encodeQuery(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<MatrixLike>;
  encodeDocument(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<MatrixLike>;
  /** `k` is at most the number of rows of `corpus`; scores are those of `similarityFnName`. */
  searchTopK(queries: MatrixLike, corpus: MatrixLike, k: number): TopK | Promise<TopK>;
}

/** Texts encoded so far, of all that the evaluation encodes. */
export interface EvaluationProgress {
  readonly done: number;
  readonly total: number;
}

export interface EvaluateOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: EvaluationProgress) => void) | undefined;
}

/** Measures a model. The metrics are numbers by name, and the names begin with the evaluator's own. */
export interface Evaluator {
  readonly name: string;
  /** The metric by which models are compared: greater is better. */
  readonly primaryMetric: string;
  evaluate(model: Encodes, options?: EvaluateOptions): Promise<Record<string, number>>;
}

/** @throws InvalidArgumentError for what is no model, or no options of `evaluate`. */
export function checkEvaluation(model: unknown, options: EvaluateOptions): void {
  if (typeof model !== 'object' || model === null || !('encode' in model)) {
    throw invalidArgument('model', 'a SentenceTransformer', model);
  }
  knownOptions('evaluate', options, ['signal', 'onProgress']);
  abortSignal('signal', options.signal);
  callback('onProgress', options.onProgress);
}

/** A metric's name with the evaluator's before it. */
export function prefixed(name: string, metric: string): string {
  return name === '' ? metric : `${name}_${metric}`;
}
