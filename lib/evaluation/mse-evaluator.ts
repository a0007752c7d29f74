import { InvalidArgumentError } from '../errors.js';
import type { MatrixLike } from '../matrix.js';
import { isModel, type EncodesTexts } from '../search/encodes.js';
import { pairwiseSimilarityAsync } from '../similarity.js';
import { invalidArgument } from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { alignedTexts } from './checks.js';
import type { Encodes, EvaluateOptions, Metrics } from './evaluator.js';

export interface MSEOptions extends BaseEvaluatorOptions {
  /** What the teacher encodes, at the first evaluation for all. */
  sourceSentences: readonly string[];
  /** What the model encodes: text i shall have the embedding that the teacher gives to source text i. */
  targetSentences: readonly string[];
  /** Anything with `encode`, such as a `SentenceTransformer`. */
  teacherModel: EncodesTexts;
}

/**
 * The mean squared difference between a model's embeddings and a teacher's, times 100; the metric is `negative_mse`, so
 * that greater is better.
 */
export class MSEEvaluator extends BaseEvaluator {
  protected readonly primary = 'negative_mse';
  protected readonly csvTitle = 'mse_evaluation';
  readonly #options: MSEOptions;
  #taught: MatrixLike | undefined;

  constructor(options: MSEOptions) {
    super(options, '{ sourceSentences, targetSentences, teacherModel }', [
      'sourceSentences',
      'targetSentences',
      'teacherModel',
    ]);
    const { sourceSentences, targetSentences } = options;
    alignedTexts({ sourceSentences, targetSentences });
    if (!isModel(options.teacherModel)) {
      throw invalidArgument('teacherModel', 'a SentenceTransformer', options.teacherModel);
    }
    this.#options = options;
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const { sourceSentences, targetSentences, teacherModel } = this.#options;
    const untaught = this.#taught === undefined ? sourceSentences.length : 0;
    const encoder = this.encoderOf(model, options, untaught + targetSentences.length);
    const taught = (this.#taught ??= await encoder.encode(sourceSentences, {}, teacherModel));
    const learned = await encoder.encode(targetSentences);
    const [dim, teacherDim] = [learned.shape[1], taught.shape[1]];
    if (dim !== teacherDim) {
      throw new InvalidArgumentError(
        `expected a teacherModel of ${dim} dimensions, as the model has, but received one of ${teacherDim}; ` +
          'truncateDim uses the first columns of both',
      );
    }
    // The core has the square roots of what is summed here.
    const distances = await pairwiseSimilarityAsync(taught, learned, 'euclidean', options.signal);
    let squares = 0;
    for (const distance of distances) squares += distance * distance;
    return { negative_mse: (-100 * squares) / (distances.length * dim) };
  }
}
