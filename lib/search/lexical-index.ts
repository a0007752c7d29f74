import type { RetrievedDocument } from './retriever.js';

/** What a `HybridIndex` needs of the half that looks at words. */
export interface LexicalIndex {
  /** Documents. */
  readonly size: number;
  add(ids: readonly string[], texts: readonly string[], options?: { signal?: AbortSignal }): Promise<unknown>;
  remove(ids: readonly string[]): unknown;
  /** The k best documents; those that are left out where k is `size` count as 0. */
  search(
    queries: readonly string[],
    k: number,
    options?: { signal?: AbortSignal },
  ): Promise<readonly (readonly RetrievedDocument[])[]>;
  save(folder: string): Promise<void>;
}
