import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import { fromNative, InvalidArgumentError, TrainingError } from '../errors.js';
import type { Encodes, Evaluator } from '../evaluation/evaluator.js';
import type { NativeSteps, NativeTable, NativeTrainingRun } from '../native/index.js';
import type { Progress } from './checkpoint-state.js';
import { reportMilliseconds, type FitProgress, type FitSettings } from './fit-options.js';
import type { FitDataset, FitEvaluation, FitResult, FitStages, FitStep } from './fit-result.js';
import { scheduleFactor } from './schedulers.js';
import type { TrainingDataset } from './training-data.js';
import { describeDatasets, RowUsage } from './unused.js';

/** Learning rates handed over at a time. */
const mostStepsAhead = 4096;

/** The stages, and the names of their seconds in what `NativeTrainingRun.advance` gives. */
const stages = [
  ['sampling', 'sampling'],
  ['index', 'index'],
  ['catchUp', 'catchUp'],
  ['pooling', 'pooling'],
  ['loss', 'lossSeconds'],
  ['update', 'update'],
] as const satisfies readonly (readonly [keyof FitStages, keyof NativeSteps])[];

/** The model that a session trains: where its tables go. */
export interface Trainee {
  /** What the evaluator is given: renewed by `publish`. */
  readonly model: Encodes;
  readonly publish: (table: NativeTable) => void;
  /** Writes a checkpoint. */
  readonly save: (outputDir: string, reported: Omit<Progress, 'runId'>) => Promise<void>;
}

/** One run from its first step to its last, and what it has reported. */
export class TrainingSession {
  readonly #history: FitStep[];
  readonly #evaluations: FitEvaluation[];
  readonly #warmupSteps: number;
  readonly #trainingBegin = performance.now();
  readonly #rowsBefore: number;
  readonly #stages = { sampling: 0, index: 0, catchUp: 0, pooling: 0, loss: 0, update: 0 };
  readonly #usage: RowUsage;
  #rows: number;
  #isOver = false;
  #savedAt = -1;
  #pausedMs = 0;

  constructor(
    private readonly run: NativeTrainingRun,
    private readonly totalSteps: number,
    private readonly datasets: readonly TrainingDataset[],
    private readonly settings: FitSettings,
    private readonly trainee: Trainee,
    { history, evaluations, rows }: Progress,
    private readonly begin: number,
  ) {
    this.#history = [...history];
    this.#evaluations = [...evaluations];
    this.#usage = new RowUsage(datasets);
    this.#rowsBefore = this.#rows = rows;
    const { warmupSteps, warmupRatio } = settings;
    this.#warmupSteps = warmupSteps ?? Math.ceil(warmupRatio * totalSteps);
  }

  async train(): Promise<void> {
    const { signal, evaluator, outputDir } = this.settings;
    await this.#takeSteps();
    if (signal?.aborted === true) {
      if (this.#history.length > 0) {
        const isToSave = outputDir !== undefined && this.#savedAt !== this.#history.length;
        if (isToSave) await this.#checkpoint(outputDir);
        else this.trainee.publish(await this.run.snapshot());
      }
      signal.throwIfAborted();
    }
    if (this.#history.length === 0) {
      throw new InvalidArgumentError(
        'no batch could be drawn from trainDataset: with these options no two rows may stand in one batch',
      );
    }
    this.trainee.publish(await this.run.snapshot());
    if (evaluator !== undefined) await this.#evaluate(evaluator);
  }

  /** Until the steps or the epochs are used up, or the signal is aborted. */
  async #takeSteps(): Promise<void> {
    const { signal, evaluator, evalSteps = Infinity, outputDir, saveSteps } = this.settings;
    const until = (every: number): number => every - (this.#history.length % every);
    const isDue = (every: number): boolean => this.#history.length % every === 0;
    while (this.#history.length < this.totalSteps && signal?.aborted !== true) {
      const untilEvaluation = evaluator === undefined ? Infinity : until(evalSteps);
      const untilSave = outputDir === undefined ? Infinity : until(saveSteps);
      if (!(await this.#advance(Math.min(untilEvaluation, untilSave, mostStepsAhead)))) break;
      const isLast = this.#history.length === this.totalSteps;
      if (evaluator !== undefined && isDue(evalSteps) && !isLast) {
        this.trainee.publish(await this.run.snapshot());
        await this.#evaluate(evaluator).catch((error: unknown) => {
          if (signal?.aborted !== true) throw error;
        });
      }
      if (outputDir !== undefined && isDue(saveSteps)) await this.#checkpoint(outputDir);
    }
  }

  result(): FitResult {
    const datasets = describeDatasets(this.datasets, this.#unusedRows());
    const [dataset] = Object.values(datasets) as [FitDataset];
    return {
      history: this.#history,
      evaluations: this.#evaluations,
      rows: this.#rows,
      seconds: (performance.now() - this.begin) / 1000,
      stages: this.#stages,
      dataset,
      datasets,
    };
  }

  #unusedRows(): readonly number[] {
    const { totalSteps, settings } = this;
    // What was resumed may have begun in the middle of an epoch.
    const isBegun = this.#rowsBefore === 0;
    const isEnded = this.#isOver || (this.#history.length === totalSteps && totalSteps < settings.maxSteps);
    return this.#usage.unusedRows(isBegun, isEnded);
  }

  /** Takes at most `most` steps and reports them; false when the epochs are over or the run is stopped. */
  async #advance(most: number): Promise<boolean> {
    const first = this.#history.length;
    const rates = new Float64Array(Math.min(most, this.totalSteps - first));
    for (let i = 0; i < rates.length; ++i) rates[i] = this.#learningRate(first + i);
    const steps = await this.#stepsOf(rates);
    for (const [i, loss] of steps.loss.entries()) {
      const [rows, epoch, dataset] = [steps.rows[i] ?? 0, steps.epoch[i] ?? 0, steps.dataset[i] ?? 0];
      const [learningRate, gradNorm] = [rates[i] ?? 0, steps.gradNorm[i] ?? NaN];
      this.#history.push({ step: first + i, learningRate, loss, gradNorm, ...this.#nameOf(dataset) });
      this.#rows += rows;
      this.#usage.add(epoch, dataset, rows);
    }
    for (const [to, from] of stages) this.#stages[to] += steps[from].reduce((sum, seconds) => sum + seconds, 0);
    const taken = steps.loss.length > 0;
    if (taken) this.settings.onProgress?.(this.#progress());
    else this.#isOver = this.settings.signal?.aborted !== true;
    return taken;
  }

  async #stepsOf(rates: Float64Array): Promise<NativeSteps> {
    try {
      return await this.run.advance(rates, this.settings.epochs, reportMilliseconds);
    } catch (error) {
      const reason = fromNative(error);
      if (!(reason instanceof TrainingError)) throw reason;
      this.trainee.publish(await this.run.snapshot());
      throw new TrainingError(
        `step ${this.#history.length} was not taken, since ${reason.message}; the model is as the step before left it. ` +
          'A lower learningRate or scale may help, or a table without such values',
        { cause: error },
      );
    }
  }

  /** The name of a dataset, where there are several. */
  #nameOf(dataset: number): { readonly dataset?: string } {
    const name = this.datasets[dataset]?.name;
    return this.datasets.length > 1 && name !== undefined ? { dataset: name } : {};
  }

  #learningRate(step: number): number {
    const { learningRate, scheduler, schedulerOptions } = this.settings;
    const run = { warmupSteps: this.#warmupSteps, totalSteps: this.totalSteps, learningRate };
    return learningRate * scheduleFactor(scheduler, step, run, schedulerOptions);
  }

  #progress(): FitProgress {
    const now = performance.now();
    const last = this.#history.at(-1);
    return {
      phase: 'train',
      done: this.#history.length,
      total: this.totalSteps,
      rows: this.#rows,
      rowsPerSecond: (1000 * (this.#rows - this.#rowsBefore)) / (now - this.#trainingBegin - this.#pausedMs),
      ...(last?.dataset !== undefined && { dataset: last.dataset }),
      loss: last?.loss ?? NaN,
      learningRate: last?.learningRate ?? 0,
      seconds: (now - this.begin) / 1000,
    };
  }

  async #evaluate(evaluator: Evaluator): Promise<void> {
    const { signal } = this.settings;
    const start = performance.now();
    const evaluation = evaluator.evaluate(this.trainee.model, signal === undefined ? {} : { signal });
    const metrics = await untilAborted(evaluation, signal);
    this.#pausedMs += performance.now() - start;
    this.#evaluations.push({ step: this.#history.length, metrics });
  }

  async #checkpoint(outputDir: string): Promise<void> {
    const start = performance.now();
    await this.trainee.save(outputDir, { history: this.#history, evaluations: this.#evaluations, rows: this.#rows });
    this.#savedAt = this.#history.length;
    this.#pausedMs += performance.now() - start;
  }
}
