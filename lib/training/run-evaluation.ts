import { cancellable, untilAborted } from '../abort.js';
import { fromNative } from '../errors.js';
import { checkMetrics, type Encodes, type Evaluator, type Metrics } from '../evaluation/evaluator.js';
import { SequentialEvaluator } from '../evaluation/sequential-evaluator.js';
import { native, type NativePooling, type NativeTable } from '../native/index.js';
import type { FitSettings } from './fit-options.js';
import { evalLossName } from './evaluation-options.js';
import { trainingPrecision } from './run-config.js';
import type { TrainingData } from './training-data.js';

/** Is told what each evaluator gave. */
type Report = (evaluator: Evaluator, metrics: Metrics) => Promise<void>;

/** What a run measures its model by: the losses of datasets, and an evaluator. */
export class RunEvaluation {
  constructor(
    private readonly data: TrainingData | undefined,
    private readonly settings: FitSettings,
    private readonly pooling: NativePooling,
  ) {}

  /**
   * @param model - The model whose table is `table`.
   * @returns The losses first, then the evaluator's metrics.
   */
  async measure(model: Encodes, table: NativeTable, report: Report): Promise<Metrics> {
    const { evaluator } = this.settings;
    const losses = await this.#losses(table);
    const metrics = evaluator === undefined ? {} : await this.#metrics(evaluator, model, report);
    return { ...losses, ...metrics };
  }

  async #losses(table: NativeTable): Promise<Metrics> {
    const { batchSize, signal } = this.settings;
    const batches = { batchSize, precision: trainingPrecision(this.settings), pooling: this.pooling };
    const { datasets = [], sources = [], losses = [] } = this.data ?? {};
    const metrics: Metrics = {};
    for (const [i, source] of sources.entries()) {
      const [name = '', loss = []] = [datasets[i]?.name, losses[source.loss]];
      try {
        metrics[evalLossName(name)] = await cancellable(signal, (cancellation) =>
          native.evaluateLoss(table, source, loss, batches, cancellation),
        );
      } catch (error) {
        throw fromNative(error, signal);
      }
    }
    return metrics;
  }

  /** Each evaluator of a sequence is reported by itself, too. */
  async #metrics(evaluator: Evaluator, model: Encodes, report: Report): Promise<Metrics> {
    const metrics = checkMetrics(
      evaluator,
      evaluator instanceof SequentialEvaluator
        ? await evaluator.evaluateWith((one) => this.#metrics(one, model, report))
        : await this.#evaluate(evaluator, model),
    );
    await report(evaluator, metrics);
    return metrics;
  }

  async #evaluate(evaluator: Evaluator, model: Encodes): Promise<Metrics> {
    const { signal } = this.settings;
    return untilAborted(evaluator.evaluate(model, signal === undefined ? {} : { signal }), signal);
  }
}
