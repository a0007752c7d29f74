import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import { rerankingAdvice } from '../foreign-options.js';
import type { MatrixLike } from '../matrix.js';
import { similarityFunctions, type SimilarityFunction } from '../similarity-functions.js';
import { similarityMatrixAsync } from '../similarity.js';
import { invalidArgument, object, oneOf, positiveInteger, string, stringArray } from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import type { Encodes, EvaluateOptions, Metrics } from './evaluator.js';
import { mean } from './metrics.js';
import { averagePrecision, rankScores, reciprocalRank, tieAveragedNdcg } from './ranked-scores.js';

/** A query, and documents that answer it and that do not. */
export interface RerankingSample {
  readonly query: string;
  readonly positive: readonly string[];
  readonly negative: readonly string[];
}

export interface RerankingOptions extends BaseEvaluatorOptions {
  /** Those without a positive or without a negative document are left out. */
  samples: readonly RerankingSample[];
  /** Cut-off of MRR and NDCG. Default: 10. */
  atK?: number;
  /** What documents are ranked by. Default: `cosine`. */
  similarityFct?: SimilarityFunction;
}

/**
 * Ranks the documents of each query and averages over the queries: MAP over all of them, MRR and NDCG at a cut-off, with
 * binary relevance. No order is preferred among equally similar documents, except that MRR keeps their own, positives
 * first. Queries are encoded as such, documents as documents. The primary metric is NDCG, named `<name>_ndcg@10`.
 */
export class RerankingEvaluator extends BaseEvaluator {
  protected readonly csvTitle = 'RerankingEvaluator';
  readonly #samples: readonly RerankingSample[];
  readonly #atK: number;
  readonly #similarity: SimilarityFunction;

  constructor(options: RerankingOptions) {
    super(options, '{ samples }', ['samples', 'atK', 'similarityFct'], rerankingAdvice);
    this.#samples = checkSamples(options.samples).filter(
      ({ positive, negative }) => positive.length > 0 && negative.length > 0,
    );
    if (this.#samples.length === 0) {
      throw new InvalidArgumentError(
        'expected at least one of samples that has both a positive and a negative document, but none has',
      );
    }
    this.#atK = positiveInteger('atK', options.atK ?? 10);
    this.#similarity = oneOf('similarityFct', options.similarityFct ?? 'cosine', similarityFunctions);
  }

  protected get primary(): string {
    return `ndcg@${this.#atK}`;
  }

  override get csvFile(): string {
    return super.csvFile.replace(/\.csv$/, `_@${this.#atK}.csv`);
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const { signal } = options;
    const samples = this.#samples;
    const documents = samples.flatMap(({ positive, negative }) => [...positive, ...negative]);
    const encoder = this.encoderOf(model, options, samples.length + documents.length);
    const queryRows = await encoder.encodeQuery(samples.map(({ query }) => query));
    const documentRows = await encoder.encodeDocument(documents);

    const [map, mrr, ndcg]: [number[], number[], number[]] = [[], [], []];
    const pause = new Pause(signal);
    let begin = 0;
    for (const [i, { positive, negative }] of samples.entries()) {
      const end = begin + positive.length + negative.length;
      const scores = await similarityMatrixAsync(
        rows(queryRows, i, i + 1),
        rows(documentRows, begin, end),
        this.#similarity,
        signal,
      );
      const labels = new Uint8Array(end - begin).fill(1, 0, positive.length);
      const ranked = await rankScores(scores.data, labels, signal);
      map.push(averagePrecision(ranked));
      mrr.push(reciprocalRank(ranked, this.#atK));
      ndcg.push(tieAveragedNdcg(ranked, this.#atK));
      begin = end;
      await pause.ifDue();
    }
    return { map: mean(map), [`mrr@${this.#atK}`]: mean(mrr), [`ndcg@${this.#atK}`]: mean(ndcg) };
  }
}

function checkSamples(samples: unknown): readonly RerankingSample[] {
  if (!Array.isArray(samples)) throw invalidArgument('samples', 'an array of { query, positive, negative }', samples);
  for (const [i, sample] of (samples as readonly unknown[]).entries()) {
    const { query, positive, negative } = object(`samples[${i}]`, sample, 'an object { query, positive, negative }');
    string(`samples[${i}].query`, query);
    stringArray(`samples[${i}].positive`, positive);
    stringArray(`samples[${i}].negative`, negative);
  }
  return samples as readonly RerankingSample[];
}

function rows({ data, shape }: MatrixLike, begin: number, end: number): MatrixLike {
  return { data: data.subarray(begin * shape[1], end * shape[1]), shape: [end - begin, shape[1]] };
}
