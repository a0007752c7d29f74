import type { Metrics } from '../evaluation/evaluator.js';
import type { NativeSteps } from '../native/index.js';
import { logName } from './best-metric.js';
import type { BestModel } from './best-model.js';
import type { FitState } from './callbacks.js';
import type { Progress } from './checkpoint-state.js';
import type { FitBest, FitEvaluation, FitLogRecord, FitOverhead, FitStages, FitStep } from './fit-result.js';
import type { TrainingDataset } from './training-data.js';
import { RowUsage } from './unused.js';

/** The stages, and the names of their seconds in what `NativeTrainingRun.advance` gives. */
const stages = [
  ['sampling', 'sampling'],
  ['index', 'index'],
  ['catchUp', 'catchUp'],
  ['pooling', 'pooling'],
  ['loss', 'lossSeconds'],
  ['update', 'update'],
] as const satisfies readonly (readonly [keyof FitStages, keyof NativeSteps])[];

/** What a run has done so far. */
export class RunRecord implements FitState {
  readonly history: FitStep[];
  readonly evaluations: FitEvaluation[];
  readonly log: FitLogRecord[];
  readonly stages = { sampling: 0, index: 0, catchUp: 0, pooling: 0, loss: 0, update: 0 };
  readonly overhead: FitOverhead & { finishing: number };
  readonly usage: RowUsage;
  /** Those before this session. */
  readonly rowsBefore: number;
  epoch: number;
  rows: number;

  constructor(
    progress: Progress,
    readonly totalSteps: number,
    private readonly datasets: readonly TrainingDataset[],
    private readonly bestModel: BestModel | undefined,
    before: Omit<FitOverhead, 'finishing'>,
  ) {
    this.overhead = { ...before, finishing: 0 };
    this.history = [...progress.history];
    this.evaluations = [...progress.evaluations];
    this.log = [...progress.log];
    this.epoch = progress.epoch;
    this.rowsBefore = this.rows = progress.rows;
    this.usage = new RowUsage(datasets);
  }

  get step(): number {
    return this.history.length;
  }

  get best(): FitBest | undefined {
    return this.bestModel?.best;
  }

  /** What a checkpoint keeps of it. */
  get progress(): Omit<Progress, 'runId'> {
    const { history, evaluations, log, rows, epoch } = this;
    return { history, evaluations, log, rows, epoch };
  }

  /** @param rates - The learning rates of the steps. */
  addSteps(steps: NativeSteps, rates: Float64Array): void {
    for (const [i, loss] of steps.loss.entries()) {
      const [rows, epoch, dataset] = [steps.rows[i] ?? 0, steps.epoch[i] ?? 0, steps.dataset[i] ?? 0];
      const [learningRate, gradNorm] = [rates[i] ?? 0, steps.gradNorm[i] ?? NaN];
      this.history.push({ step: this.step, learningRate, loss, gradNorm, ...this.#nameOf(dataset) });
      this.rows += rows;
      this.usage.add(epoch, dataset, rows);
    }
    this.epoch = steps.epochsDone.at(-1) ?? this.epoch;
    for (const [to, from] of stages) this.stages[to] += steps[from].reduce((sum, seconds) => sum + seconds, 0);
  }

  addEvaluation(metrics: Readonly<Metrics>): FitEvaluation {
    const evaluation = { step: this.step, epoch: this.epoch, metrics };
    this.evaluations.push(evaluation);
    return evaluation;
  }

  /** A record of the steps since the last such one; false where there are none. */
  logSteps(): boolean {
    const since = this.log.findLast((record) => 'loss' in record)?.step ?? 0;
    const last = this.history.at(-1);
    if (last === undefined || since === this.step) return false;
    const steps = this.history.slice(since);
    this.log.push({
      loss: steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length,
      grad_norm: last.gradNorm,
      learning_rate: last.learningRate,
      epoch: this.epoch,
      step: this.step,
    });
    return true;
  }

  logEvaluation({ metrics, epoch, step }: FitEvaluation): void {
    const named = Object.entries(metrics).map(([name, value]) => [logName(name), value]);
    this.log.push({ ...(Object.fromEntries(named) as Metrics), epoch, step });
  }

  /** The name of a dataset, where there are several. */
  #nameOf(dataset: number): { readonly dataset?: string } {
    const name = this.datasets[dataset]?.name;
    return this.datasets.length > 1 && name !== undefined ? { dataset: name } : {};
  }
}
