import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { LexicalIndex, RetrievedDocument } from 'stillvec';

const [k1, b] = [1.5, 0.75];

/** BM25 as its formula says (Lucene's idf), over lower-cased words. */
export class WordIndex implements LexicalIndex {
  readonly #documents = new Map<string, string>();

  static load(folder: string): Promise<WordIndex> {
    const index = new WordIndex();
    const documents = JSON.parse(readFileSync(path.join(folder, 'words.json'), 'utf8')) as [string, string][];
    for (const [id, text] of documents) index.#documents.set(id, text);
    return Promise.resolve(index);
  }

  get size(): number {
    return this.#documents.size;
  }

  add(ids: readonly string[], texts: readonly string[]): Promise<void> {
    for (const [i, id] of ids.entries()) this.#documents.set(id, texts[i]!);
    return Promise.resolve();
  }

  remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#documents.delete(id);
    return Promise.resolve();
  }

  search(queries: readonly string[], k: number): Promise<RetrievedDocument[][]> {
    const documents = [...this.#documents].map(([id, text]) => ({ id, words: wordsOf(text) }));
    const mean = documents.reduce((sum, { words }) => sum + words.length, 0) / documents.length;
    const score = (query: string, words: readonly string[]): number =>
      wordsOf(query).reduce((sum, word) => {
        const holders = documents.filter((other) => other.words.includes(word)).length;
        const idf = Math.log(1 + (documents.length - holders + 0.5) / (holders + 0.5));
        const count = words.filter((other) => other === word).length;
        return sum + (idf * count) / (count + k1 * (1 - b + (b * words.length) / mean));
      }, 0);
    return Promise.resolve(
      queries.map((query) =>
        documents
          .map(({ id, words }) => ({ id, score: score(query, words) }))
          .filter((hit) => hit.score > 0)
          .sort((x, y) => y.score - x.score)
          .slice(0, k),
      ),
    );
  }

  save(folder: string): Promise<void> {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, 'words.json'), JSON.stringify([...this.#documents]));
    return Promise.resolve();
  }
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\w+/g) ?? [];
}
