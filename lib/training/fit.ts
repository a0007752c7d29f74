import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import type { Encodes, Evaluator } from '../evaluation/evaluator.js';
import { fromNative, InvalidArgumentError, TrainingError } from '../errors.js';
import {
  native,
  type NativeTable,
  type NativeTokenColumn,
  type NativeTrainingConfig,
  type NativeTrainingRun,
} from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import type { Progress, RunSettings } from './checkpoint-state.js';
import { newRunId, removeOldCheckpoints, resumeLatest, resumeRun, writeCheckpoint } from './checkpoint.js';
import {
  checkFitOptions,
  reportMilliseconds,
  type FitOptions,
  type FitProgress,
  type FitSettings,
} from './fit-options.js';
import { scheduleFactor } from './schedulers.js';
import { tokenizeDataset } from './tokenize-dataset.js';
import { warnOfUnusedColumns, warnOfUnusedRows, type FitDataset } from './unused.js';

/** One optimizer step. */
export interface FitStep {
  /** From 0. */
  readonly step: number;
  readonly learningRate: number;
  readonly loss: number;
  /** Global L2 norm of the gradient, before clipping. */
  readonly gradNorm: number;
}

export interface FitEvaluation {
  /** Steps taken before it. */
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What the steps of a run spent their time on, in seconds. */
export interface FitStages {
  /** Drawing batches. */
  readonly sampling: number;
  /** Finding the rows of the table that a batch touches. */
  readonly index: number;
  /** Moving the touched rows by the steps that they slept through (`adamw`). */
  readonly catchUp: number;
  readonly pooling: number;
  /** Products, softmax and their gradients. */
  readonly loss: number;
  /** Gradients of the rows, clipping and the optimizer. */
  readonly update: number;
}

export interface FitResult {
  readonly history: readonly FitStep[];
  readonly evaluations: readonly FitEvaluation[];
  /** Rows trained on, epochs counted. */
  readonly rows: number;
  /** Reading, tokenizing, training and evaluating. */
  readonly seconds: number;
  readonly stages: FitStages;
  readonly dataset: FitDataset;
}

/** Learning rates handed over at a time. */
const mostStepsAhead = 4096;

/** Numbers that `NativeTrainingRun.advance` gives for a step. */
const recordLength = 10;

/** Where the seconds of the stages begin in a record, and their order. */
const firstStage = 4;
const stageNames = ['sampling', 'index', 'catchUp', 'pooling', 'loss', 'update'] as const;

/**
 * Trains `model` and hands every new table to `publish`: at evaluations, at the end, and when the run is aborted.
 *
 * @param model - What the evaluator is given: the model that `publish` renews.
 * @param saveModel - Writes that model's files into a folder.
 * @param tokenizerKey - What the token ids depend on.
 * @internal
 */
export async function fit(
  model: Encodes,
  start: StaticModel,
  options: FitOptions,
  publish: (table: NativeTable) => void,
  saveModel: (folder: string) => Promise<void>,
  tokenizerKey: Uint8Array,
): Promise<FitResult> {
  const settings = checkFitOptions(options);
  const { signal } = settings;
  const begin = performance.now();
  const loss = settings.loss.lower(start.table.dim);
  const reading = tokenizeDataset(start, options.trainDataset, tokenizerKey, settings, begin);
  const { columns, layout, rows } = await untilAborted(reading, signal);
  const dataset = { rows, columns: layout.texts, unusedColumns: layout.unused };
  warnOfUnusedColumns(dataset, settings.loss.name);

  const config: NativeTrainingConfig = {
    ...loss,
    seed: settings.seed,
    batchSize: settings.batchSize,
    batchSampler: settings.batchSampler,
    dropLast: settings.dropLast,
    precision: trainingPrecision(settings),
    optimizer: settings.optimizer,
    beta1: settings.betas[0],
    beta2: settings.betas[1],
    eps: settings.eps,
    weightDecay: settings.weightDecay,
    maxGradNorm: settings.maxGradNorm,
  };
  const { learningRate, epochs, maxSteps, warmupSteps, warmupRatio, scheduler } = settings;
  const runSettings = {
    ...config,
    ...{ learningRate, epochs, maxSteps, warmupSteps, warmupRatio, scheduler },
    dataset: await untilAborted(Promise.all(columns.map((column) => column.fingerprint())), signal),
  };
  const run = newRun(start.table, columns, config);
  const stop = (): void => {
    run.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await untilAborted(run.start(), signal);
    const progress = await resume(run, start.table, settings, runSettings);
    const { runId } = progress;
    const { outputDir, saveTotalLimit } = settings;
    if (outputDir !== undefined) await removeOldCheckpoints(outputDir, runId, saveTotalLimit);
    const save = async (outputDir: string, reported: Omit<Progress, 'runId'>): Promise<void> => {
      const table = await run.snapshot();
      publish(table);
      await writeCheckpoint(outputDir, run, table, runSettings, { runId, ...reported }, saveModel);
      await removeOldCheckpoints(outputDir, runId, saveTotalLimit);
    };
    const session = new Session(run, settings, model, publish, save, progress, begin);
    await session.train();
    const result = { ...session.result(), dataset: { ...dataset, unusedRows: session.unusedRows(rows) } };
    const { batchSampler, dropLast, batchSize } = settings;
    warnOfUnusedRows(result.dataset, batchSampler, dropLast ? batchSize - 1 : 1);
    return result;
  } catch (error) {
    throw fromNative(error, signal);
  } finally {
    signal?.removeEventListener('abort', stop);
    run.release();
  }
}

function newRun(
  table: NativeTable,
  columns: readonly NativeTokenColumn[],
  config: NativeTrainingConfig,
): NativeTrainingRun {
  try {
    return new native.TrainingRun(table, columns, config);
  } catch (error) {
    throw fromNative(error);
  }
}

async function resume(
  run: NativeTrainingRun,
  table: NativeTable,
  { resumeFromCheckpoint, outputDir }: FitSettings,
  runSettings: RunSettings,
): Promise<Progress> {
  if (typeof resumeFromCheckpoint === 'string') return resumeRun(resumeFromCheckpoint, run, table, runSettings);
  const progress =
    resumeFromCheckpoint && outputDir !== undefined
      ? await resumeLatest(outputDir, run, table, runSettings)
      : undefined;
  return progress ?? { runId: newRunId(), history: [], evaluations: [], rows: 0 };
}

function trainingPrecision({ precision }: FitSettings): 'float32' | 'bfloat16' {
  if (precision !== 'auto') return precision;
  return native.info().bfloat16 ? 'bfloat16' : 'float32';
}

/** One run from its first step to its last, and what it has reported. */
class Session {
  readonly #history: FitStep[];
  readonly #evaluations: FitEvaluation[];
  readonly #totalSteps: number;
  readonly #warmupSteps: number;
  readonly #trainingBegin = performance.now();
  readonly #rowsBefore: number;
  readonly #stages = { sampling: 0, index: 0, catchUp: 0, pooling: 0, loss: 0, update: 0 };
  readonly #rowsOfEpoch = new Map<number, number>();
  #rows: number;
  #isOver = false;
  #savedAt = -1;
  #pausedMs = 0;

  constructor(
    private readonly run: NativeTrainingRun,
    private readonly settings: FitSettings,
    private readonly model: Encodes,
    private readonly publish: (table: NativeTable) => void,
    private readonly save: (outputDir: string, reported: Omit<Progress, 'runId'>) => Promise<void>,
    { history, evaluations, rows }: Progress,
    private readonly begin: number,
  ) {
    this.#history = [...history];
    this.#evaluations = [...evaluations];
    this.#rowsBefore = this.#rows = rows;
    const { epochs, maxSteps, warmupSteps, warmupRatio } = settings;
    this.#totalSteps = Math.min(maxSteps, epochs * run.batchesPerEpoch);
    this.#warmupSteps = warmupSteps ?? Math.ceil(warmupRatio * this.#totalSteps);
  }

  async train(): Promise<void> {
    const { signal, evaluator, outputDir } = this.settings;
    await this.#takeSteps();
    if (signal?.aborted === true) {
      if (this.#history.length > 0) {
        const isToSave = outputDir !== undefined && this.#savedAt !== this.#history.length;
        if (isToSave) await this.#checkpoint(outputDir);
        else this.publish(await this.run.snapshot());
      }
      signal.throwIfAborted();
    }
    if (this.#history.length === 0) {
      throw new InvalidArgumentError(
        'no batch could be drawn from trainDataset: with these options no two rows may stand in one batch',
      );
    }
    this.publish(await this.run.snapshot());
    if (evaluator !== undefined) await this.#evaluate(evaluator);
  }

  /** Until the steps or the epochs are used up, or the signal is aborted. */
  async #takeSteps(): Promise<void> {
    const { signal, evaluator, evalSteps = Infinity, outputDir, saveSteps } = this.settings;
    const until = (every: number): number => every - (this.#history.length % every);
    const isDue = (every: number): boolean => this.#history.length % every === 0;
    while (this.#history.length < this.#totalSteps && signal?.aborted !== true) {
      const untilEvaluation = evaluator === undefined ? Infinity : until(evalSteps);
      const untilSave = outputDir === undefined ? Infinity : until(saveSteps);
      if (!(await this.#advance(Math.min(untilEvaluation, untilSave, mostStepsAhead)))) break;
      const isLast = this.#history.length === this.#totalSteps;
      if (evaluator !== undefined && isDue(evalSteps) && !isLast) {
        this.publish(await this.run.snapshot());
        await this.#evaluate(evaluator).catch((error: unknown) => {
          if (signal?.aborted !== true) throw error;
        });
      }
      if (outputDir !== undefined && isDue(saveSteps)) await this.#checkpoint(outputDir);
    }
  }

  result(): Omit<FitResult, 'dataset'> {
    return {
      history: this.#history,
      evaluations: this.#evaluations,
      rows: this.#rows,
      seconds: (performance.now() - this.begin) / 1000,
      stages: this.#stages,
    };
  }

  /** How many of the `rows` of the dataset no batch of an epoch held, the most of any epoch that was seen to its end. */
  unusedRows(rows: number): number {
    const epochs = [...this.#rowsOfEpoch];
    // What was resumed may have begun in the middle of one.
    if (this.#rowsBefore > 0) epochs.shift();
    const isWhole = this.#isOver || this.#history.length === this.settings.epochs * this.run.batchesPerEpoch;
    if (!isWhole) epochs.pop();
    return epochs.reduce((most, [, used]) => Math.max(most, rows - used), 0);
  }

  /** Takes at most `most` steps and reports them; false when the epochs are over or the run is stopped. */
  async #advance(most: number): Promise<boolean> {
    const first = this.#history.length;
    const rates = new Float64Array(Math.min(most, this.#totalSteps - first));
    for (let i = 0; i < rates.length; ++i) rates[i] = this.#learningRate(first + i);
    const records = await this.#recordsOf(rates);
    for (let i = 0; i * recordLength < records.length; ++i) {
      const record = records.subarray(i * recordLength, (i + 1) * recordLength);
      const [loss = NaN, gradNorm = NaN, rows = 0, epoch = 0] = record;
      for (const [stage, name] of stageNames.entries()) this.#stages[name] += record[firstStage + stage] ?? 0;
      this.#history.push({ step: first + i, learningRate: rates[i] ?? 0, loss, gradNorm });
      this.#rows += rows;
      this.#rowsOfEpoch.set(epoch, (this.#rowsOfEpoch.get(epoch) ?? 0) + rows);
    }
    if (records.length > 0) this.settings.onProgress?.(this.#progress());
    else this.#isOver = this.settings.signal?.aborted !== true;
    return records.length > 0;
  }

  async #recordsOf(rates: Float64Array): Promise<Float64Array> {
    try {
      return await this.run.advance(rates, this.settings.epochs, reportMilliseconds);
    } catch (error) {
      const reason = fromNative(error);
      if (!(reason instanceof TrainingError)) throw reason;
      this.publish(await this.run.snapshot());
      throw new TrainingError(
        `step ${this.#history.length} was not taken, since ${reason.message}; the model is as the step before left it. ` +
          'A lower learningRate or scale may help, or a table without such values',
        { cause: error },
      );
    }
  }

  #learningRate(step: number): number {
    const { learningRate, scheduler } = this.settings;
    return learningRate * scheduleFactor(scheduler, step, this.#warmupSteps, this.#totalSteps);
  }

  #progress(): FitProgress {
    const now = performance.now();
    const last = this.#history.at(-1);
    return {
      phase: 'train',
      done: this.#history.length,
      total: this.#totalSteps,
      rows: this.#rows,
      rowsPerSecond: (1000 * (this.#rows - this.#rowsBefore)) / (now - this.#trainingBegin - this.#pausedMs),
      loss: last?.loss ?? NaN,
      learningRate: last?.learningRate ?? 0,
      seconds: (now - this.begin) / 1000,
    };
  }

  async #evaluate(evaluator: Evaluator): Promise<void> {
    const { signal } = this.settings;
    const start = performance.now();
    const evaluation = evaluator.evaluate(this.model, signal === undefined ? {} : { signal });
    const metrics = await untilAborted(evaluation, signal);
    this.#pausedMs += performance.now() - start;
    this.#evaluations.push({ step: this.#history.length, metrics });
  }

  async #checkpoint(outputDir: string): Promise<void> {
    const start = performance.now();
    await this.save(outputDir, { history: this.#history, evaluations: this.#evaluations, rows: this.#rows });
    this.#savedAt = this.#history.length;
    this.#pausedMs += performance.now() - start;
  }
}
