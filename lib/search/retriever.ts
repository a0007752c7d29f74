/** A document that was found, by its id. */
export interface RetrievedDocument {
  readonly id: string;
  readonly score: number;
}

/** What searches documents of its own, such as a `BM25Index` or a `HybridIndex`. */
export interface Retriever {
  /** The `k` best documents of each query, the best first; fewer where there are not as many. */
  search(
    queries: readonly string[],
    k: number,
    options?: { signal?: AbortSignal },
  ): Promise<readonly (readonly RetrievedDocument[])[]>;
}

/** A model has a method `encode`, and is none. */
export function isRetriever(value: unknown): value is Retriever {
  if (typeof value !== 'object' || value === null || 'encode' in value) return false;
  return 'search' in value && typeof value.search === 'function';
}
