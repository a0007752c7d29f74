import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import type { Encodes } from '../evaluation/evaluator.js';
import { fromNative, InvalidArgumentError } from '../errors.js';
import {
  native,
  type NativeTable,
  type NativeTokenColumn,
  type NativeTrainingConfig,
  type NativeTrainingRun,
} from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { asTexts } from '../texts.js';
import type { Progress, RunSettings } from './checkpoint-state.js';
import { newRunId, removeOldCheckpoints, resumeLatest, resumeRun, writeCheckpoint } from './checkpoint.js';
import { datasetParts, datasetRows, type Dataset, type TrainingColumns } from './dataset.js';
import { checkFitOptions, type FitOptions, type FitProgress, type FitSettings } from './fit-options.js';
import { scheduleFactor } from './schedulers.js';
import { TokenCache } from './token-cache.js';

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
}

/** How long the addon trains before JavaScript hears of it again. */
const reportMilliseconds = 100;

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
 * @param tokenizerJson - What the token ids depend on.
 * @internal
 */
export async function fit(
  model: Encodes,
  start: StaticModel,
  options: FitOptions,
  publish: (table: NativeTable) => void,
  saveModel: (folder: string) => Promise<void>,
  tokenizerJson: Uint8Array,
): Promise<FitResult> {
  const settings = checkFitOptions(options);
  const { signal } = settings;
  const begin = performance.now();
  const loss = settings.loss.lower(start.table.dim);
  const columns = await tokenize(start, options.trainDataset, tokenizerJson, settings, begin);

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
    return session.result();
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

/** Tokenizes a dataset once, part by part, or finds its ids in a cache; of the texts nothing stays but these. */
async function tokenize(
  model: StaticModel,
  dataset: Dataset,
  tokenizerJson: Uint8Array,
  { signal, onProgress }: FitSettings,
  begin: number,
): Promise<readonly NativeTokenColumn[]> {
  let tokenized: readonly NativeTokenColumn[] = [];
  let rows = 0;
  let reported = begin;
  const report = (done: number): void => {
    const now = performance.now();
    const total = (datasetRows(dataset) ?? 0) * tokenized.length;
    if (now - reported < reportMilliseconds && done !== total) return;
    reported = now;
    const seconds = (now - begin) / 1000;
    onProgress?.({ phase: 'tokenize', done, total, rows: 0, rowsPerSecond: 0, loss: NaN, learningRate: 0, seconds });
  };
  const cache = await TokenCache.of(dataset, tokenizerJson);
  try {
    const cached = await cache?.load(model.table.rows);
    if (cached !== undefined) return cached;
    for await (const part of datasetParts(dataset, { signal })) {
      if (rows === 0) tokenized = newColumns(part);
      for (const [i, column] of tokenized.entries()) {
        const before = rows * tokenized.length + i * part.rows;
        await model.appendTo(column, asTexts('trainDataset', part.columns[i]?.texts ?? []), {
          signal,
          onProgress: (done) => {
            report(before + done);
          },
        });
      }
      rows += part.rows;
    }
    if (rows > 1 && cache !== undefined) {
      await cache.save(tokenized, signal);
      tokenized = (await cache.load(model.table.rows)) ?? tokenized; // the mapped file in the place of memory
    }
  } catch (error) {
    throw fromNative(error, signal);
  }
  if (rows < 2) {
    throw new InvalidArgumentError(
      'expected at least two rows in trainDataset but found 1: the other rows of a batch are its negatives',
    );
  }
  return tokenized;
}

function newColumns({ columns }: TrainingColumns): readonly NativeTokenColumn[] {
  if (columns.length < 2) {
    throw new InvalidArgumentError(
      `expected an anchor and a positive column in trainDataset but found only ${columns[0]?.name ?? 'none'}`,
    );
  }
  return columns.map(() => new native.TokenColumn());
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
  #rows: number;
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
    const { signal, evaluator, evalSteps = Infinity, outputDir, saveSteps } = this.settings;
    const until = (every: number): number => every - (this.#history.length % every);
    const isDue = (every: number): boolean => this.#history.length % every === 0;
    while (this.#history.length < this.#totalSteps) {
      const untilEvaluation = evaluator === undefined ? Infinity : until(evalSteps);
      const untilSave = outputDir === undefined ? Infinity : until(saveSteps);
      if (!(await this.#advance(Math.min(untilEvaluation, untilSave, mostStepsAhead)))) break;
      const isLast = this.#history.length === this.#totalSteps;
      const isAborted = signal?.aborted === true;
      if (evaluator !== undefined && isDue(evalSteps) && !isLast && !isAborted) await this.#evaluate();
      if (outputDir !== undefined && (isDue(saveSteps) || isAborted)) await this.#checkpoint(outputDir);
      if (isAborted) break;
    }
    if (this.#history.length === 0 && signal?.aborted !== true) {
      throw new InvalidArgumentError(
        'no batch could be drawn from trainDataset: with these options no two rows may stand in one batch',
      );
    }
    this.publish(await this.run.snapshot());
    signal?.throwIfAborted();
    if (evaluator !== undefined) await this.#runEvaluator();
  }

  result(): FitResult {
    return {
      history: this.#history,
      evaluations: this.#evaluations,
      rows: this.#rows,
      seconds: (performance.now() - this.begin) / 1000,
      stages: this.#stages,
    };
  }

  /** Takes at most `most` steps and reports them; false when the epochs are over. */
  async #advance(most: number): Promise<boolean> {
    const first = this.#history.length;
    const rates = new Float64Array(Math.min(most, this.#totalSteps - first));
    for (let i = 0; i < rates.length; ++i) rates[i] = this.#learningRate(first + i);
    const records = await this.run.advance(rates, this.settings.epochs, reportMilliseconds);
    for (let i = 0; i * recordLength < records.length; ++i) {
      const record = records.subarray(i * recordLength, (i + 1) * recordLength);
      const [loss = NaN, gradNorm = NaN, rows = 0] = record;
      for (const [stage, name] of stageNames.entries()) this.#stages[name] += record[firstStage + stage] ?? 0;
      this.#history.push({ step: first + i, learningRate: rates[i] ?? 0, loss, gradNorm });
      this.#rows += rows;
    }
    if (records.length > 0) this.settings.onProgress?.(this.#progress());
    return records.length > 0;
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

  async #evaluate(): Promise<void> {
    this.publish(await this.run.snapshot());
    await this.#runEvaluator();
  }

  async #runEvaluator(): Promise<void> {
    const { evaluator, signal } = this.settings;
    if (evaluator === undefined) return;
    const start = performance.now();
    const metrics = await evaluator.evaluate(this.model, signal === undefined ? {} : { signal });
    this.#pausedMs += performance.now() - start;
    this.#evaluations.push({ step: this.#history.length, metrics });
  }

  async #checkpoint(outputDir: string): Promise<void> {
    const start = performance.now();
    await this.save(outputDir, { history: this.#history, evaluations: this.#evaluations, rows: this.#rows });
    this.#pausedMs += performance.now() - start;
  }
}
