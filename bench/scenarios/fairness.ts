// How long small calls take while a large one is running. Arguments: model folder, file of texts, texts of the large
// call.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { SentenceTransformer } from '../../lib/index.js';
import { quantile } from '../support/statistics.js';

/** In milliseconds; the large call's texts, and how many small calls were made meanwhile. */
export interface Fairness {
  readonly texts: number;
  readonly calls: number;
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
}

async function main([folder = '', file = '', count = '1000000']: readonly string[]): Promise<void> {
  const model = await SentenceTransformer.load(folder, { truncateDim: 256 });
  const texts = JSON.parse(readFileSync(file, 'utf8')) as string[];
  const many = Array.from({ length: Number(count) }, (_, i) => texts[i % texts.length] ?? '');
  await model.encode(texts);

  const large = { isRunning: true };
  const all = model.encode(many).then(() => {
    large.isRunning = false;
  });
  const times: number[] = [];
  for (let i = 0; large.isRunning; ++i) {
    const begin = performance.now();
    await model.encode(texts[i % texts.length] ?? '');
    times.push(performance.now() - begin);
    await sleep(1);
  }
  await all;
  const fairness: Fairness = {
    texts: many.length,
    calls: times.length,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    most: Math.max(...times),
  };
  process.stdout.write(JSON.stringify(fairness));
}

void main(process.argv.slice(2));
