import { similarityFunctions, type SimilarityFunction } from '../similarity-functions.js';
import { pairwiseSimilarityAsync } from '../similarity.js';
import { finiteNumber, invalidArgument, knownOptions, object } from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { alignedTexts } from './checks.js';
import type { Encodes, EvaluateOptions, Metrics } from './evaluator.js';
import { SimilarityChoice } from './similarity-choice.js';

export interface TripletOptions extends BaseEvaluatorOptions {
  /** Anchor i shall be more similar to positive i than to negative i. */
  anchors: readonly string[];
  positives: readonly string[];
  negatives: readonly string[];
  /** By how much: for every similarity, or for each by its name. Default: 0. */
  margin?: number | Readonly<Partial<Record<SimilarityFunction, number>>>;
  /** Default: the model's own. */
  similarityFnNames?: readonly SimilarityFunction[];
  /** Decides the primary metric; and what is measured, where `similarityFnNames` is not given. */
  mainSimilarityFunction?: SimilarityFunction;
}

const optionNames = ['anchors', 'positives', 'negatives', 'margin', 'similarityFnNames', 'mainSimilarityFunction'];

/**
 * The share of triplets whose anchor is more similar to the positive than to the negative. Anchors are encoded as
 * queries, positives and negatives as documents. Metrics are named `<name>_cosine_accuracy` and so on.
 */
export class TripletEvaluator extends BaseEvaluator {
  protected readonly csvTitle = 'triplet_evaluation';
  readonly #options: TripletOptions;
  readonly #similarities: SimilarityChoice;

  constructor(options: TripletOptions) {
    super(options, '{ anchors, positives, negatives }', optionNames);
    const { anchors, positives, negatives, margin, similarityFnNames, mainSimilarityFunction } = options;
    alignedTexts({ anchors, positives, negatives });
    checkMargin(margin);
    this.#options = options;
    this.#similarities = new SimilarityChoice(similarityFnNames, 'mainSimilarityFunction', mainSimilarityFunction);
  }

  protected get primary(): string {
    return `${this.#similarities.primary}_accuracy`;
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const { anchors, positives, negatives, margin = 0 } = this.#options;
    const { signal } = options;
    const encoder = this.encoderOf(model, options, 3 * anchors.length);
    const anchor = await encoder.encodeQuery(anchors);
    const positive = await encoder.encodeDocument(positives);
    const negative = await encoder.encodeDocument(negatives);
    return this.#similarities.measure(
      model,
      async (name) => {
        const near = await pairwiseSimilarityAsync(anchor, positive, name, signal);
        const far = await pairwiseSimilarityAsync(anchor, negative, name, signal);
        return { accuracy: shareAbove(near, far, typeof margin === 'number' ? margin : (margin[name] ?? 0)) };
      },
      (name, metric) => `${name}_${metric}`,
    );
  }
}

function checkMargin(margin: unknown): void {
  if (margin === undefined) return;
  if (typeof margin === 'number') {
    finiteNumber('margin', margin);
  } else if (typeof margin === 'object') {
    knownOptions('margin', margin, similarityFunctions);
    for (const [name, value] of Object.entries(object('margin', margin))) finiteNumber(`margin.${name}`, value);
  } else {
    throw invalidArgument('margin', 'a number or an object of them by similarity', margin);
  }
}

/** How often `near` exceeds `far` by more than the margin, of all; in float32, as the similarities are. */
function shareAbove(near: Float32Array, far: Float32Array, margin: number): number {
  const least = Math.fround(margin);
  let count = 0;
  for (let i = 0; i < near.length; ++i) {
    if ((near[i] ?? NaN) > Math.fround((far[i] ?? NaN) + least)) ++count;
  }
  return count / near.length;
}
