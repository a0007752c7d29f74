// Where the time of a text goes, in microseconds on one thread: the steps of a call, each done alone and in turns with
// the whole. Arguments: model folder, file of texts.
import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

import { SentenceTransformer } from '../../lib/index.js';
import { native } from '../../lib/native/index.js';
import { joinTexts } from '../../lib/texts.js';
import { median } from '../support/statistics.js';
import { asColumn } from '../support/texts.js';

/** Microseconds a text, of calls of many texts and of calls of one. */
export interface Breakdown {
  /** Joining the strings to one, in JavaScript. */
  readonly join: number;
  /** Turning it into UTF-8 and finding the texts in it. */
  readonly border: number;
  readonly tokenize: number;
  /** Reading and adding the rows, into memory that is at hand. */
  readonly pool: number;
  /** What new memory for the result adds to that. */
  readonly newMemory: number;
  /** The whole call, measured. */
  readonly whole: number;
  /** A call of one text alone, and what of it is not the steps above: arguments, objects, the way in and out. */
  readonly alone: number;
  readonly aloneOverhead: number;
}

/** Texts of a call: their result of 4 MB is about what one step of a long call writes. */
const textsOfCall = 1024;
const rounds = 41;

async function main([folder = '', file = '']: readonly string[]): Promise<void> {
  const model = await SentenceTransformer.load(folder);
  const all = JSON.parse(readFileSync(file, 'utf8')) as string[];
  const texts = Array.from({ length: textsOfCall }, (_, i) => all[i % all.length] ?? '');
  const column = asColumn(texts);
  const { ids, offsets } = model.tokenize(texts);
  const { dim, vocabSize } = model;
  const pooling = { weighting: model.pooling, excludedIds: new Uint32Array() };
  const encoder = new native.Encoder(null, await native.Table.random(vocabSize, dim, 42), pooling);
  const ready = new native.RowBuffer(textsOfCall, 4 * dim);
  const finish = [dim, false, false, 'float32'] as const;

  const steps = {
    join: () => joinTexts(texts).length,
    tokenizeStrings: () => model.tokenize(texts),
    tokenizeColumn: () => model.tokenize(column),
    poolReady: () => {
      encoder.poolIds(ids, offsets, ready, 0, ...finish);
    },
    poolNew: () => {
      const fresh = new native.RowBuffer(textsOfCall, 4 * dim);
      encoder.poolIds(ids, offsets, fresh, 0, ...finish);
      return fresh.take();
    },
    whole: () => model.encodeSync(texts),
    alone: () => {
      for (const text of texts) model.encodeSync(text);
    },
  };
  const times = Object.fromEntries(Object.keys(steps).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; ++round) {
    for (const [name, step] of Object.entries(steps)) {
      const begin = performance.now();
      step();
      times[name]?.push((1000 * (performance.now() - begin)) / textsOfCall);
      // Memory of results that nobody holds any more comes back when the event loop turns.
      await setImmediate();
    }
  }
  const of = (name: keyof typeof steps): number => median(times[name] ?? []);
  const border = Math.max(0, of('tokenizeStrings') - of('tokenizeColumn') - of('join'));
  const newMemory = Math.max(0, of('poolNew') - of('poolReady'));
  const sum = of('join') + border + of('tokenizeColumn') + of('poolReady');
  const breakdown: Breakdown = {
    join: of('join'),
    border,
    tokenize: of('tokenizeColumn'),
    pool: of('poolReady'),
    newMemory,
    whole: of('whole'),
    alone: of('alone'),
    aloneOverhead: Math.max(0, of('alone') - sum),
  };
  process.stdout.write(JSON.stringify(breakdown));
}

void main(process.argv.slice(2));
