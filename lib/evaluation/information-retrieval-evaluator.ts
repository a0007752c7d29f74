import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import { encodingOptions } from '../search/encodes.js';
import { isRetriever, type Retriever } from '../search/retriever.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import * as validate from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { entries, textEntries, type TextsById } from './checks.js';
import {
  checkEvaluateOptions,
  prefixed,
  type Encodes,
  type EvaluateOptions,
  type EvaluationEncodeOptions,
  type Metrics,
} from './evaluator.js';
import {
  accuracyAt,
  averagePrecisionAt,
  mean,
  ndcgAt,
  precisionAt,
  recallAt,
  reciprocalRankAt,
  type Relevance,
} from './metrics.js';

/** Ids of relevant documents by query id. */
export type RelevantDocs = Readonly<Record<string, Iterable<string>>> | ReadonlyMap<string, Iterable<string>>;

/** Cut-offs of the metrics. */
export interface RetrievalCutoffs {
  /** Default [10]. */
  mrrAtK?: readonly number[];
  /** Default [10]. */
  ndcgAtK?: readonly number[];
  /** Default [1, 3, 5, 10]. */
  accuracyAtK?: readonly number[];
  /** Default [1, 3, 5, 10]. */
  precisionRecallAtK?: readonly number[];
  /** Default [100]. */
  mapAtK?: readonly number[];
}

export interface InformationRetrievalOptions extends BaseEvaluatorOptions, RetrievalCutoffs {
  queries: TextsById;
  corpus: TextsById;
  /** Queries that have none here are left out. */
  relevantDocs: RelevantDocs;
  queryPrompt?: string;
  queryPromptName?: string;
  corpusPrompt?: string;
  corpusPromptName?: string;
  /** Documents that are encoded and searched at a time, which bounds the memory; default 50,000. */
  corpusChunkSize?: number;
}

const defaultCutoffs = {
  mrrAtK: [10],
  ndcgAtK: [10],
  accuracyAtK: [1, 3, 5, 10],
  precisionRecallAtK: [1, 3, 5, 10],
  mapAtK: [100],
} satisfies RetrievalCutoffs;

/** The names of the cut-offs among the options. */
export const cutoffNames = Object.keys(defaultCutoffs) as readonly (keyof RetrievalCutoffs)[];

const promptNames = ['queryPrompt', 'queryPromptName', 'corpusPrompt', 'corpusPromptName'] as const;

const optionNames = ['queries', 'corpus', 'relevantDocs', ...cutoffNames, ...promptNames, 'corpusChunkSize'];

/** A document by its position in the corpus, and its score. */
interface Hit {
  readonly index: number;
  readonly score: number;
}

function relevantIds(relevantDocs: unknown): Map<string, ReadonlySet<string>> {
  const result = new Map<string, ReadonlySet<string>>();
  for (const [id, documents] of entries<unknown>('relevantDocs', relevantDocs)) {
    if (typeof documents !== 'object' || documents === null || !(Symbol.iterator in documents)) {
      throw validate.invalidArgument(`relevantDocs[${JSON.stringify(id)}]`, 'a set or an array of ids', documents);
    }
    result.set(id, new Set(documents as Iterable<string>));
  }
  return result;
}

/** Merges two lists of hits, each best first, into the `k` best; equal scores stay in the order of the corpus. */
function mergeHits(a: readonly Hit[], b: readonly Hit[], k: number): Hit[] {
  return [...a, ...b].sort((x, y) => y.score - x.score || x.index - y.index).slice(0, k);
}

/** @throws InvalidArgumentError naming the cut-off that is no integer of at least 1. */
export function retrievalCutoffs(options: RetrievalCutoffs): Required<RetrievalCutoffs> {
  const cutoffs = { ...defaultCutoffs } as Required<RetrievalCutoffs>;
  for (const name of cutoffNames) cutoffs[name] = validate.positiveIntegers(name, options[name] ?? cutoffs[name]);
  return cutoffs;
}

/**
 * Searches a corpus with queries and compares the ranking with the documents known to be relevant: accuracy,
 * precision, recall, MRR, NDCG and MAP at cut-offs, with binary relevance, averaged over the queries. Equally similar
 * documents rank by their ids. Metrics are named `<name>_<similarity>_ndcg@10` and so on, the primary one being NDCG at
 * its greatest cut-off.
 */
export class InformationRetrievalEvaluator extends BaseEvaluator {
  protected readonly csvTitle = 'Information-Retrieval_evaluation';
  readonly #queries: readonly { text: string; relevant: ReadonlySet<string> }[];
  readonly #corpusIds: readonly string[];
  readonly #corpus: readonly string[];
  readonly #cutoffs: Required<RetrievalCutoffs>;
  readonly #corpusChunkSize: number;
  readonly #queryPrompt: EvaluationEncodeOptions;
  readonly #corpusPrompt: EvaluationEncodeOptions;
  /** What was evaluated last: a model by its similarity, or a retriever. */
  #evaluated: SimilarityFunction | 'retriever' = 'cosine';

  constructor(options: InformationRetrievalOptions) {
    super(options, '{ queries, corpus, relevantDocs }', optionNames);
    // Ids decide among equal scores, as the place in the corpus does in a search.
    const corpus = textEntries('corpus', options.corpus).sort(([a], [b]) => (a < b ? -1 : 1));
    const relevant = relevantIds(options.relevantDocs);
    this.#queries = textEntries('queries', options.queries)
      .map(([id, text]) => ({ text, relevant: relevant.get(id) ?? new Set<string>() }))
      .filter((query) => query.relevant.size > 0);
    if (this.#queries.length === 0) {
      throw new InvalidArgumentError('expected at least one query that has relevantDocs, but none has');
    }
    this.#corpusIds = corpus.map(([id]) => id);
    this.#corpus = corpus.map(([, text]) => text);
    this.#cutoffs = retrievalCutoffs(options);
    this.#corpusChunkSize = validate.positiveInteger('corpusChunkSize', options.corpusChunkSize ?? 50_000);
    for (const name of promptNames) if (options[name] !== undefined) validate.string(name, options[name]);
    const { queryPrompt, queryPromptName, corpusPrompt, corpusPromptName } = options;
    this.#queryPrompt = encodingOptions({ prompt: queryPrompt, promptName: queryPromptName });
    this.#corpusPrompt = encodingOptions({ prompt: corpusPrompt, promptName: corpusPromptName });
  }

  /** Texts that an evaluation encodes. */
  get textCount(): number {
    return this.#queries.length + this.#corpus.length;
  }

  /** Named after the similarity of the model evaluated last, cosine before the first; of a retriever it has none. */
  protected get primary(): string {
    return this.#named('ndcg', Math.max(...this.#cutoffs.ndcgAtK));
  }

  /**
   * Measures a model, or an index that holds the corpus: its rankings are taken as they are, no prompts apply, and the
   * metrics are named without a similarity, `<name>_ndcg@10`.
   */
  override async evaluate(model: Encodes | Retriever, options: EvaluateOptions = {}): Promise<Metrics> {
    if (!isRetriever(model)) return super.evaluate(model, options);
    checkEvaluateOptions(options);
    return this.named(() => this.#measureRetriever(model, options), options);
  }

  async #measureRetriever(retriever: Retriever, { signal, onProgress }: EvaluateOptions): Promise<Metrics> {
    this.#evaluated = 'retriever';
    const pause = new Pause(signal);
    const texts = this.#queries.map(({ text }) => text);
    const found = await retriever.search(texts, this.#depth, { ...(signal && { signal }) });
    if (found.length !== texts.length) {
      throw new InvalidArgumentError(
        `expected hits of ${texts.length} queries from search but received ${found.length}`,
      );
    }
    const corpus = new Set(this.#corpusIds);
    const rankings: Relevance[] = [];
    for (const [query, hits] of found.entries()) {
      rankings.push(hits.map(({ id }) => this.#isRelevantId(query, id, corpus)));
      await pause.ifDue();
    }
    onProgress?.({ done: texts.length, total: texts.length });
    return this.#average(rankings, pause);
  }

  #isRelevantId(query: number, id: unknown, corpus: ReadonlySet<unknown>): boolean {
    if (!corpus.has(id)) throw validate.invalidArgument('search', 'ids of the corpus', id);
    return this.#queries[query]?.relevant.has(id as string) === true;
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    this.#evaluated = model.similarityFnName;
    const pause = new Pause(options.signal);
    const rankings: Relevance[] = [];
    for (const [query, hits] of (await this.#search(model, options)).entries()) {
      rankings.push(hits.map(({ index }) => this.#isRelevant(query, index)));
      await pause.ifDue();
    }
    return this.#average(rankings, pause);
  }

  #isRelevant(query: number, document: number): boolean {
    const id = this.#corpusIds[document];
    return id !== undefined && this.#queries[query]?.relevant.has(id) === true;
  }

  /** The greatest cut-off. */
  get #depth(): number {
    return Math.max(...Object.values(this.#cutoffs).flat());
  }

  #named(metric: string, cutoff: number): string {
    return prefixed(this.#evaluated === 'retriever' ? '' : this.#evaluated, `${metric}@${cutoff}`);
  }

  /** The best documents for each query, down to the greatest cut-off. */
  async #search(model: Encodes, options: EvaluateOptions): Promise<Hit[][]> {
    const k = this.#depth;
    const encoder = this.encoderOf(model, options, this.textCount);
    const texts = this.#queries.map(({ text }) => text);
    const queries = await encoder.encodeQuery(texts, this.#queryPrompt);
    const best: Hit[][] = this.#queries.map(() => []);
    const { signal } = options;
    const pause = new Pause(signal);
    for (let begin = 0; begin < this.#corpus.length; begin += this.#corpusChunkSize) {
      const chunk = this.#corpus.slice(begin, begin + this.#corpusChunkSize);
      const documents = await encoder.encodeDocument(chunk, this.#corpusPrompt);
      const chunkK = Math.min(k, chunk.length);
      const { indices, scores } = await model.searchTopK(queries, documents, chunkK, signal && { signal });
      for (const [query, hits] of best.entries()) {
        await pause.ifDue();
        const found = Array.from(indices.subarray(query * chunkK, (query + 1) * chunkK), (index, i) => ({
          index: begin + index,
          score: scores[query * chunkK + i] ?? 0,
        }));
        best[query] = hits.length === 0 ? found : mergeHits(hits, found, k);
      }
    }
    return best;
  }

  async #average(rankings: readonly Relevance[], pause: Pause): Promise<Metrics> {
    const metrics: Metrics = {};
    const average = async (
      metric: string,
      cutoffs: readonly number[],
      of: (hits: Relevance, k: number, relevant: number) => number,
    ): Promise<void> => {
      for (const k of cutoffs) {
        const values = rankings.map((hits, query) => of(hits, k, this.#queries[query]?.relevant.size ?? 0));
        metrics[this.#named(metric, k)] = mean(values);
        await pause.ifDue();
      }
    };
    await average('accuracy', this.#cutoffs.accuracyAtK, accuracyAt);
    await average('precision', this.#cutoffs.precisionRecallAtK, precisionAt);
    await average('recall', this.#cutoffs.precisionRecallAtK, recallAt);
    await average('ndcg', this.#cutoffs.ndcgAtK, ndcgAt);
    await average('mrr', this.#cutoffs.mrrAtK, reciprocalRankAt);
    await average('map', this.#cutoffs.mapAtK, averagePrecisionAt);
    return metrics;
  }
}
