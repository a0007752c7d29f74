import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { report } from './program.js';
import { readRows } from './training.js';

/** What a searcher by words is told: this library's or a peer's. Files are read by both. */
export interface LexicalTask {
  /** Texts, an array in a JSON file. */
  readonly documents: string;
  readonly queries: string;
  readonly topK: number;
  readonly k1: number;
  readonly b: number;
}

export interface LexicalReply {
  /** From texts to an index that answers. */
  readonly buildSeconds: number;
  /** Of all queries, from texts to hits, once everything is warm. */
  readonly searchSeconds: number;
  readonly peakRss: number;
  /** Of each query the scores of what was found, the best first. Proof that both do the same. */
  readonly scores: readonly (readonly number[])[];
  readonly version: string;
}

export interface LexicalTexts {
  readonly documents: string;
  readonly queries: string;
  readonly documentCount: number;
  readonly queryCount: number;
}

const shortest = 20;

/** Writes distinct sentences of the second texts of pairs as documents, and first texts as queries. */
export async function writeLexicalTexts(
  pairs: string,
  folder: string,
  most: { readonly documents: number; readonly queries: number },
): Promise<LexicalTexts> {
  report(`reading ${pairs}`);
  const rows = await readRows(pairs);
  const sentences = new Set<string>();
  for (const [, text = ''] of rows) {
    for (const sentence of text.split(/(?<=[.!?])\s+/)) {
      if (sentence.length >= shortest && sentences.size < most.documents) sentences.add(sentence);
    }
  }
  const titles = rows.slice(0, most.queries).map(([title = '']) => title);
  const documents = path.join(folder, 'documents.json');
  const queries = path.join(folder, 'queries.json');
  writeFileSync(documents, JSON.stringify([...sentences]));
  writeFileSync(queries, JSON.stringify(titles));
  return { documents, queries, documentCount: sentences.size, queryCount: titles.length };
}

/**
 * The greatest difference of two searchers' scores at the same rank, as a share of the score. Documents of equal scores
 * may stand in any order, so that ranks are compared and not documents.
 */
export function scoreDifference(a: LexicalReply, b: LexicalReply): number {
  let greatest = 0;
  for (const [query, scores] of a.scores.entries()) {
    for (const [rank, score] of scores.entries()) {
      // bm25s fills up with documents that have none of the words.
      const other = b.scores[query]?.[rank] ?? 0;
      greatest = Math.max(greatest, Math.abs(score - other) / Math.max(Math.abs(score), 1));
    }
  }
  return greatest;
}
