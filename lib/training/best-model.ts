import type { NativeTable } from '../native/index.js';
import type { BestMetric } from './best-metric.js';
import type { FitBest, FitEvaluation } from './fit-result.js';

/** Which evaluation of a run was the best, and the table that it measured. */
export class BestModel {
  #best: FitBest | undefined;
  #table: NativeTable | undefined;

  constructor(private readonly metric: BestMetric) {}

  get best(): FitBest | undefined {
    return this.#best;
  }

  /** Whether the evaluation is better than those before. @throws InvalidArgumentError where it lacks the metric. */
  consider({ step, metrics }: FitEvaluation): boolean {
    const { metric, value } = this.metric.in(metrics);
    if (!this.metric.isBetter(value, this.#best?.value)) return false;
    this.#best = { metric, value, step };
    return true;
  }

  /** Owns the table of the best evaluation from now on; that of the one before goes at once. */
  keep(table: NativeTable): void {
    this.release();
    this.#table = table;
  }

  /** Gives the table away. */
  take(): NativeTable | undefined {
    const table = this.#table;
    this.#table = undefined;
    return table;
  }

  release(): void {
    this.take()?.release();
  }
}
