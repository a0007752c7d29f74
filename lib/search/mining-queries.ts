import type { Pairs } from './pairs-of-dataset.js';

/** Texts without repeats, each with a number. */
export class TextsById {
  readonly all: readonly string[];
  readonly #ids: ReadonlyMap<string, number>;

  constructor(texts: readonly string[]) {
    this.all = [...new Set(texts)];
    this.#ids = new Map(this.all.map((text, id) => [text, id]));
  }

  at(id: number): string {
    return this.all[id] ?? '';
  }

  idOf(text: string): number {
    return this.#ids.get(text) ?? -1;
  }
}

/** The anchors without repeats, and the ids of the positives of each. */
export class Queries {
  readonly texts: readonly string[];
  /** The most rows that one anchor has. */
  readonly mostRows: number;
  /** Pairs of an anchor and a positive. */
  readonly pairs: number;
  readonly #positives: number[][] = [];
  readonly #firstPairs: number[] = [];

  constructor({ anchors, positives }: Pairs, texts: TextsById) {
    const numbers = new Map<string, number>();
    const rows: number[] = [];
    for (const [row, anchor] of anchors.entries()) {
      const query = numbers.get(anchor) ?? numbers.size;
      numbers.set(anchor, query);
      rows[query] = (rows[query] ?? 0) + 1;
      const own = (this.#positives[query] ??= []);
      const id = texts.idOf(positives[row] ?? '');
      if (!own.includes(id)) own.push(id);
    }
    this.texts = [...numbers.keys()];
    this.mostRows = rows.reduce((most, count) => Math.max(most, count), 0);
    let pairs = 0;
    for (const own of this.#positives) {
      this.#firstPairs.push(pairs);
      pairs += own.length;
    }
    this.pairs = pairs;
  }

  textAt(query: number): string {
    return this.texts[query] ?? '';
  }

  positivesOf(query: number): readonly number[] {
    return this.#positives[query] ?? [];
  }

  /** The number of the query's first pair, counted over all queries. */
  firstPair(query: number): number {
    return this.#firstPairs[query] ?? 0;
  }
}
