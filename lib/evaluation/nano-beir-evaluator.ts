import { untilAborted } from '../abort.js';
import { evaluatorAdvice } from '../foreign-options.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import {
  callback,
  invalidArgument,
  knownOptions,
  nonEmptyString,
  object,
  oneOf,
  positiveInteger,
  string,
  stringArray,
} from '../validate.js';
import { checkEvaluation, type Encodes, type EvaluateOptions, type Evaluator, type Metrics } from './evaluator.js';
import {
  cutoffNames,
  InformationRetrievalEvaluator,
  retrievalCutoffs,
  type RetrievalCutoffs,
} from './information-retrieval-evaluator.js';
import { mean } from './metrics.js';
import { nanoBEIRTitles, readNanoBEIR, type NanoBEIRDatasetName } from './nano-beir-dataset.js';

/** One prompt for all datasets, or one for each by its name. */
export type NanoBEIRPrompts = string | Readonly<Record<string, string>>;

export interface NanoBEIROptions extends RetrievalCutoffs {
  /** In any case of letters. Default: all thirteen. */
  datasetNames?: readonly (NanoBEIRDatasetName | (string & {}))[];
  /**
   * A dataset of the Hugging Face Hub, `sentence-transformers/NanoBEIR-en` by default, or a folder of the same layout:
   * `corpus/NanoMSMARCO-00000-of-00001.parquet`, and likewise in `queries` and `qrels`. Read at the first evaluation.
   */
  datasetId?: string;
  /** Use the first columns only. Default: the model's own. */
  truncateDim?: number;
  /** Put before every query. */
  queryPrompts?: NanoBEIRPrompts;
  /** Put before every document. */
  corpusPrompts?: NanoBEIRPrompts;
  /** Makes one number of a metric's values, one a dataset. Default: their mean. */
  aggregateFn?: (values: readonly number[]) => number;
  /** What it is called among the metrics. Default: `mean`. */
  aggregateKey?: string;
}

const optionNames = [
  ...cutoffNames,
  'datasetNames',
  'datasetId',
  'truncateDim',
  'queryPrompts',
  'corpusPrompts',
  'aggregateFn',
  'aggregateKey',
];

/**
 * Measures search on NanoBEIR, small versions of thirteen retrieval datasets, with the metrics of
 * InformationRetrievalEvaluator: for each dataset, as `NanoMSMARCO_cosine_ndcg@10`, and averaged over all, as
 * `NanoBEIR_mean_cosine_ndcg@10`, which is the primary metric.
 */
export class NanoBEIREvaluator implements Evaluator {
  readonly name: string;
  readonly csvFile: string;
  readonly #names: readonly NanoBEIRDatasetName[];
  readonly #datasetId: string;
  readonly #truncateDim: number | undefined;
  readonly #queryPrompts: Prompts;
  readonly #corpusPrompts: Prompts;
  readonly #cutoffs: Required<RetrievalCutoffs>;
  readonly #aggregate: (values: readonly number[]) => number;
  #evaluators: readonly InformationRetrievalEvaluator[] | undefined;
  #similarityFnName: SimilarityFunction = 'cosine';

  constructor(options: NanoBEIROptions = {}) {
    knownOptions('NanoBEIREvaluator', options, optionNames, evaluatorAdvice);
    this.#names = datasetNames(options.datasetNames);
    this.#datasetId = nonEmptyString('datasetId', options.datasetId ?? 'sentence-transformers/NanoBEIR-en');
    this.#truncateDim =
      options.truncateDim === undefined ? undefined : positiveInteger('truncateDim', options.truncateDim);
    this.#queryPrompts = promptsOf('queryPrompts', options.queryPrompts, this.#names);
    this.#corpusPrompts = promptsOf('corpusPrompts', options.corpusPrompts, this.#names);
    this.#cutoffs = retrievalCutoffs(options);
    this.#aggregate = callback('aggregateFn', options.aggregateFn) ?? mean;
    const aggregateKey = nonEmptyString('aggregateKey', options.aggregateKey ?? 'mean');
    this.name = this.#titled(`NanoBEIR_${aggregateKey}`);
    this.csvFile = `NanoBEIR_evaluation_${aggregateKey}_results.csv`;
  }

  /** Named after the similarity of the model evaluated last, cosine before the first. */
  get primaryMetric(): string {
    return `${this.name}_${this.#similarityFnName}_ndcg@${Math.max(...this.#cutoffs.ndcgAtK)}`;
  }

  async evaluate(model: Encodes, options: EvaluateOptions = {}): Promise<Metrics> {
    checkEvaluation(model, options);
    options.signal?.throwIfAborted();
    return untilAborted(this.#measure(model, options), options.signal);
  }

  async #measure(model: Encodes, { signal, onProgress }: EvaluateOptions): Promise<Metrics> {
    this.#similarityFnName = model.similarityFnName;
    const evaluators = (this.#evaluators ??= await this.#read(signal));
    const total = evaluators.reduce((sum, { textCount }) => sum + textCount, 0);
    let before = 0;
    const metrics: Metrics = {};
    const values = new Map<string, number[]>();
    for (const evaluator of evaluators) {
      const measured = await evaluator.evaluate(model, {
        signal,
        onProgress: ({ done }) => onProgress?.({ done: before + done, total }),
      });
      before += evaluator.textCount;
      for (const [title, value] of Object.entries(measured)) {
        metrics[title] = value;
        const metric = title.slice(evaluator.name.length + 1);
        values.set(metric, [...(values.get(metric) ?? []), value]);
      }
    }
    for (const [metric, ofAll] of values) metrics[`${this.name}_${metric}`] = this.#aggregate(ofAll);
    return metrics;
  }

  async #read(signal: AbortSignal | undefined): Promise<readonly InformationRetrievalEvaluator[]> {
    const datasets = await readNanoBEIR(this.#datasetId, this.#names, signal);
    return datasets.map(({ name, ...texts }) => {
      const [queryPrompt, corpusPrompt] = [this.#queryPrompts.get(name), this.#corpusPrompts.get(name)];
      return new InformationRetrievalEvaluator({
        ...texts,
        ...this.#cutoffs,
        name: this.#titled(nanoBEIRTitles[name]),
        ...(this.#truncateDim !== undefined && { truncateDim: this.#truncateDim }),
        ...(queryPrompt !== undefined && { queryPrompt }),
        ...(corpusPrompt !== undefined && { corpusPrompt }),
      });
    });
  }

  /** With the dimension, where it is not the model's own. */
  #titled(title: string): string {
    return this.#truncateDim === undefined ? title : `${title}_${this.#truncateDim}`;
  }
}

function datasetNames(value: unknown): readonly NanoBEIRDatasetName[] {
  const known = Object.keys(nanoBEIRTitles) as readonly NanoBEIRDatasetName[];
  if (value === undefined) return known;
  const names = stringArray('datasetNames', value);
  if (names.length === 0) throw invalidArgument('datasetNames', 'a non-empty array of names', names);
  return names.map((name, i) => oneOf(`datasetNames[${i}]`, name.toLowerCase(), known));
}

/** The prompt of each dataset that has one. */
type Prompts = ReadonlyMap<NanoBEIRDatasetName, string>;

function promptsOf(option: string, value: unknown, names: readonly NanoBEIRDatasetName[]): Prompts {
  if (value === undefined) return new Map();
  if (typeof value === 'string') return new Map(names.map((name) => [name, value]));
  const byName = new Map(
    Object.entries(object(option, value, 'a string or an object of strings by dataset')).map(([name, prompt]) => [
      name.toLowerCase(),
      string(`${option}.${name}`, prompt),
    ]),
  );
  return new Map(
    names.map((name) => {
      const prompt = byName.get(name);
      if (prompt === undefined) throw invalidArgument(`${option}.${name}`, 'a string', undefined);
      return [name, prompt];
    }),
  );
}
