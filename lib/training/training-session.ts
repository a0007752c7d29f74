import { performance } from 'node:perf_hooks';

import { fromNative, InvalidArgumentError, TrainingError } from '../errors.js';
import type { Encodes } from '../evaluation/evaluator.js';
import type { NativeSteps, NativeTable, NativeTrainingRun } from '../native/index.js';
import type { BestModel } from './best-model.js';
import { Callbacks, Control, type CallbackEvent, type FitCallback } from './callbacks.js';
import type { Progress } from './checkpoint-state.js';
import { reportMilliseconds, type FitProgress, type FitSettings } from './fit-options.js';
import type { FitDataset, FitResult } from './fit-result.js';
import type { RunEvaluation } from './run-evaluation.js';
import type { RunLog } from './run-log.js';
import type { RunRecord } from './run-record.js';
import { scheduleFactor } from './schedulers.js';
import { Interval, type Moment } from './strategy.js';
import type { TrainingDataset } from './training-data.js';
import { describeDatasets } from './unused.js';

/** Learning rates handed over at a time. */
const mostStepsAhead = 4096;

/** The model that a session trains: where its tables go. */
export interface Trainee {
  /** What the evaluator is given: renewed by `publish`. */
  readonly model: Encodes;
  readonly publish: (table: NativeTable) => void;
  /** Writes a checkpoint of the model, whose table it is given, and of what the run has reported. */
  readonly save: (outputDir: string, table: NativeTable, reported: Omit<Progress, 'runId'>) => Promise<void>;
}

/** What a run does between its steps. */
export interface SessionParts {
  /** Undefined where there is nothing to evaluate by. */
  readonly evaluation: RunEvaluation | undefined;
  /** Undefined where nothing asks which model is best. */
  readonly best: BestModel | undefined;
  readonly callbacks: readonly FitCallback[];
  /** Undefined without an `outputDir`. */
  readonly log: RunLog | undefined;
}

/** One run from its first step to its last: steps, and between them what is due. */
export class TrainingSession {
  readonly #evaluating: Interval;
  readonly #logging: Interval;
  readonly #saving: Interval;
  readonly #control: Control;
  readonly #callbacks: Callbacks;
  readonly #warmupSteps: number;
  readonly #trainingBegin = performance.now();
  /** The table that the model has, and the step that it is of. */
  #published: { readonly table: NativeTable; readonly step: number } | undefined;
  #savedAt = -1;
  #isInEpoch = false;
  #isOver = false;
  #evaluationMs = 0;
  #pausedMs = 0;
  #reportedAt = -Infinity;

  constructor(
    private readonly run: NativeTrainingRun,
    private readonly record: RunRecord,
    private readonly datasets: readonly TrainingDataset[],
    private readonly settings: FitSettings,
    private readonly trainee: Trainee,
    private readonly parts: SessionParts,
    private readonly begin: number,
  ) {
    const { evalStrategy, evalSteps, loggingStrategy, loggingSteps, outputDir, saveStrategy, saveSteps } = settings;
    this.#evaluating = new Interval(evalStrategy, evalSteps);
    this.#logging = new Interval(loggingStrategy, loggingSteps);
    this.#saving = new Interval(outputDir === undefined ? 'no' : saveStrategy, saveSteps);
    this.#control = new Control(parts.evaluation !== undefined, outputDir !== undefined);
    this.#callbacks = new Callbacks(parts.callbacks, record, this.#control, settings.signal);
    const { warmupSteps, warmupRatio } = settings;
    this.#warmupSteps = warmupSteps ?? Math.ceil(warmupRatio * record.totalSteps);
  }

  /** What is thrown ends the run, and the model keeps what it has learned. */
  async train(): Promise<void> {
    try {
      await this.#tell('onTrainBegin');
      await this.#doWhatIsDue();
      await this.#takeSteps();
      if (this.record.step === 0) {
        throw new InvalidArgumentError(
          'no batch could be drawn from trainDataset: with these options no two rows may stand in one batch',
        );
      }
      await this.#doWhatIsDue('end');
      const best = this.parts.best?.take();
      if (best === undefined) await this.#publishLast();
      else this.#give(best);
      await this.#tell('onTrainEnd');
    } catch (error) {
      await this.#keepWhatIsLearned();
      throw error;
    }
  }

  result(): FitResult {
    const datasets = describeDatasets(this.datasets, this.#unusedRows());
    const [dataset] = Object.values(datasets) as [FitDataset];
    const { history, evaluations, log, best, epoch, rows, stages, overhead } = this.record;
    return {
      ...{ history, evaluations, log, best, epoch, rows, stages, overhead, dataset, datasets },
      seconds: (performance.now() - this.begin) / 1000,
      evaluationSeconds: this.#evaluationMs / 1000,
    };
  }

  #unusedRows(): readonly number[] {
    const { step, totalSteps, rowsBefore, usage } = this.record;
    // What was resumed may have begun in the middle of an epoch.
    const isBegun = rowsBefore === 0;
    const isEnded = this.#isOver || (step === totalSteps && totalSteps < this.settings.maxSteps);
    return usage.unusedRows(isBegun, isEnded);
  }

  /** Until the steps or the epochs are used up, or a callback stops them. */
  async #takeSteps(): Promise<void> {
    const { record } = this;
    while (record.step < record.totalSteps && !this.#control.isStopped) {
      if (!this.#isInEpoch) {
        this.#isInEpoch = true;
        await this.#tell('onEpochBegin');
        await this.#doWhatIsDue();
        continue;
      }
      if (!(await this.#advance())) break;
      await this.#tell('onStepEnd');
      if (Number.isInteger(record.epoch)) await this.#endEpoch('steps');
      else await this.#doWhatIsDue('steps');
    }
    if (this.#isInEpoch) await this.#endEpoch();
  }

  /** @param moments - Of which this is one, too: a checkpoint has to know of the evaluation of its step. */
  async #endEpoch(...moments: readonly Moment[]): Promise<void> {
    this.#isInEpoch = false;
    await this.#tell('onEpochEnd');
    await this.#doWhatIsDue(...moments, 'epoch');
  }

  /** Takes steps until something is due, and reports them; false when there are no more. */
  async #advance(): Promise<boolean> {
    const { record, settings } = this;
    const rates = new Float64Array(this.#stepsAhead());
    for (let i = 0; i < rates.length; ++i) rates[i] = this.#learningRate(record.step + i);
    const steps = await this.#stepsOf(rates);
    const isTaken = steps.loss.length > 0;
    record.addSteps(steps, rates);
    if (isTaken) this.#report();
    settings.signal?.throwIfAborted();
    this.#isOver = !isTaken;
    return isTaken;
  }

  #stepsAhead(): number {
    const { step, totalSteps } = this.record;
    if (this.#callbacks.hears('onStepEnd')) return 1;
    const intervals = [this.#evaluating, this.#logging, this.#saving];
    return Math.min(...intervals.map((interval) => interval.stepsUntilDue(step)), mostStepsAhead, totalSteps - step);
  }

  /** The epochs after which the addon shall come back. */
  #epochsAhead(): number {
    const isByEpoch = [this.#evaluating, this.#logging, this.#saving].some((interval) => interval.isByEpoch);
    const isFollowed = this.#callbacks.hears('onEpochBegin') || this.#callbacks.hears('onEpochEnd');
    return isByEpoch || isFollowed ? Math.floor(this.record.epoch) + 1 : this.settings.epochs;
  }

  async #stepsOf(rates: Float64Array): Promise<NativeSteps> {
    try {
      return await this.run.advance(rates, this.#epochsAhead(), reportMilliseconds);
    } catch (error) {
      const reason = fromNative(error);
      if (!(reason instanceof TrainingError)) throw reason;
      throw new TrainingError(
        `step ${this.record.step} was not taken, since ${reason.message}; the model is as the step before left it. ` +
          'A lower learningRate or scale may help, or a table without such values',
        { cause: error },
      );
    }
  }

  #learningRate(step: number): number {
    const { learningRate, scheduler, schedulerOptions } = this.settings;
    const run = { warmupSteps: this.#warmupSteps, totalSteps: this.record.totalSteps, learningRate };
    return learningRate * scheduleFactor(scheduler, step, run, schedulerOptions);
  }

  /** What an option says is due at these moments, and what callbacks have asked for. */
  async #doWhatIsDue(...moments: readonly Moment[]): Promise<void> {
    const { record } = this;
    const isDue = (interval: Interval): boolean => moments.some((moment) => interval.isDue(moment, record.step));
    if (isDue(this.#logging) && record.logSteps()) await this.#tellOfLog();
    const isToEvaluate = this.#control.take('evaluate') || isDue(this.#evaluating);
    const isBest = isToEvaluate && (await this.#evaluate());
    const { saveStrategy, loadBestModelAtEnd } = this.settings;
    const isBestSaved = saveStrategy === 'best' || (loadBestModelAtEnd && saveStrategy !== 'no');
    const isToSave = this.#control.take('save') || isDue(this.#saving) || (isBest && isBestSaved);
    if (isToSave) await this.#save();
  }

  async #tellOfLog(): Promise<void> {
    await this.parts.log?.add(this.record.log);
    await this.#tell('onLog');
  }

  /** Whether that finds the model better than ever. */
  async #evaluate(): Promise<boolean> {
    const { record, parts, settings } = this;
    const { epoch, step, evaluations } = record;
    if (parts.evaluation === undefined || evaluations.at(-1)?.step === step) return false;
    const start = performance.now();
    const table = await this.#publish();
    const metrics = await parts.evaluation.measure(this.trainee.model, table, async (evaluator, metrics) => {
      await parts.log?.addMetrics(evaluator, { epoch, step, metrics }, evaluations);
    });
    this.#evaluationMs += performance.now() - start;
    const measured = record.addEvaluation(metrics);
    const isBest = parts.best?.consider(measured) === true;
    if (isBest && settings.loadBestModelAtEnd) parts.best.keep(await this.run.snapshot());
    this.#pausedMs += performance.now() - start;
    record.logEvaluation(measured);
    await this.#tellOfLog();
    await this.#tell('onEvaluate');
    return isBest;
  }

  async #save(): Promise<void> {
    if (await this.#writeCheckpoint()) await this.#tell('onSave');
  }

  /** False where there is one of this step, or no place for it. */
  async #writeCheckpoint(): Promise<boolean> {
    const { outputDir } = this.settings;
    const { step, progress } = this.record;
    if (outputDir === undefined || this.#savedAt === step) return false;
    const start = performance.now();
    await this.trainee.save(outputDir, await this.#publish(), progress);
    this.#savedAt = step;
    this.#pausedMs += performance.now() - start;
    return true;
  }

  /** The table as it stands, which the model now has. */
  async #publish(): Promise<NativeTable> {
    const { step } = this.record;
    return this.#published?.step === step ? this.#published.table : this.#give(await this.run.snapshot());
  }

  /** The same, once the run has nothing more to do. */
  async #publishLast(): Promise<void> {
    const start = performance.now();
    if (this.#published?.step !== this.record.step) this.#give(await this.run.finish());
    this.record.overhead.finishing = (performance.now() - start) / 1000;
  }

  #give(table: NativeTable): NativeTable {
    this.#published = { table, step: this.record.step };
    this.trainee.publish(table);
    return table;
  }

  /** An aborted run can go on from a checkpoint. */
  async #keepWhatIsLearned(): Promise<void> {
    if (this.record.step === 0) return;
    const { signal, saveStrategy } = this.settings;
    if (signal?.aborted === true && saveStrategy !== 'no') await this.#writeCheckpoint();
    await this.#publishLast();
  }

  async #tell(event: CallbackEvent): Promise<void> {
    await this.#callbacks.tell(event);
  }

  /** About ten times a second. */
  #report(): void {
    const { history, step, totalSteps, rows, rowsBefore } = this.record;
    const now = performance.now();
    if (now - this.#reportedAt < reportMilliseconds && step < totalSteps) return;
    this.#reportedAt = now;
    const last = history.at(-1);
    const progress: FitProgress = {
      phase: 'train',
      done: step,
      total: totalSteps,
      rows,
      rowsPerSecond: (1000 * (rows - rowsBefore)) / (now - this.#trainingBegin - this.#pausedMs),
      ...(last?.dataset !== undefined && { dataset: last.dataset }),
      loss: last?.loss ?? NaN,
      learningRate: last?.learningRate ?? 0,
      seconds: (now - this.begin) / 1000,
    };
    this.settings.onProgress?.(progress);
  }
}
