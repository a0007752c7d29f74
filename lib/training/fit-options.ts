import type { Evaluator } from '../evaluation/evaluator.js';
import {
  abortSignal,
  boolean,
  callback,
  finiteNumber,
  integer,
  invalidArgument,
  knownOptions,
  nonEmptyString,
  object,
  oneOf,
  positiveInteger,
} from '../validate.js';
import { fitAdvice } from '../foreign-options.js';
import { checkCallbacks, type FitCallback } from './callbacks.js';
import type { Dataset } from './dataset.js';
import {
  checkBestMetric,
  checkEvalSteps,
  checkEvalStrategy,
  checkEvaluator,
  checkLoadBest,
  checkPatience,
  checkSaveStrategy,
  defaultLoggingSteps,
} from './evaluation-options.js';
import { checkIdfScale, defaultIdfScale } from './idf.js';
import { checkLosses, type Datasets, type Losses } from './named-datasets.js';
import type { Loss } from './losses/loss.js';
import { checkSchedulerOptions, schedulers, type Scheduler, type SchedulerOptions } from './schedulers.js';
import { strategies, type SaveStrategy, type Strategy } from './strategy.js';

const batchSamplers = ['no_duplicates', 'random', 'sequential', 'group_by_label'] as const;
const multiDatasetBatchSamplers = ['proportional', 'round_robin'] as const;
const optimizers = ['adamw', 'sparse_adam'] as const;
const trainingPrecisions = ['float32', 'bfloat16', 'auto'] as const;

export type BatchSampler = (typeof batchSamplers)[number];
export type MultiDatasetBatchSampler = (typeof multiDatasetBatchSamplers)[number];
export type Optimizer = (typeof optimizers)[number];
export type TrainingPrecision = (typeof trainingPrecisions)[number];

export interface FitOptions {
  /**
   * Rows, columns or an (async) iterable of rows: what the loss says of the columns, in their order, gives the texts their
   * roles, such as anchor, positive and negatives. Or several datasets, by name.
   */
  readonly trainDataset: Dataset | Datasets;
  /** One for all datasets, or one for each, by the dataset's name. */
  readonly loss: Loss | Losses;
  /** Passes over the dataset. Default: 1. */
  readonly epochs?: number;
  /** End after that many steps, whatever `epochs` says. Default: no limit. */
  readonly maxSteps?: number;
  /** Rows a step; for ranking losses every other row gives negatives, so they take 2 at least. Default: 2048. */
  readonly batchSize?: number;
  /** Peak learning rate, at most 1000. Default: 0.2, which suits a random table; 0.05 suits a trained one. */
  readonly learningRate?: number;
  /**
   * `idf` multiplies the model's rows, before the first step, by 5 x idf of their tokens over `trainDataset`, `{ scale }` by
   * another scale: what `create` does with `initialRows`, without tokenizing twice. Only for a new model, since the rows of
   * a trained one are as long as they should be. Default: they begin as they are.
   */
  readonly initialize?: 'idf' | { readonly scale: number };
  /** Steps in which the learning rate rises from 0. Default: by `warmupRatio`. */
  readonly warmupSteps?: number;
  /** The same as a share of all steps. Default: 0.1 unless `warmupSteps` is given. */
  readonly warmupRatio?: number;
  /**
   * How the learning rate runs, as transformers' schedules of these names: `linear` (default), `cosine` and `polynomial`
   * fall from the warm-up's end to the run's; `constant` has no warm-up at all.
   */
  readonly scheduler?: Scheduler;
  /** What that scheduler can be told: transformers' `lr_scheduler_kwargs`. */
  readonly schedulerOptions?: SchedulerOptions;
  /**
   * `adamw` (default) is torch.optim.AdamW: rows that a batch does not touch keep moving by their momentum.
   * `sparse_adam` is torch.optim.SparseAdam: they rest.
   */
  readonly optimizer?: Optimizer;
  /** Decay rates of Adam's moments. Default: [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default: 1e-8. */
  readonly eps?: number;
  /** Decoupled weight decay, at most 1 / learningRate. Default: 0. */
  readonly weightDecay?: number;
  /** Scale gradients of a greater global L2 norm down to it; 0 or null for none. Default: 1, for `sparse_adam` null. */
  readonly maxGradNorm?: number | null;
  /**
   * `no_duplicates` (default): no text twice in a batch, since it would be a false negative; `random`: a random order;
   * `sequential`: the dataset's order; `group_by_label`: pairs of rows of one class, by their labels, and at least two
   * classes in a batch, as losses need that find triplets in it.
   */
  readonly batchSampler?: BatchSampler;
  /**
   * Of which dataset the next batch is. `proportional` (default): each gives all its batches in an epoch, in a random
   * order; `round_robin`: one after the other, until the first of them has no batch left.
   */
  readonly multiDatasetBatchSampler?: MultiDatasetBatchSampler;
  /** Leave out the last batch of an epoch when it is not full. Default: false. */
  readonly dropLast?: boolean;
  /**
   * Of the loss's products: `bfloat16` is up to twice as fast on CPUs that have it, with sums and weights still in
   * float32; `auto` takes it where it is. Default: `float32`.
   */
  readonly precision?: TrainingPrecision;
  /** Of batches and dropped dims. The same seed gives the same bits on one instruction set. Default: 42. */
  readonly seed?: number;
  /** Measures the model; several are run one after the other. */
  readonly evaluator?: Evaluator | readonly Evaluator[];
  /**
   * A dataset, or several by name, whose loss tells how good the model is: that of `loss`, by the dataset's name where
   * losses have names. Its batches are of `batchSize`, in the dataset's order.
   */
  readonly evalDataset?: Dataset | Datasets;
  /**
   * When to evaluate: every `evalSteps` `steps`, at the end of each `epoch`, or not at all, `no`; unless it is `no` also
   * after the last step. Default: `steps` where there is something to evaluate by.
   */
  readonly evalStrategy?: Strategy;
  /** Default: only after the last step; with `evalStrategy: 'steps'` as `loggingSteps`. */
  readonly evalSteps?: number;
  /** When to write a record of the log; unless it is `no` also after the last step. Default: `steps`. */
  readonly loggingStrategy?: Strategy;
  /** Default: 500. */
  readonly loggingSteps?: number;
  /**
   * Where checkpoints go: `checkpoint-STEP` folders, each a model and the state of the run; and the log of the run,
   * `log.jsonl`, and in `eval` the metrics of each evaluator as CSV.
   */
  readonly outputDir?: string;
  /**
   * When to write a checkpoint: every `saveSteps` `steps` and after the last one (default), at the end of each `epoch`, when an evaluation was
   * the `best` so far, or not at all, `no`. Unless it is `no`, an aborted run writes one too.
   */
  readonly saveStrategy?: SaveStrategy;
  /** Default: 500. */
  readonly saveSteps?: number;
  /** Checkpoints to keep: the last ones, and with `loadBestModelAtEnd` the best one in any case. Default: 2. */
  readonly saveTotalLimit?: number;
  /**
   * Leave the model with the table of the best evaluation, and not with the last one. That table is kept in memory, and
   * with an `outputDir` also as a checkpoint. Default: false.
   */
  readonly loadBestModelAtEnd?: boolean;
  /**
   * What evaluations are compared by: a metric of the evaluator, `loss`, or `NAME_loss` of a dataset of `evalDataset`, each
   * with or without `eval_` before it. Default: the loss of the `evalDataset`, else the evaluator's primary metric.
   */
  readonly metricForBestModel?: string;
  /** Default: unless `metricForBestModel` ends with `loss`. */
  readonly greaterIsBetter?: boolean;
  /** Stop when so many evaluations in a row were no better than the best before them. Default: never. */
  readonly earlyStoppingPatience?: number;
  /** By how much an evaluation has to be better for that. Default: 0. */
  readonly earlyStoppingThreshold?: number;
  /** Are told what happens, and can stop the run, evaluate and save. */
  readonly callbacks?: readonly FitCallback[];
  /**
   * Go on from a checkpoint, to the bits that the run would have had: a folder, or true for the newest one in
   * `outputDir` (a new run where there is none). The dataset and the other options must be those of the run.
   */
  readonly resumeFromCheckpoint?: boolean | string;
  /** Called about ten times a second. */
  readonly onProgress?: (progress: FitProgress) => void;
  /** Ends the run after its current step; the model keeps what it has learned. */
  readonly signal?: AbortSignal;
}

export interface FitProgress {
  /** `tokenize` counts texts, `train` steps. */
  readonly phase: 'tokenize' | 'train';
  readonly done: number;
  /** 0 where it is not known: an iterable's texts. */
  readonly total: number;
  /** Rows of the dataset trained on so far. */
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** The dataset that is tokenized, or of the latest batch, where there are several. */
  readonly dataset?: string;
  /** Of the latest step; NaN before the first one. */
  readonly loss: number;
  readonly learningRate: number;
  /** Seconds since `fit` was called. */
  readonly seconds: number;
}

/** Adam moves a value by about as much in a step: with more, no sum of squares stays finite for long. */
const greatestLearningRate = 1000;

const defaultLearningRate = 0.2;

/** How long the addon works before JavaScript hears of it again. */
export const reportMilliseconds = 100;

/** What an option becomes: its default where the caller gives none, or an error that names it. */
type Check<Setting> = (name: string, value: unknown, options: FitOptions) => Setting;

function orElse<Setting>(fallback: Setting, check: (name: string, value: unknown) => Setting): Check<Setting> {
  return (name, value) => (value === undefined ? fallback : check(name, value));
}

function ifGiven<Setting>(check: (name: string, value: unknown) => Setting): Check<Setting | undefined> {
  return orElse<Setting | undefined>(undefined, check);
}

function among<const Choice extends string>(choices: readonly Choice[]): (name: string, value: unknown) => Choice {
  return (name, value) => oneOf(name, value, choices);
}

/**
 * Every option of `fit`, with its check and its default: the one list of them. The order is that in which they are
 * checked.
 */
const fitOptions = {
  trainDataset: (_, dataset) => dataset as Dataset | Datasets, // checked as they are read
  loss: checkLosses,
  epochs: orElse(1, positiveInteger),
  maxSteps: orElse(Infinity, positiveInteger),
  batchSize: orElse(2048, (name, value) => integer(name, value, { min: 1, max: 1 << 24 })),
  learningRate: orElse(defaultLearningRate, (name, value) =>
    finiteNumber(name, value, { min: 0, max: greatestLearningRate }),
  ),
  initialize: ifGiven(checkInitialize),
  warmupSteps: ifGiven((name, value) => integer(name, value, { min: 0 })),
  warmupRatio: orElse(0.1, (name, value) => finiteNumber(name, value, { min: 0, max: 1 })),
  scheduler: orElse('linear', among(schedulers)),
  schedulerOptions: checkScheduler,
  optimizer: orElse('adamw', among(optimizers)),
  betas: orElse([0.9, 0.999], checkBetas),
  eps: orElse(1e-8, (name, value) => finiteNumber(name, value, { above: 0 })),
  weightDecay: checkWeightDecay,
  maxGradNorm: checkMaxGradNorm,
  batchSampler: orElse('no_duplicates', among(batchSamplers)),
  multiDatasetBatchSampler: orElse('proportional', among(multiDatasetBatchSamplers)),
  dropLast: orElse(false, boolean),
  precision: orElse('float32', among(trainingPrecisions)),
  seed: orElse(42, (name, value) => integer(name, value, { min: 0 })),
  evaluator: ifGiven(checkEvaluator),
  evalDataset: (_, dataset) => dataset as Dataset | Datasets | undefined, // likewise
  evalStrategy: checkEvalStrategy,
  evalSteps: checkEvalSteps,
  loggingStrategy: orElse('steps', among(strategies)),
  loggingSteps: orElse(defaultLoggingSteps, positiveInteger),
  outputDir: ifGiven(nonEmptyString),
  saveStrategy: checkSaveStrategy,
  saveSteps: orElse(500, positiveInteger),
  saveTotalLimit: orElse(2, positiveInteger),
  loadBestModelAtEnd: checkLoadBest,
  metricForBestModel: checkBestMetric,
  greaterIsBetter: ifGiven(boolean),
  earlyStoppingPatience: checkPatience,
  earlyStoppingThreshold: orElse(0, (name, value) => finiteNumber(name, value, { min: 0 })),
  callbacks: checkCallbacks,
  resumeFromCheckpoint: checkResume,
  onProgress: (name, report) => callback(name, report as FitOptions['onProgress']),
  signal: abortSignal,
} satisfies { readonly [Name in keyof FitOptions]-?: Check<FitOptions[Name] | undefined> };

/** The options, complete and checked. */
export type FitSettings = { readonly [Name in keyof typeof fitOptions]: ReturnType<(typeof fitOptions)[Name]> };

/** @throws InvalidArgumentError naming the option. */
export function checkFitOptions(options: FitOptions): FitSettings {
  object('options', options, 'an object such as { trainDataset, loss }');
  knownOptions('fit', options, Object.keys(fitOptions), fitAdvice);
  const checks = Object.entries<Check<unknown>>(fitOptions);
  const settings = checks.map(([name, check]) => [name, check(name, options[name as keyof FitOptions], options)]);
  return Object.fromEntries(settings) as FitSettings;
}

/** The scale. */
function checkInitialize(name: string, initialize: unknown): { readonly scale: number } {
  if (initialize === 'idf') return { scale: defaultIdfScale };
  if (typeof initialize !== 'object' || initialize === null) {
    throw invalidArgument(name, "'idf' or an object such as { scale: 5 }", initialize);
  }
  knownOptions(name, initialize, ['scale']);
  const { scale } = initialize as { readonly scale?: unknown };
  return { scale: checkIdfScale(`${name}.scale`, scale) };
}

function checkBetas(name: string, betas: unknown): readonly [number, number] {
  if (!Array.isArray(betas) || betas.length !== 2) throw invalidArgument(name, 'two numbers', betas);
  return [
    finiteNumber(`${name}[0]`, betas[0], { min: 0, below: 1 }),
    finiteNumber(`${name}[1]`, betas[1], { min: 0, below: 1 }),
  ];
}

function checkScheduler(_: string, given: unknown, options: FitOptions): SchedulerOptions {
  const { scheduler = 'linear', learningRate = defaultLearningRate } = options;
  return checkSchedulerOptions(scheduler, given ?? {}, learningRate);
}

function checkWeightDecay(name: string, decay: unknown, { learningRate = defaultLearningRate }: FitOptions): number {
  // Beyond, every step turns the weights over and makes them greater.
  const range = learningRate > 0 ? { min: 0, max: 1 / learningRate } : { min: 0 };
  return finiteNumber(name, decay ?? 0, range);
}

function checkMaxGradNorm(name: string, norm: unknown, { optimizer }: FitOptions): number | null {
  if (norm === undefined) return optimizer === 'sparse_adam' ? null : 1;
  return norm === null || norm === 0 ? null : finiteNumber(name, norm, { min: 0 });
}

function checkResume(name: string, checkpoint: unknown, { outputDir }: FitOptions): boolean | string {
  if (typeof checkpoint === 'string') return nonEmptyString(name, checkpoint);
  const isWanted = boolean(name, checkpoint ?? false);
  if (isWanted && outputDir === undefined) {
    throw invalidArgument(name, 'a folder (there is no outputDir to look in)', checkpoint);
  }
  return isWanted;
}
