// How much memory a stream takes beside the table. Arguments: model folder, file of texts, how many texts to stream.
import { readFileSync } from 'node:fs';

import { SentenceTransformer } from '../../lib/index.js';
import { peakRss } from '../support/serve.js';

export interface StreamMemory {
  readonly texts: number;
  readonly textsPerSecond: number;
  /** Bytes by which the process has grown at its peak, over what it held with the model loaded and its table read. */
  readonly growth: number;
  readonly peakRss: number;
}

/** The texts again and again, each a string of its own as if read from a file. */
function* endless(texts: readonly string[], count: number): Generator<string> {
  for (let i = 0; i < count; ++i) yield texts[i % texts.length] ?? '';
}

async function main([folder = '', file = '', count = '1000000']: readonly string[]): Promise<void> {
  const model = await SentenceTransformer.load(folder);
  const texts = JSON.parse(readFileSync(file, 'utf8')) as string[];
  // Brings in the pages of the table that these texts read: they are the table, not what streaming needs.
  for (const text of texts) model.encodeSync(text);
  (globalThis as { gc?: () => void }).gc?.();
  const before = process.memoryUsage.rss();
  const begin = performance.now();
  let done = 0;
  for await (const embeddings of model.encodeStream(endless(texts, Number(count)), { batchSize: 1024 })) {
    done += embeddings.length;
  }
  const seconds = (performance.now() - begin) / 1000;
  const memory: StreamMemory = {
    texts: done,
    textsPerSecond: done / seconds,
    growth: peakRss() - before,
    peakRss: peakRss(),
  };
  process.stdout.write(JSON.stringify(memory));
}

void main(process.argv.slice(2));
