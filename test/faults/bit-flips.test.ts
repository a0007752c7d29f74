import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MultipleNegativesRankingLoss, readDatasetFile, SentenceTransformer, StillvecError } from 'stillvec';

import { writeModelFolder } from '../../lib/formats/model-folder-writer.js';
import { plainPooling, type PoolingSettings } from '../../lib/pooling.js';
import { tinyVocabulary, writeTinyTokenizer } from '../support/tiny-tokenizer';
import { attempts, isLong } from './support';

const root = mkdtempSync(path.join(tmpdir(), 'stillvec-flips-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const texts = ['the red fox', 'a blue dog', 'over the sea again', '42 numbers. unknown: 狐'];
const flips = attempts(40, 2400);
const timeout = isLong ? 1_200_000 : 60_000;

/** Flips one bit after the other of a file, drawn by a fixed sequence, and gives it back as it was. */
async function withFlips(file: string, body: (bit: number) => Promise<void>): Promise<void> {
  const whole = readFileSync(file);
  let random = 12345;
  for (let i = 0; i < flips; ++i) {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    // Every bit of small files before any of them twice, and all of the beginning of large ones.
    const bit = i < Math.min(flips / 2, 8 * whole.length) ? i : random % (8 * whole.length);
    const bytes = Buffer.from(whole);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(file, bytes);
    await body(bit);
  }
  writeFileSync(file, whole);
}

/** The result, or undefined where it was refused with an error that says what is wrong. */
async function resultOf(action: () => Promise<string>): Promise<string | undefined> {
  return action().catch((error: unknown) => {
    if (error instanceof StillvecError && error.message !== '') return undefined;
    throw error;
  });
}

const encoded = async (folder: string): Promise<string> => {
  const model = await SentenceTransformer.load(folder);
  const queries = await model.encodeQuery(texts);
  const settings = JSON.stringify([model.prompts, model.pooling, model.excludeTokens]);
  return [...queries.data, ...model.similarity(queries, queries).data, settings].join();
};

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(path.join(folder, name)).isFile(),
  );

/** Models in the layouts that `save` leaves, the second one with a pooling of its own. */
const layouts = ['plain', 'replaced'];
let tokenizer: string;
beforeAll(async () => {
  tokenizer = writeTinyTokenizer(root);
  const rows = tinyVocabulary.length;
  const write = (folder: string, query: string, pooling: PoolingSettings): Promise<void> =>
    writeModelFolder(path.join(root, folder), {
      ...pooling,
      training: null,
      tokenizer: readFileSync(tokenizer),
      normalize: true,
      prompts: { query, document: '' },
      defaultPromptName: null,
      similarityFnName: 'dot',
      truncateDim: 5,
      tokenRules: 'sentence-transformers',
      table: {
        dtype: 'I8',
        rows,
        dim: 6,
        chunks: [Uint8Array.from({ length: rows * 6 }, (_, i) => (i * 37) & 255)],
        scales: Float32Array.from({ length: rows }, (_, i) => 1 + i / 10),
      },
    });
  for (const layout of layouts) await write(layout, 'red ', plainPooling);
  await write('replaced', 'blue ', { pooling: 'sqrt', excludeTokens: ['red'] });
});

describe('a model with a flipped bit is refused or gives the same', () => {
  test.each(layouts)(
    '%s',
    async (layout) => {
      const folder = path.join(root, layout);
      const expected = await encoded(folder);
      const source = path.dirname(filesOf(folder).find((name) => name.endsWith('model.safetensors')) ?? '');
      for (const name of filesOf(folder)) {
        let refused = 0;
        await withFlips(path.join(folder, name), async (bit) => {
          const result = await resultOf(() => encoded(folder));
          expect({ name, bit, isSame: (result ?? expected) === expected }).toEqual({ name, bit, isSame: true });
          if (result === undefined) ++refused;
        });
        if (/tokenizer|config_sentence|pooling\.json/.test(name) && path.dirname(name) === source)
          expect({ name, refused }).toEqual({ name, refused: flips });
      }
      expect(await encoded(folder)).toBe(expected);
    },
    timeout,
  );
});

const letters = Array.from('abcdef');
const pairs = letters.flatMap((a) => letters.map((b) => ({ anchor: `${a} ${b}`, positive: `the ${a}${b}` })));
const usual = { loss: new MultipleNegativesRankingLoss(), batchSize: 8, epochs: 1, learningRate: 0.05 };

async function trained(options: object): Promise<string> {
  const model = await SentenceTransformer.create({ tokenizer, dim: 4, seed: 3 });
  await model.fit({ ...usual, trainDataset: pairs, ...options });
  return (await model.encode(texts)).data.join();
}

test(
  'a checkpoint with a flipped bit is refused or goes on the same way',
  async () => {
    const outputDir = path.join(root, 'run');
    const expected = await trained({ outputDir, saveSteps: 3, saveTotalLimit: 1 });
    const [checkpoint = ''] = readdirSync(outputDir);
    const resumeFromCheckpoint = path.join(outputDir, checkpoint);
    for (const name of ['trainer_state.json', 'trainer_state.safetensors']) {
      await withFlips(path.join(resumeFromCheckpoint, name), async (bit) => {
        const result = await resultOf(() => trained({ resumeFromCheckpoint }));
        expect({ name, bit, isSame: (result ?? expected) === expected }).toEqual({ name, bit, isSame: true });
      });
    }
    expect(await trained({ resumeFromCheckpoint })).toBe(expected);
  },
  timeout,
);

test(
  'a token cache with a flipped bit is made anew',
  async () => {
    const dataset = path.join(root, 'pairs.jsonl');
    writeFileSync(dataset, pairs.map((row) => JSON.stringify(row)).join('\n'));
    utimesSync(dataset, new Date(1e12), new Date(1e12));
    const trainDataset = readDatasetFile(dataset, { tokenCache: true });
    const expected = await trained({ trainDataset });
    const cache = `${dataset}.stillvec-tokens`;
    const whole = readFileSync(cache);
    let remade = 0;
    await withFlips(cache, async (bit) => {
      const result = await trained({ trainDataset });
      expect({ bit, isSame: result === expected }).toEqual({ bit, isSame: true });
      if (readFileSync(cache).equals(whole)) ++remade;
    });
    expect(remade).toBeGreaterThan(0.9 * flips);
  },
  timeout,
);
