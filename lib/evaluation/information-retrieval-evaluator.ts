import { InvalidArgumentError } from '../errors.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import * as validate from '../validate.js';
import {
  checkEvaluation,
  prefixed,
  type Encodes,
  type EvaluateOptions,
  type EvaluationEncodeOptions,
  type Evaluator,
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

/** Texts by id. In a plain object, ids that look like integers come first, in ascending order; a Map keeps any order. */
export type TextsById = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

/** Ids of relevant documents by query id. */
export type RelevantDocs = Readonly<Record<string, Iterable<string>>> | ReadonlyMap<string, Iterable<string>>;

export interface InformationRetrievalOptions {
  queries: TextsById;
  corpus: TextsById;
  /** Queries that have none here are left out. */
  relevantDocs: RelevantDocs;
  name?: string;
  /** Cut-offs of the metric; default [10]. */
  mrrAtK?: readonly number[];
  /** Default [10]. */
  ndcgAtK?: readonly number[];
  /** Default [1, 3, 5, 10]. */
  accuracyAtK?: readonly number[];
  /** Default [1, 3, 5, 10]. */
  precisionRecallAtK?: readonly number[];
  /** Default [100]. */
  mapAtK?: readonly number[];
  /** Use the first columns only. */
  truncateDim?: number;
  queryPrompt?: string;
  queryPromptName?: string;
  corpusPrompt?: string;
  corpusPromptName?: string;
  /** Documents that are encoded and searched at a time, which bounds the memory; default 50,000. */
  corpusChunkSize?: number;
}

const optionNames = [
  'queries',
  'corpus',
  'relevantDocs',
  'name',
  'mrrAtK',
  'ndcgAtK',
  'accuracyAtK',
  'precisionRecallAtK',
  'mapAtK',
  'truncateDim',
  'queryPrompt',
  'queryPromptName',
  'corpusPrompt',
  'corpusPromptName',
  'corpusChunkSize',
];

/** A document by its position in the corpus, and its score. */
interface Hit {
  readonly index: number;
  readonly score: number;
}

function entries<T>(option: string, values: unknown): [string, T][] {
  return values instanceof Map
    ? [...(values as Map<string, T>)]
    : Object.entries(validate.object(option, values) as Readonly<Record<string, T>>);
}

function textEntries(option: string, texts: unknown): [string, string][] {
  const result = entries<unknown>(option, texts);
  if (result.length === 0) throw new InvalidArgumentError(`expected at least one text in ${option} but it is empty`);
  return result.map(([id, text]) => [id, validate.string(`${option}[${JSON.stringify(id)}]`, text)]);
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

/** Merges two lists of hits, each best first, into the `k` best; equal scores stay in corpus order. */
function mergeHits(a: readonly Hit[], b: readonly Hit[], k: number): Hit[] {
  return [...a, ...b].sort((x, y) => y.score - x.score || x.index - y.index).slice(0, k);
}

/** Only the options that are set. */
function encodeOptions(
  prompt: string | undefined,
  promptName: string | undefined,
  truncateDim: number | undefined,
  signal: AbortSignal | undefined,
): EvaluationEncodeOptions {
  return {
    ...(prompt !== undefined && { prompt }),
    ...(promptName !== undefined && { promptName }),
    ...(truncateDim !== undefined && { truncateDim }),
    ...(signal !== undefined && { signal }),
  };
}

/**
 * Searches a corpus with queries and compares the ranking with the documents known to be relevant: accuracy,
 * precision, recall, MRR, NDCG and MAP at cut-offs, with binary relevance, averaged over the queries. Metrics are named
 * `<name>_<similarity>_ndcg@10` and so on, the primary one being NDCG at its greatest cut-off.
 */
export class InformationRetrievalEvaluator implements Evaluator {
  readonly name: string;
  private readonly queries: readonly { text: string; relevant: ReadonlySet<string> }[];
  private readonly corpusIds: readonly string[];
  private readonly corpus: readonly string[];
  private readonly mrrAtK: readonly number[];
  private readonly ndcgAtK: readonly number[];
  private readonly accuracyAtK: readonly number[];
  private readonly precisionRecallAtK: readonly number[];
  private readonly mapAtK: readonly number[];
  private readonly corpusChunkSize: number;
  private similarityFnName: SimilarityFunction = 'cosine';

  constructor(private readonly options: InformationRetrievalOptions) {
    validate.object('options', options, 'an object such as { queries, corpus, relevantDocs }');
    validate.knownOptions('InformationRetrievalEvaluator', options, optionNames);
    this.name = validate.string('name', options.name ?? '');
    const corpus = textEntries('corpus', options.corpus);
    const relevant = relevantIds(options.relevantDocs);
    this.queries = textEntries('queries', options.queries)
      .map(([id, text]) => ({ text, relevant: relevant.get(id) ?? new Set<string>() }))
      .filter((query) => query.relevant.size > 0);
    if (this.queries.length === 0) {
      throw new InvalidArgumentError('expected at least one query that has relevantDocs, but none has');
    }
    this.corpusIds = corpus.map(([id]) => id);
    this.corpus = corpus.map(([, text]) => text);
    const cutoffs = (option: 'mrrAtK' | 'ndcgAtK' | 'accuracyAtK' | 'precisionRecallAtK' | 'mapAtK', ...ks: number[]) =>
      validate.positiveIntegers(option, options[option] ?? ks);
    this.mrrAtK = cutoffs('mrrAtK', 10);
    this.ndcgAtK = cutoffs('ndcgAtK', 10);
    this.accuracyAtK = cutoffs('accuracyAtK', 1, 3, 5, 10);
    this.precisionRecallAtK = cutoffs('precisionRecallAtK', 1, 3, 5, 10);
    this.mapAtK = cutoffs('mapAtK', 100);
    if (options.truncateDim !== undefined) validate.positiveInteger('truncateDim', options.truncateDim);
    this.corpusChunkSize = validate.positiveInteger('corpusChunkSize', options.corpusChunkSize ?? 50_000);
  }

  /** Named after the similarity of the model evaluated last, cosine before the first. */
  get primaryMetric(): string {
    return prefixed(this.name, `${this.similarityFnName}_ndcg@${Math.max(...this.ndcgAtK)}`);
  }

  async evaluate(model: Encodes, options: EvaluateOptions = {}): Promise<Record<string, number>> {
    checkEvaluation(model, options);
    options.signal?.throwIfAborted();
    this.similarityFnName = model.similarityFnName;
    const rankings = await this.search(model, options);
    return this.measure(rankings.map((hits, query) => hits.map(({ index }) => this.isRelevant(query, index))));
  }

  private isRelevant(query: number, document: number): boolean {
    const id = this.corpusIds[document];
    return id !== undefined && this.queries[query]?.relevant.has(id) === true;
  }

  /** The best documents for each query, down to the greatest cut-off. */
  private async search(model: Encodes, { signal, onProgress }: EvaluateOptions): Promise<Hit[][]> {
    const { options } = this;
    const total = this.queries.length + this.corpus.length;
    const k = Math.max(
      ...this.mrrAtK,
      ...this.ndcgAtK,
      ...this.accuracyAtK,
      ...this.precisionRecallAtK,
      ...this.mapAtK,
    );
    const queries = await model.encodeQuery(
      this.queries.map(({ text }) => text),
      encodeOptions(options.queryPrompt, options.queryPromptName, options.truncateDim, signal),
    );
    onProgress?.({ done: this.queries.length, total });
    let best: Hit[][] = this.queries.map(() => []);
    for (let begin = 0; begin < this.corpus.length; begin += this.corpusChunkSize) {
      const texts = this.corpus.slice(begin, begin + this.corpusChunkSize);
      const documents = await model.encodeDocument(
        texts,
        encodeOptions(options.corpusPrompt, options.corpusPromptName, options.truncateDim, signal),
      );
      const chunkK = Math.min(k, texts.length);
      const { indices, scores } = await model.searchTopK(queries, documents, chunkK);
      signal?.throwIfAborted();
      best = best.map((hits, query) => {
        const found = Array.from(indices.subarray(query * chunkK, (query + 1) * chunkK), (index, i) => ({
          index: begin + index,
          score: scores[query * chunkK + i] ?? 0,
        }));
        return hits.length === 0 ? found : mergeHits(hits, found, k);
      });
      onProgress?.({ done: this.queries.length + begin + texts.length, total });
    }
    return best;
  }

  private measure(rankings: readonly Relevance[]): Record<string, number> {
    const metrics: Record<string, number> = {};
    const average = (
      metric: string,
      cutoffs: readonly number[],
      of: (hits: Relevance, k: number, relevant: number) => number,
    ): void => {
      for (const k of cutoffs) {
        const values = rankings.map((hits, query) => of(hits, k, this.queries[query]?.relevant.size ?? 0));
        metrics[prefixed(this.name, `${this.similarityFnName}_${metric}@${k}`)] = mean(values);
      }
    };
    average('accuracy', this.accuracyAtK, accuracyAt);
    average('precision', this.precisionRecallAtK, precisionAt);
    average('recall', this.precisionRecallAtK, recallAt);
    average('ndcg', this.ndcgAtK, ndcgAt);
    average('mrr', this.mrrAtK, reciprocalRankAt);
    average('map', this.mapAtK, averagePrecisionAt);
    return metrics;
  }
}
