import MiniSearch from 'minisearch';

/** Search by words, to compare with: MiniSearch's BM25+ with its default settings. Documents go by their position. */
export class Bm25 {
  readonly #index = new MiniSearch<{ id: number; text: string }>({ fields: ['text'] });

  constructor(documents: readonly string[]) {
    this.#index.addAll(documents.map((text, id) => ({ id, text })));
  }

  /** The best documents that have a word of the query, `k` at most, best first. */
  search(query: string, k: number): number[] {
    return this.#index
      .search(query)
      .slice(0, k)
      .map(({ id }) => Number(id));
  }
}
