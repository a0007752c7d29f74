import { readFileSync } from 'node:fs';
import path from 'node:path';

import { repeat, serve } from '../support/serve.js';
import { poolAll, readTable, type Table } from './javascript-pooling.js';

/** Token ids of texts, without special tokens. */
export type Tokenize = (texts: readonly string[]) => Iterable<readonly number[]> | Promise<Iterable<readonly number[]>>;

/** The pipeline that one writes today in JavaScript: somebody's tokenizer, and the mean of the rows in a loop. */
export async function serveJavaScriptPooling(open: (tokenizerJson: string) => Promise<Tokenize>): Promise<void> {
  const opened: { table?: Table; tokenize?: Tokenize; folder?: string } = {};
  let texts: readonly string[] = [];

  const encode = async (some: readonly string[], dim: number): Promise<Float32Array> => {
    if (opened.tokenize === undefined || opened.table === undefined) throw new Error('prepare comes first');
    return poolAll(opened.table, await opened.tokenize(some), some.length, dim);
  };

  await serve({
    async prepare(request) {
      if (opened.folder !== request.model) {
        opened.folder = request.model;
        opened.tokenize = await open(readFileSync(path.join(request.model, 'tokenizer.json'), 'utf8'));
        opened.table = await readTable(request.model);
      }
      texts = JSON.parse(readFileSync(request.texts, 'utf8')) as string[];
      return { version: process.version };
    },
    async sample({ texts: count, dim }) {
      const rows = await encode(texts.slice(0, count), dim);
      return { embeddings: Array.from({ length: count }, (_, i) => Array.from(rows.subarray(i * dim, (i + 1) * dim))) };
    },
    async encode({ dim, seconds }) {
      return repeat(texts.length, seconds, () => encode(texts, dim));
    },
    async tokenize({ seconds }) {
      const { tokenize } = opened;
      if (tokenize === undefined) throw new Error('prepare comes first');
      return repeat(texts.length, seconds, async () => {
        let tokens = 0;
        for (const ids of await tokenize(texts)) tokens += ids.length;
        return tokens;
      });
    },
  });
}
