import { InvalidArgumentError } from '../errors.js';
import {
  abortSignal,
  boolean,
  callback,
  finiteNumber,
  integer,
  invalidArgument,
  knownOptions,
  oneOf,
  positiveInteger,
  string,
  stringArray,
  type OptionAdvice,
} from '../validate.js';
import type { SearchProgress } from './top-k.js';

const outputFormats = ['triplet', 'n-tuple', 'labeled-pair', 'labeled-list'] as const;
const samplingStrategies = ['top', 'random'] as const;

/** What the rows of the result are; see `mineHardNegatives`. */
export type MiningOutputFormat = (typeof outputFormats)[number];

/** Whatever says how well pairs of texts fit, such as a cross encoder in another runtime. */
export interface PairScorer {
  /** One score a pair. */
  predict(pairs: (readonly [query: string, text: string])[]): ArrayLike<number> | Promise<ArrayLike<number>>;
}

/** Candidates that were put aside, and why; a candidate counts once. */
export interface MiningReport {
  readonly queries: number;
  readonly positives: number;
  readonly negatives: number;
  readonly skipped: { absoluteMargin: number; relativeMargin: number; maxScore: number; minScore: number };
  /** Negatives that were wanted and not found. */
  readonly missing: number;
}

export interface MineHardNegativesOptions {
  /** Default: the first column of the dataset. */
  readonly anchorColumnName?: string;
  /** Default: the second column of the dataset. */
  readonly positiveColumnName?: string;
  /** Texts to find negatives among, beside the positives. Default: the positives alone. */
  readonly corpus?: readonly string[];
  /** Scores the candidates and the positives anew, where a margin or `maxScore` compares them. Default: none. */
  readonly crossEncoder?: PairScorer;
  /** Skip so many of the most similar candidates: they may be positives that nobody has marked. Default: 0. */
  readonly rangeMin?: number;
  /**
   * Take no candidate beyond this rank. Default: what is needed for `numNegatives`, ten times as many where margins or
   * `maxScore` put some aside.
   */
  readonly rangeMax?: number;
  /** Candidates that are more similar than this are no negatives. Default: none. */
  readonly maxScore?: number;
  /** Candidates that are less similar than this are no negatives. Default: none. */
  readonly minScore?: number;
  /** A negative is at least so much less similar than the anchor's least similar positive. Default: none. */
  readonly absoluteMargin?: number;
  /** The same as a share of the positive's score: 0.05 asks for 5 % less. Default: none. */
  readonly relativeMargin?: number;
  /** Negatives of each anchor. Default: 3. */
  readonly numNegatives?: number;
  /** The most similar candidates, or random ones of the range. Default: `top`. */
  readonly samplingStrategy?: (typeof samplingStrategies)[number];
  /** Of `random`. Default: 42. */
  readonly seed?: number;
  readonly queryPromptName?: string;
  readonly queryPrompt?: string;
  readonly corpusPromptName?: string;
  readonly corpusPrompt?: string;
  /** Leave the positives among the candidates, for a full ranking; the format is then `n-tuple`. Default: false. */
  readonly includePositives?: boolean;
  /** Default: `triplet`. */
  readonly outputFormat?: MiningOutputFormat;
  /** Give the scores of the pairs with them. Default: false. */
  readonly outputScores?: boolean;
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
  /** Called as anchors are searched for. */
  readonly onProgress?: (progress: SearchProgress) => void;
  /** Called once, at the end. */
  readonly onReport?: (report: MiningReport) => void;
}

const optionNames = [
  'anchorColumnName',
  'positiveColumnName',
  'corpus',
  'crossEncoder',
  'rangeMin',
  'rangeMax',
  'maxScore',
  'minScore',
  'absoluteMargin',
  'relativeMargin',
  'numNegatives',
  'samplingStrategy',
  'seed',
  'queryPromptName',
  'queryPrompt',
  'corpusPromptName',
  'corpusPrompt',
  'includePositives',
  'outputFormat',
  'outputScores',
  'signal',
  'onProgress',
  'onReport',
];

const advice: OptionAdvice = {
  margin: 'its names are absoluteMargin and relativeMargin',
  asTriplets: "its name is outputFormat: 'triplet' or 'n-tuple'",
  batchSize: 'encode takes any number of texts without batches, leave it out',
  faissBatchSize: 'no matrix of all scores is ever made, leave it out',
  useFaiss: 'the search is exact and uses all CPUs, leave it out',
  useMultiProcess: 'the search uses all CPUs, leave it out',
  cacheFolder: 'texts are encoded faster than a cache is read, leave it out',
  verbose: 'onProgress and onReport tell of the mining',
};

type HasDefault =
  | 'corpus'
  | 'rangeMin'
  | 'numNegatives'
  | 'samplingStrategy'
  | 'seed'
  | 'includePositives'
  | 'outputFormat'
  | 'outputScores';

/** Checked, with the defaults that do not depend on the dataset. */
export type MiningSettings = Required<Pick<MineHardNegativesOptions, HasDefault>> & {
  readonly [name in Exclude<keyof MineHardNegativesOptions, HasDefault>]: MineHardNegativesOptions[name] | undefined;
};

/** @throws InvalidArgumentError naming the option and the value. */
export function miningSettings(options: MineHardNegativesOptions): MiningSettings {
  knownOptions('mineHardNegatives', options, optionNames, advice);
  const includePositives = boolean('includePositives', options.includePositives ?? false);
  const outputFormat = oneOf('outputFormat', options.outputFormat ?? 'triplet', outputFormats);
  const numNegatives = positiveInteger('numNegatives', options.numNegatives ?? 3);
  const rangeMin = integer('rangeMin', options.rangeMin ?? 0, { min: 0 });
  const rangeMax = optional(options.rangeMax, (value) => positiveInteger('rangeMax', value));
  if (rangeMax !== undefined && rangeMax - rangeMin < numNegatives) {
    throw new InvalidArgumentError(
      `expected room for ${numNegatives} negatives between rangeMin and rangeMax but received ${rangeMin} and ` +
        `${rangeMax}: lower numNegatives or rangeMin, or raise rangeMax`,
    );
  }
  return {
    anchorColumnName: optional(options.anchorColumnName, (value) => string('anchorColumnName', value)),
    positiveColumnName: optional(options.positiveColumnName, (value) => string('positiveColumnName', value)),
    corpus: stringArray('corpus', options.corpus ?? []),
    crossEncoder: optional(options.crossEncoder, pairScorer),
    rangeMin,
    rangeMax,
    maxScore: optional(options.maxScore, (value) => finiteNumber('maxScore', value)),
    minScore: optional(options.minScore, (value) => finiteNumber('minScore', value)),
    absoluteMargin: optional(options.absoluteMargin, (value) => finiteNumber('absoluteMargin', value)),
    relativeMargin: optional(options.relativeMargin, (value) => finiteNumber('relativeMargin', value)),
    numNegatives,
    samplingStrategy: oneOf('samplingStrategy', options.samplingStrategy ?? 'top', samplingStrategies),
    seed: integer('seed', options.seed ?? 42, { min: 0 }),
    queryPromptName: optional(options.queryPromptName, (value) => string('queryPromptName', value)),
    queryPrompt: optional(options.queryPrompt, (value) => string('queryPrompt', value)),
    corpusPromptName: optional(options.corpusPromptName, (value) => string('corpusPromptName', value)),
    corpusPrompt: optional(options.corpusPrompt, (value) => string('corpusPrompt', value)),
    includePositives,
    outputFormat: includePositives ? 'n-tuple' : outputFormat,
    outputScores: boolean('outputScores', options.outputScores ?? false),
    signal: abortSignal('signal', options.signal),
    onProgress: callback('onProgress', options.onProgress),
    onReport: callback('onReport', options.onReport),
  };
}

function optional<Value, Checked>(value: Value | undefined, check: (value: Value) => Checked): Checked | undefined {
  return value === undefined ? undefined : check(value);
}

function pairScorer(value: unknown): PairScorer {
  const predicts =
    typeof value === 'object' && value !== null && 'predict' in value && typeof value.predict === 'function';
  if (!predicts) throw invalidArgument('crossEncoder', 'an object with a function predict(pairs)', value);
  return value as PairScorer;
}
