import type { BestMetric } from './best-metric.js';
import type { FitCallback, FitControl, FitState } from './callbacks.js';
import type { FitEvaluation } from './fit-result.js';

/**
 * Stops a run when so many evaluations in a row were no better than the best before them, by more than a threshold.
 * All that it knows it reads from the evaluations, so a resumed run goes on counting where it was.
 */
export class EarlyStopping implements FitCallback {
  #best: number | undefined;
  #inVain = 0;

  constructor(
    private readonly metric: BestMetric,
    private readonly patience: number,
    private readonly threshold: number,
  ) {}

  onTrainBegin({ evaluations }: FitState, control: FitControl): void {
    for (const evaluation of evaluations) this.#count(evaluation);
    this.#stopIfInVain(control);
  }

  onEvaluate({ evaluations }: FitState, control: FitControl): void {
    for (const evaluation of evaluations.slice(-1)) this.#count(evaluation);
    this.#stopIfInVain(control);
  }

  #count({ metrics }: FitEvaluation): void {
    const { value } = this.metric.in(metrics);
    const [isBetter, best] = [this.metric.isBetter(value, this.#best), this.#best];
    const isEnough = best === undefined || (isBetter && Math.abs(value - best) > this.threshold);
    this.#inVain = isEnough ? 0 : this.#inVain + 1;
    if (isBetter) this.#best = value;
  }

  #stopIfInVain(control: FitControl): void {
    if (this.#inVain >= this.patience) control.stop();
  }
}
