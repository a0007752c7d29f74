import { precisions, type Precision } from '../embeddings.js';
import { InvalidArgumentError } from '../errors.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { oneOf } from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { alignedTexts, equallyMany, numbers } from './checks.js';
import type { Encodes, EvaluateOptions, EvaluationEncodeOptions, Metrics } from './evaluator.js';
import { pearson, spearman } from './metrics.js';
import type { Numbers } from './ranked-scores.js';
import { pairSimilarities } from './pair-similarities.js';
import { SimilarityChoice } from './similarity-choice.js';

export interface EmbeddingSimilarityOptions extends BaseEvaluatorOptions {
  /** Text i of `sentences1` is compared with text i of `sentences2`. */
  sentences1: readonly string[];
  sentences2: readonly string[];
  /** How alike the pairs are, on any scale. */
  scores: Numbers;
  /** Default: the model's own. */
  similarityFnNames?: readonly SimilarityFunction[];
  /** Decides the primary metric; and what is measured, where `similarityFnNames` is not given. */
  mainSimilarity?: SimilarityFunction;
  /** Compare quantized embeddings, which are normalized first. */
  precision?: Precision;
}

const optionNames = ['sentences1', 'sentences2', 'scores', 'similarityFnNames', 'mainSimilarity', 'precision'];

/**
 * Correlates the similarity of pairs of texts with given scores, by Pearson and by Spearman (ranks, equal values sharing
 * the mean of theirs). Metrics are named `<name>_spearman_cosine` and so on; the primary one is Spearman.
 */
export class EmbeddingSimilarityEvaluator extends BaseEvaluator {
  protected readonly csvTitle = 'similarity_evaluation';
  readonly #options: EmbeddingSimilarityOptions;
  readonly #similarities: SimilarityChoice;

  constructor(options: EmbeddingSimilarityOptions) {
    super(options, '{ sentences1, sentences2, scores }', optionNames);
    const { sentences1, sentences2, scores, precision, similarityFnNames, mainSimilarity } = options;
    alignedTexts({ sentences1, sentences2 });
    equallyMany({ sentences1, sentences2, scores: numbers('scores', scores) });
    if (scores.length < 2) throw new InvalidArgumentError('expected at least two pairs of sentences but received 1');
    if (precision !== undefined) oneOf('precision', precision, precisions);
    this.#options = options;
    this.#similarities = new SimilarityChoice(similarityFnNames, 'mainSimilarity', mainSimilarity);
  }

  protected get primary(): string {
    return `spearman_${this.#similarities.primary}`;
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const { sentences1, sentences2, scores, precision } = this.#options;
    const { signal } = options;
    const encoder = this.encoderOf(model, options, sentences1.length + sentences2.length);
    const encodeOptions: EvaluationEncodeOptions =
      precision === undefined ? {} : { precision, normalizeEmbeddings: true };
    const first = await encoder.encode(sentences1, encodeOptions);
    const second = await encoder.encode(sentences2, encodeOptions);
    return this.#similarities.measure(
      model,
      async (name) => {
        const similarities = await pairSimilarities(first, second, name, precision ?? 'float32', signal);
        return {
          pearson: pearson(scores, similarities),
          spearman: await spearman(scores, similarities, signal),
        };
      },
      (name, metric) => `${metric}_${name}`,
    );
  }
}
