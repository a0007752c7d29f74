import { InvalidArgumentError } from '../errors.js';
import type { Metrics } from '../evaluation/evaluator.js';
import { describe } from '../validate.js';

/** A metric's name in the log, as the Trainer has it: `eval_` before it, unless it is there. */
export function logName(metric: string): string {
  return metric.startsWith('eval_') ? metric : `eval_${metric}`;
}

/** @throws InvalidArgumentError that lists the metrics there are. */
export function unknownMetric(name: string, known: readonly string[]): InvalidArgumentError {
  const names = known.map(logName).join(', ') || 'none, since there are no metrics,';
  return new InvalidArgumentError(`expected one of ${names} for metricForBestModel but received ${describe(name)}`);
}

/** By which models are compared. */
export class BestMetric {
  /**
   * @param name - With or without `eval_`; asked for at each evaluation, since an evaluator may not know it before.
   * @param greaterIsBetter - Default: unless the name ends with `loss`.
   */
  constructor(
    private readonly name: () => string,
    private readonly greaterIsBetter: boolean | undefined,
  ) {}

  /** The metric of an evaluation: its name there, and its value. */
  in(metrics: Readonly<Metrics>): { readonly metric: string; readonly value: number } {
    const name = this.name();
    const metric = Object.keys(metrics).find((candidate) => logName(candidate) === logName(name));
    if (metric === undefined) throw unknownMetric(name, Object.keys(metrics));
    return { metric, value: metrics[metric] ?? NaN };
  }

  /** Anything is better than nothing, but NaN than no number. */
  isBetter(value: number, than: number | undefined): boolean {
    if (than === undefined) return !Number.isNaN(value);
    return (this.greaterIsBetter ?? !this.name().endsWith('loss')) ? value > than : value < than;
  }
}
