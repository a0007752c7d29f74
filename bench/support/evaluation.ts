import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

import { EmbeddingSimilarityEvaluator, InformationRetrievalEvaluator, type Evaluator } from '../../lib/index.js';
import { sharedFolder } from './texts.js';

/** A retrieval set in BEIR's layout. */
export interface Retrieval {
  readonly name: string;
  readonly queries: ReadonlyMap<string, string>;
  readonly corpus: ReadonlyMap<string, string>;
  readonly relevantDocs: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Sentence pairs with a score. */
export interface Pairs {
  readonly name: string;
  readonly sentences1: readonly string[];
  readonly sentences2: readonly string[];
  readonly scores: readonly number[];
}

const folder = path.join(sharedFolder, 'eval');

export function readRetrieval(name: string): Retrieval {
  const texts = (file: string): Map<string, string> =>
    new Map(
      jsonLines(path.join(folder, name, file)).map((row) => [
        row['_id'] as string,
        [row['title'], row['text']].filter((part) => part !== undefined && part !== '').join(' '),
      ]),
    );
  const relevantDocs = new Map<string, Set<string>>();
  const [, ...judgements] = readFileSync(path.join(folder, name, 'qrels', 'test.tsv'), 'utf8')
    .trim()
    .split('\n');
  for (const line of judgements) {
    const [query = '', document = '', score = '0'] = line.split('\t');
    if (Number(score) <= 0) continue;
    relevantDocs.set(query, (relevantDocs.get(query) ?? new Set()).add(document));
  }
  return { name, queries: texts('queries.jsonl.gz'), corpus: texts('corpus.jsonl.gz'), relevantDocs };
}

export function readPairs(name: string, file: string): Pairs {
  const rows = jsonLines(path.join(folder, 'sts', file));
  return {
    name,
    sentences1: rows.map((row) => row['sentence1'] as string),
    sentences2: rows.map((row) => row['sentence2'] as string),
    scores: rows.map((row) => row['score'] as number),
  };
}

export function hasEvaluationData(): boolean {
  return existsSync(folder);
}

export function retrievalEvaluator(set: Retrieval, truncateDim: number): Evaluator {
  return new InformationRetrievalEvaluator({ ...set, truncateDim });
}

export function similarityEvaluator(set: Pairs, truncateDim: number): Evaluator {
  return new EmbeddingSimilarityEvaluator({ ...set, truncateDim, mainSimilarity: 'cosine' });
}

function jsonLines(file: string): Record<string, unknown>[] {
  return gunzipSync(readFileSync(file))
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
