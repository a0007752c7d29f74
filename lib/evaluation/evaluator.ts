import type { Precision } from '../embeddings.js';
import { InvalidArgumentError } from '../errors.js';
import type { MatrixLike } from '../matrix.js';
import { checkModel, type TextEncodingOptions } from '../search/encodes.js';
import type { TopK } from '../search/top-k.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { abortSignal, callback, describe, invalidArgument, knownOptions, object } from '../validate.js';

/** The options of `encode` that evaluators use. */
export interface EvaluationEncodeOptions extends TextEncodingOptions {
  precision?: Precision;
}

/** What an evaluator needs of a model. `SentenceTransformer` is one. */
export interface Encodes {
  readonly similarityFnName: SimilarityFunction;
  encode(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<MatrixLike>;
  encodeQuery(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<MatrixLike>;
  encodeDocument(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<MatrixLike>;
  /** `k` is at most the number of rows of `corpus`; scores are those of `similarityFnName`. */
  searchTopK(
    queries: MatrixLike,
    corpus: MatrixLike,
    k: number,
    options?: { signal?: AbortSignal },
  ): TopK | Promise<TopK>;
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

/** Numbers by name; the names begin with the evaluator's own, and come in the same order at every evaluation. */
export type Metrics = Record<string, number>;

/** Measures a model. */
export interface Evaluator {
  readonly name: string;
  /** The metric by which models are compared: greater is better. Final once a model was evaluated. */
  readonly primaryMetric: string;
  /** The file in which a run writes the metrics down, a line an evaluation. Default: `evaluation_<name>_results.csv`. */
  readonly csvFile?: string;
  evaluate(model: Encodes, options?: EvaluateOptions): Promise<Metrics>;
}

/** @throws InvalidArgumentError for what is no model, or no options of `evaluate`. */
export function checkEvaluation(model: unknown, options: EvaluateOptions): void {
  checkModel(model);
  checkEvaluateOptions(options);
}

/** @throws InvalidArgumentError for what are no options of `evaluate`. */
export function checkEvaluateOptions(options: EvaluateOptions): void {
  knownOptions('evaluate', options, ['signal', 'onProgress']);
  abortSignal('signal', options.signal);
  callback('onProgress', options.onProgress);
}

/**
 * What an evaluator gave, made sure of: a caller may have written it.
 *
 * @throws InvalidArgumentError naming the evaluator, for what is no number by name or lacks the primary metric.
 */
export function checkMetrics(evaluator: Evaluator, metrics: unknown): Metrics {
  const option = `the metrics of ${evaluatorTitle(evaluator)}`;
  const entries = Object.entries(object(option, metrics, 'an object of numbers by name'));
  for (const [metric, value] of entries) {
    if (typeof value !== 'number') throw invalidArgument(`${metric} among ${option}`, 'a number', value);
  }
  const { primaryMetric } = evaluator;
  if (typeof primaryMetric === 'string' && Object.hasOwn(metrics as Metrics, primaryMetric)) return metrics as Metrics;
  throw new InvalidArgumentError(
    `expected ${describe(primaryMetric)}, the primaryMetric, among ${option} but received ` +
      (entries.map(([metric]) => metric).join(', ') || 'none'),
  );
}

/** The file for an evaluator's metrics: a plain name, whatever the evaluator is called. */
export function csvFileOf({ name, csvFile }: Evaluator): string {
  const file = csvFile ?? `${prefixed('evaluation', name)}_results.csv`;
  return file.replace(/[^\w.@+-]+/g, '-').replace(/^\.+/, '');
}

/** An evaluator in an error: its class, and its name where it has one. */
function evaluatorTitle({ name, constructor }: Evaluator): string {
  const kind = constructor === Object ? 'the evaluator' : constructor.name;
  return typeof name === 'string' && name !== '' ? `${kind} ${describe(name)}` : kind;
}

/** A metric's name with the evaluator's before it. */
export function prefixed(name: string, metric: string): string {
  return [name, metric].filter((part) => part !== '').join('_');
}
