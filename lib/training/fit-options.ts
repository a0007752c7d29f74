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
import type { Dataset } from './dataset.js';
import { checkLoss, type Loss } from './losses/loss.js';
import { checkSchedulerOptions, schedulers, type Scheduler, type SchedulerOptions } from './schedulers.js';

export type BatchSampler = 'no_duplicates' | 'random' | 'sequential';
export type Optimizer = 'adamw' | 'sparse_adam';
export type TrainingPrecision = 'float32' | 'bfloat16' | 'auto';

export interface FitOptions {
  /** Rows, columns or an (async) iterable of rows. The text columns are anchor, positive and negatives, in this order. */
  readonly trainDataset: Dataset;
  readonly loss: Loss;
  /** Passes over the dataset. Default: 1. */
  readonly epochs?: number;
  /** End after that many steps, whatever `epochs` says. Default: no limit. */
  readonly maxSteps?: number;
  /** Rows a step; every other row gives in-batch negatives. At least 2. Default: 2048. */
  readonly batchSize?: number;
  /** Peak learning rate, at most 1000. Default: 0.2, which suits a random table; 0.05 suits a trained one. */
  readonly learningRate?: number;
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
  /** Scale gradients of a greater global L2 norm down to it; null for none. Default: 1, for `sparse_adam` null. */
  readonly maxGradNorm?: number | null;
  /**
   * `no_duplicates` (default): no text twice in a batch, since it would be a false negative; `random`: a random order;
   * `sequential`: the dataset's order.
   */
  readonly batchSampler?: BatchSampler;
  /** Leave out the last batch of an epoch when it is not full. Default: false. */
  readonly dropLast?: boolean;
  /**
   * Of the loss's products: `bfloat16` is up to twice as fast on CPUs that have it, with sums and weights still in
   * float32; `auto` takes it where it is. Default: `float32`.
   */
  readonly precision?: TrainingPrecision;
  /** Of batches and dropped dims. The same seed gives the same bits on one instruction set. Default: 42. */
  readonly seed?: number;
  /** Runs every `evalSteps` steps and after the last one. */
  readonly evaluator?: Evaluator;
  /** Default: only after the last step. */
  readonly evalSteps?: number;
  /** Where checkpoints go: `checkpoint-STEP` folders, each a model and the state of the run. */
  readonly outputDir?: string;
  /** Write a checkpoint every that many steps. An aborted run writes one, too. Default: 500. */
  readonly saveSteps?: number;
  /** Checkpoints to keep. Default: 2. */
  readonly saveTotalLimit?: number;
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
  /** Of the latest step; NaN before the first one. */
  readonly loss: number;
  readonly learningRate: number;
  /** Seconds since `fit` was called. */
  readonly seconds: number;
}

/** Adam moves a value by about as much in a step: with more, no sum of squares stays finite for long. */
const greatestLearningRate = 1000;

/** How long the addon works before JavaScript hears of it again. */
export const reportMilliseconds = 100;

/** The options, complete and checked. */
export interface FitSettings {
  readonly loss: Loss;
  readonly epochs: number;
  readonly maxSteps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly warmupSteps: number | undefined;
  readonly warmupRatio: number;
  readonly scheduler: Scheduler;
  readonly schedulerOptions: SchedulerOptions;
  readonly optimizer: Optimizer;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number | null;
  readonly batchSampler: BatchSampler;
  readonly dropLast: boolean;
  readonly precision: TrainingPrecision;
  readonly seed: number;
  readonly evaluator: Evaluator | undefined;
  readonly evalSteps: number | undefined;
  readonly outputDir: string | undefined;
  readonly saveSteps: number;
  readonly saveTotalLimit: number;
  readonly resumeFromCheckpoint: boolean | string;
  readonly onProgress: ((progress: FitProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

const optionNames = [
  'trainDataset',
  'loss',
  'epochs',
  'maxSteps',
  'batchSize',
  'learningRate',
  'warmupSteps',
  'warmupRatio',
  'scheduler',
  'schedulerOptions',
  'optimizer',
  'betas',
  'eps',
  'weightDecay',
  'maxGradNorm',
  'batchSampler',
  'dropLast',
  'precision',
  'seed',
  'evaluator',
  'evalSteps',
  'outputDir',
  'saveSteps',
  'saveTotalLimit',
  'resumeFromCheckpoint',
  'onProgress',
  'signal',
];

/** @throws InvalidArgumentError naming the option. */
export function checkFitOptions(options: FitOptions): FitSettings {
  knownOptions('fit', object('options', options, 'an object such as { trainDataset, loss }'), optionNames, fitAdvice);
  checkLoss('loss', options.loss);
  const { evaluator, maxGradNorm } = options;
  if (evaluator !== undefined && typeof object('evaluator', evaluator)['evaluate'] !== 'function') {
    throw invalidArgument('evaluator', 'an evaluator', evaluator);
  }
  const optimizer = oneOf('optimizer', options.optimizer ?? 'adamw', ['adamw', 'sparse_adam']);
  const learningRate = finiteNumber('learningRate', options.learningRate ?? 0.2, { min: 0, max: greatestLearningRate });
  const scheduler = oneOf('scheduler', options.scheduler ?? 'linear', schedulers);
  const defaultMaxGradNorm = optimizer === 'adamw' ? 1 : null;
  return {
    loss: options.loss,
    epochs: positiveInteger('epochs', options.epochs ?? 1),
    maxSteps: options.maxSteps === undefined ? Infinity : positiveInteger('maxSteps', options.maxSteps),
    batchSize: integer('batchSize', options.batchSize ?? 2048, { min: 2, max: 1 << 24 }),
    learningRate,
    warmupSteps:
      options.warmupSteps === undefined ? undefined : integer('warmupSteps', options.warmupSteps, { min: 0 }),
    warmupRatio: finiteNumber('warmupRatio', options.warmupRatio ?? 0.1, { min: 0, max: 1 }),
    scheduler,
    schedulerOptions: checkSchedulerOptions(scheduler, options.schedulerOptions ?? {}, learningRate),
    optimizer,
    betas: checkBetas(options.betas ?? [0.9, 0.999]),
    eps: finiteNumber('eps', options.eps ?? 1e-8, { above: 0 }),
    weightDecay: finiteNumber('weightDecay', options.weightDecay ?? 0, {
      min: 0,
      // Beyond, every step turns the weights over and makes them greater.
      ...(learningRate > 0 && { max: 1 / learningRate }),
    }),
    maxGradNorm:
      maxGradNorm === undefined
        ? defaultMaxGradNorm
        : maxGradNorm === null
          ? null
          : finiteNumber('maxGradNorm', maxGradNorm, { above: 0 }),
    batchSampler: oneOf('batchSampler', options.batchSampler ?? 'no_duplicates', [
      'no_duplicates',
      'random',
      'sequential',
    ]),
    dropLast: boolean('dropLast', options.dropLast ?? false),
    precision: oneOf('precision', options.precision ?? 'float32', ['float32', 'bfloat16', 'auto']),
    seed: integer('seed', options.seed ?? 42, { min: 0 }),
    evaluator,
    evalSteps: options.evalSteps === undefined ? undefined : positiveInteger('evalSteps', options.evalSteps),
    outputDir: options.outputDir === undefined ? undefined : nonEmptyString('outputDir', options.outputDir),
    saveSteps: positiveInteger('saveSteps', options.saveSteps ?? 500),
    saveTotalLimit: positiveInteger('saveTotalLimit', options.saveTotalLimit ?? 2),
    resumeFromCheckpoint: checkResume(options),
    onProgress: callback('onProgress', options.onProgress),
    signal: abortSignal('signal', options.signal),
  };
}

function checkResume({ resumeFromCheckpoint = false, outputDir }: FitOptions): boolean | string {
  if (typeof resumeFromCheckpoint === 'string') return nonEmptyString('resumeFromCheckpoint', resumeFromCheckpoint);
  if (boolean('resumeFromCheckpoint', resumeFromCheckpoint) && outputDir === undefined) {
    throw invalidArgument('resumeFromCheckpoint', 'a folder (there is no outputDir to look in)', resumeFromCheckpoint);
  }
  return resumeFromCheckpoint;
}

function checkBetas(betas: unknown): [number, number] {
  if (!Array.isArray(betas) || betas.length !== 2) throw invalidArgument('betas', 'two numbers', betas);
  return [
    finiteNumber('betas[0]', betas[0], { min: 0, below: 1 }),
    finiteNumber('betas[1]', betas[1], { min: 0, below: 1 }),
  ];
}
