import { Pause } from '../event-loop.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { pairwiseSimilarityAsync } from '../similarity.js';
import { invalidArgument } from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { alignedTexts, equallyMany, numbers } from './checks.js';
import type { Encodes, EvaluateOptions, Metrics } from './evaluator.js';
import { averagePrecision, rankScores, type Numbers } from './ranked-scores.js';
import { SimilarityChoice } from './similarity-choice.js';
import { bestAccuracy, bestF1, matthewsCorrelation } from './thresholds.js';

export interface BinaryClassificationOptions extends BaseEvaluatorOptions {
  /** Text i of `sentences1` is compared with text i of `sentences2`. */
  sentences1: readonly string[];
  sentences2: readonly string[];
  /** 1 where the two belong together, else 0. */
  labels: Numbers;
  /** Default: the model's own. */
  similarityFnNames?: readonly SimilarityFunction[];
}

const optionNames = ['sentences1', 'sentences2', 'labels', 'similarityFnNames'];

/**
 * Tells pairs that belong together from others by a threshold on their similarity: accuracy and F1 at the threshold that
 * is best for each, precision, recall and Matthews' correlation at that of F1, and average precision, which needs none
 * and is the primary metric. Metrics are named `<name>_cosine_ap` and so on; thresholds of `euclidean` and `manhattan`
 * are distances.
 */
export class BinaryClassificationEvaluator extends BaseEvaluator {
  protected readonly csvTitle = 'binary_classification_evaluation';
  readonly #options: BinaryClassificationOptions;
  readonly #similarities: SimilarityChoice;

  constructor(options: BinaryClassificationOptions) {
    super(options, '{ sentences1, sentences2, labels }', optionNames);
    const { sentences1, sentences2, labels, similarityFnNames } = options;
    alignedTexts({ sentences1, sentences2 });
    for (const [i, label] of [...numbers('labels', labels)].entries()) {
      if (label !== 0 && label !== 1) throw invalidArgument(`labels[${i}]`, '0 or 1', label);
    }
    equallyMany({ sentences1, sentences2, labels });
    this.#options = options;
    this.#similarities = new SimilarityChoice(similarityFnNames);
  }

  protected get primary(): string {
    return `${this.#similarities.primary}_ap`;
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const { sentences1, sentences2, labels } = this.#options;
    const { signal } = options;
    const encoder = this.encoderOf(model, options, sentences1.length + sentences2.length);
    const first = await encoder.encode(sentences1);
    const second = await encoder.encode(sentences2);
    return this.#similarities.measure(
      model,
      async (name) => classify(await pairwiseSimilarityAsync(first, second, name, signal), labels, name, signal),
      (name, metric) => `${name}_${metric}`,
    );
  }
}

async function classify(
  similarities: Float32Array,
  labels: Numbers,
  name: SimilarityFunction,
  signal: AbortSignal | undefined,
): Promise<Metrics> {
  const pause = new Pause(signal);
  const ranked = await rankScores(similarities, labels, signal);
  await pause.ifDue();
  const byAccuracy = bestAccuracy(ranked);
  await pause.ifDue();
  const byF1 = bestF1(ranked);
  await pause.ifDue();
  const reported = (similarity: number): number =>
    name === 'euclidean' || name === 'manhattan' ? -similarity : similarity;
  return {
    accuracy: byAccuracy.accuracy,
    accuracy_threshold: byAccuracy.threshold === undefined ? -1 : reported(byAccuracy.threshold),
    f1: byF1.f1,
    f1_threshold: byF1.threshold === undefined ? 0 : reported(byF1.threshold),
    precision: byF1.precision,
    recall: byF1.recall,
    ap: averagePrecision(ranked),
    mcc: matthewsCorrelation(ranked, byF1.threshold ?? 0),
  };
}
