// An index of words of this library, built and searched. Argument: a file with a LexicalTask.
import { readFileSync } from 'node:fs';

import { BM25Index } from '../../lib/index.js';
import { native } from '../../lib/native/index.js';
import type { LexicalReply, LexicalTask } from '../support/lexical.js';
import { peakRss } from '../support/serve.js';

async function main([file = '']: readonly string[]): Promise<void> {
  const { documents, queries: queryFile, topK, k1, b } = JSON.parse(readFileSync(file, 'utf8')) as LexicalTask;
  const texts = JSON.parse(readFileSync(documents, 'utf8')) as string[];
  const queries = JSON.parse(readFileSync(queryFile, 'utf8')) as string[];
  const ids = texts.map((_, number) => String(number));

  const index = new BM25Index({ k1, b, method: 'lucene' });
  let begin = performance.now();
  await index.add(ids, texts);
  // Added texts are worked into the index by the next search.
  await index.search(queries.slice(0, 1), topK);
  const buildSeconds = (performance.now() - begin) / 1000;

  await index.search(queries, topK);
  begin = performance.now();
  const found = await index.search(queries, topK);
  const searchSeconds = (performance.now() - begin) / 1000;
  const reply: LexicalReply = {
    buildSeconds,
    searchSeconds,
    peakRss: peakRss(),
    scores: found.map((hits) => hits.map(({ score }) => score)),
    version: native.info().isa,
  };
  process.stdout.write(JSON.stringify(reply));
}

void main(process.argv.slice(2));
