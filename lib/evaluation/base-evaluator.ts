import { untilAborted } from '../abort.js';
import { evaluatorAdvice } from '../foreign-options.js';
import type { MatrixLike } from '../matrix.js';
import { encodingOptions, type EncodesTexts } from '../search/encodes.js';
import { knownOptions, object, positiveInteger, string, type OptionAdvice } from '../validate.js';
import {
  checkEvaluation,
  prefixed,
  type Encodes,
  type EvaluateOptions,
  type EvaluationEncodeOptions,
  type Evaluator,
  type Metrics,
} from './evaluator.js';

/** The options of every evaluator. */
export interface BaseEvaluatorOptions {
  /** Stands before the names of the metrics. Default: nothing does. */
  name?: string;
  /** Use the first columns only. Default: the model's own. */
  truncateDim?: number;
}

/** What all evaluators have in common. A subclass checks the options of its own, and measures. */
export abstract class BaseEvaluator implements Evaluator {
  readonly name: string;
  protected readonly truncateDim: number | undefined;

  /**
   * @param example - What the options look like, for the error about what is no object.
   * @param optionNames - Those of the subclass.
   */
  protected constructor(
    options: BaseEvaluatorOptions,
    example: string,
    optionNames: readonly string[],
    advice: OptionAdvice = evaluatorAdvice,
  ) {
    object('options', options, `an object such as ${example}`);
    knownOptions(new.target.name, options, [...optionNames, 'name', 'truncateDim'], advice);
    this.name = string('name', options.name ?? '');
    this.truncateDim =
      options.truncateDim === undefined ? undefined : positiveInteger('truncateDim', options.truncateDim);
  }

  get primaryMetric(): string {
    return prefixed(this.name, this.primary);
  }

  get csvFile(): string {
    return `${prefixed(this.csvTitle, this.name)}_results.csv`;
  }

  async evaluate(model: Encodes, options: EvaluateOptions = {}): Promise<Metrics> {
    checkEvaluation(model, options);
    return this.named(() => this.measure(model, options), options);
  }

  /** What `measure` gives, with the evaluator's name before the metrics', or the reason of the signal. */
  protected async named(measure: () => Promise<Metrics>, { signal }: EvaluateOptions): Promise<Metrics> {
    signal?.throwIfAborted();
    const metrics = await untilAborted(measure(), signal);
    return Object.fromEntries(Object.entries(metrics).map(([metric, value]) => [prefixed(this.name, metric), value]));
  }

  /** The primary metric without the evaluator's name. */
  protected abstract readonly primary: string;

  /** What a file of the metrics is called before the evaluator's name. */
  protected abstract readonly csvTitle: string;

  /** The metrics, by names without the evaluator's. */
  protected abstract measure(model: Encodes, options: EvaluateOptions): Promise<Metrics>;

  /** What encodes the `total` texts of an evaluation. */
  protected encoderOf(model: Encodes, options: EvaluateOptions, total: number): EvaluationEncoder {
    return new EvaluationEncoder(model, options, this.truncateDim, total);
  }
}

/** Encodes the texts of one evaluation, and reports how many are done. */
export class EvaluationEncoder {
  #done = 0;

  constructor(
    private readonly model: Encodes,
    private readonly options: EvaluateOptions,
    private readonly truncateDim: number | undefined,
    private readonly total: number,
  ) {}

  /** @param model - What encodes in place of the model that is measured. */
  encode(
    texts: readonly string[],
    options: EvaluationEncodeOptions = {},
    model: EncodesTexts = this.model,
  ): Promise<MatrixLike> {
    return this.#counted(texts, model.encode(texts, this.#all(options)));
  }

  encodeQuery(texts: readonly string[], options: EvaluationEncodeOptions = {}): Promise<MatrixLike> {
    return this.#counted(texts, this.model.encodeQuery(texts, this.#all(options)));
  }

  encodeDocument(texts: readonly string[], options: EvaluationEncodeOptions = {}): Promise<MatrixLike> {
    return this.#counted(texts, this.model.encodeDocument(texts, this.#all(options)));
  }

  #all(options: EvaluationEncodeOptions): EvaluationEncodeOptions {
    return { ...options, ...encodingOptions({ truncateDim: this.truncateDim, signal: this.options.signal }) };
  }

  async #counted(texts: readonly string[], encoding: Promise<MatrixLike>): Promise<MatrixLike> {
    const { signal, onProgress } = this.options;
    const embeddings = await encoding;
    signal?.throwIfAborted();
    this.#done += texts.length;
    onProgress?.({ done: this.#done, total: this.total });
    return embeddings;
  }
}
