// How long one short text takes, in microseconds: each call timed on its own. Arguments: model folder, file of texts.
import { readFileSync } from 'node:fs';

import { SentenceTransformer } from '../../lib/index.js';
import { quantile } from '../support/statistics.js';

const calls = 50_000;
const warmUp = 5_000;

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  /** With `out`: no new memory for the result. */
  readonly p50Out: number;
  /** Of a prepared encoder. */
  readonly p50Prepared: number;
  readonly p50PreparedOut: number;
}

async function main([folder = '', file = '']: readonly string[]): Promise<void> {
  const model = await SentenceTransformer.load(folder);
  const texts = JSON.parse(readFileSync(file, 'utf8')) as string[];
  const out = new Float32Array(model.dim);
  const timesOf = (encode: (text: string) => unknown): number[] => {
    const times: number[] = [];
    for (let i = 0; i < warmUp + calls; ++i) {
      const text = texts[i % texts.length] ?? '';
      const begin = process.hrtime.bigint();
      encode(text);
      const nanoseconds = Number(process.hrtime.bigint() - begin);
      if (i >= warmUp) times.push(nanoseconds / 1000);
    }
    return times;
  };
  const prepared = model.prepare();
  const preparedOut = model.prepare({ out });
  const fresh = timesOf((text) => model.encodeSync(text));
  const p50Of = (encode: (text: string) => unknown): number => quantile(timesOf(encode), 0.5);
  const latency: Latency = {
    p50: quantile(fresh, 0.5),
    p99: quantile(fresh, 0.99),
    p50Out: p50Of((text) => model.encodeSync(text, { out })),
    p50Prepared: p50Of((text) => prepared.encodeSync(text)),
    p50PreparedOut: p50Of((text) => preparedOut.encodeSync(text)),
  };
  process.stdout.write(JSON.stringify(latency));
}

void main(process.argv.slice(2));
