import { callback, invalidArgument, knownOptions } from '../validate.js';
import {
  checkEvaluation,
  checkMetrics,
  type Encodes,
  type EvaluateOptions,
  type Evaluator,
  type Metrics,
} from './evaluator.js';

export interface SequentialOptions {
  /** One number of the primary metrics of all evaluators, in their order. Default: the last. */
  mainScoreFunction?: (scores: readonly number[]) => number;
}

/**
 * Runs evaluators one after the other and gives the metrics of all, and `sequential_score`, which is the primary one.
 * Give evaluators of one kind a `name` each: of metrics of one name the last stays. Progress is that of the evaluator
 * at work.
 */
export class SequentialEvaluator implements Evaluator {
  readonly name = '';
  readonly primaryMetric = 'sequential_score';
  readonly csvFile = 'sequential_evaluation_results.csv';
  readonly #evaluators: readonly Evaluator[];
  readonly #mainScore: (scores: readonly number[]) => number;

  constructor(evaluators: readonly Evaluator[], options: SequentialOptions = {}) {
    if (!Array.isArray(evaluators) || evaluators.length === 0) {
      throw invalidArgument('evaluators', 'a non-empty array of evaluators', evaluators);
    }
    this.#evaluators = (evaluators as readonly unknown[]).map((evaluator, i) => {
      if (!isEvaluator(evaluator)) throw invalidArgument(`evaluators[${i}]`, 'an evaluator', evaluator);
      return evaluator;
    });
    knownOptions('SequentialEvaluator', options, ['mainScoreFunction']);
    this.#mainScore = callback('mainScoreFunction', options.mainScoreFunction) ?? ((scores) => scores.at(-1) ?? NaN);
  }

  async evaluate(model: Encodes, options: EvaluateOptions = {}): Promise<Metrics> {
    checkEvaluation(model, options);
    return this.evaluateWith((evaluator) => {
      options.signal?.throwIfAborted();
      return evaluator.evaluate(model, options);
    });
  }

  /**
   * What the evaluators give together.
   *
   * @param evaluate - Runs one of them.
   * @internal
   */
  async evaluateWith(evaluate: (evaluator: Evaluator) => Promise<Metrics>): Promise<Metrics> {
    const all: Metrics = {};
    const scores: number[] = [];
    for (const evaluator of this.#evaluators) {
      const metrics = checkMetrics(evaluator, await evaluate(evaluator));
      scores.push(metrics[evaluator.primaryMetric] ?? NaN);
      Object.assign(all, metrics);
    }
    return { ...all, [this.primaryMetric]: this.#mainScore(scores) };
  }
}

function isEvaluator(value: unknown): value is Evaluator {
  return typeof value === 'object' && value !== null && 'evaluate' in value && typeof value.evaluate === 'function';
}
