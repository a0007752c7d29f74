import type { MatrixLike } from '../matrix.js';
import { topKAsync } from '../search/top-k.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { alignedTexts } from './checks.js';
import type { Encodes, EvaluateOptions, Metrics } from './evaluator.js';

export interface TranslationOptions extends BaseEvaluatorOptions {
  /** Text i of `targetSentences` is the translation of text i of `sourceSentences`. */
  sourceSentences: readonly string[];
  targetSentences: readonly string[];
}

/**
 * Looks each text's translation up among all, by cosine: the share that is found first, from source to target, the other
 * way, and the mean of both, which is the primary metric.
 */
export class TranslationEvaluator extends BaseEvaluator {
  protected readonly primary = 'mean_accuracy';
  protected readonly csvTitle = 'translation_evaluation';
  readonly #options: TranslationOptions;

  constructor(options: TranslationOptions) {
    super(options, '{ sourceSentences, targetSentences }', ['sourceSentences', 'targetSentences']);
    const { sourceSentences, targetSentences } = options;
    alignedTexts({ sourceSentences, targetSentences });
    this.#options = options;
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const { sourceSentences, targetSentences } = this.#options;
    const encoder = this.encoderOf(model, options, sourceSentences.length + targetSentences.length);
    const source = await encoder.encode(sourceSentences);
    const target = await encoder.encode(targetSentences);
    const forth = await shareFound(source, target, options.signal);
    const back = await shareFound(target, source, options.signal);
    return { src2trg_accuracy: forth, trg2src_accuracy: back, mean_accuracy: (forth + back) / 2 };
  }
}

/** How often row i of `corpus` is the nearest to row i of `queries`; of equally near rows it is the first. */
async function shareFound(queries: MatrixLike, corpus: MatrixLike, signal: AbortSignal | undefined): Promise<number> {
  const { indices } = await topKAsync(queries, corpus, { k: 1, similarity: 'cosine' }, { signal });
  let found = 0;
  for (const [query, nearest] of indices.entries()) found += query === nearest ? 1 : 0;
  return found / indices.length;
}
