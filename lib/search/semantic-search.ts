import { similarityFunctions, type SimilarityFunction } from '../similarity-functions.js';
import { abortSignal, callback, knownOptions, oneOf, positiveInteger, type OptionAdvice } from '../validate.js';
import { asAnyVectors, type AnyEmbeddingsInput } from '../vectors.js';
import { rescoreOptionNames, search, searchAsync, type RescoreOptions } from './rescored-top-k.js';
import type { SearchProgress, SearchRequest, TopK } from './top-k.js';

/** A row of the corpus and how similar it is to the query. */
export interface SearchHit {
  readonly corpusId: number;
  readonly score: number;
}

export interface SemanticSearchOptions extends RescoreOptions {
  /** Hits a query; fewer where the corpus is smaller. Default: 10. */
  readonly topK?: number;
  /** Default: `cosine`. */
  readonly scoreFunction?: SimilarityFunction;
}

export interface SemanticSearchAsyncOptions extends SemanticSearchOptions {
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
  /** Called as queries are done. */
  readonly onProgress?: (progress: SearchProgress) => void;
}

const optionNames = ['topK', 'scoreFunction', ...rescoreOptionNames];

const advice: OptionAdvice = {
  queryChunkSize: 'no matrix of all scores is ever made, leave it out',
  corpusChunkSize: 'no matrix of all scores is ever made, leave it out',
  k: 'its name is topK',
  similarity: 'its name is scoreFunction',
};

/**
 * The rows of the corpus most similar to each query, best first, equal scores in the order of the corpus: an exact
 * search on all threads, unless `rescore` asks for a quicker one, that blocks until it is done. A zero vector has cosine
 * 0 with every other.
 *
 * @returns One array of hits a query.
 * @throws InvalidArgumentError naming the option, the vector or the value.
 */
export function semanticSearch(
  queryEmbeddings: AnyEmbeddingsInput,
  corpusEmbeddings: AnyEmbeddingsInput,
  options: SemanticSearchOptions = {},
): SearchHit[][] {
  knownOptions('semanticSearch', options, optionNames, {
    ...advice,
    signal: 'semanticSearch blocks and cannot be interrupted; semanticSearchAsync has it',
    onProgress: 'semanticSearch blocks; semanticSearchAsync has it',
  });
  const request = settings(options);
  return toHits(queryEmbeddings, search(queryEmbeddings, corpusEmbeddings, request, options));
}

/** As `semanticSearch`, on the threads of the pool while the calling thread goes on. */
export async function semanticSearchAsync(
  queryEmbeddings: AnyEmbeddingsInput,
  corpusEmbeddings: AnyEmbeddingsInput,
  options: SemanticSearchAsyncOptions = {},
): Promise<SearchHit[][]> {
  knownOptions('semanticSearchAsync', options, [...optionNames, 'signal', 'onProgress'], advice);
  const request = settings(options);
  const control = {
    signal: abortSignal('signal', options.signal),
    onProgress: callback('onProgress', options.onProgress),
  };
  return toHits(queryEmbeddings, await searchAsync(queryEmbeddings, corpusEmbeddings, request, options, control));
}

function settings(options: SemanticSearchOptions): SearchRequest {
  return {
    k: positiveInteger('topK', options.topK ?? 10),
    similarity: oneOf('scoreFunction', options.scoreFunction ?? 'cosine', similarityFunctions),
  };
}

function toHits(queries: AnyEmbeddingsInput, { indices, scores, k }: TopK): SearchHit[][] {
  return Array.from({ length: asAnyVectors('queries', queries).rows }, (_, query) =>
    Array.from({ length: k }, (__, i) => ({
      corpusId: indices[query * k + i] ?? 0,
      score: scores[query * k + i] ?? 0,
    })),
  );
}
