import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { MSELoss, MultipleNegativesRankingLoss, readDatasetFile, SentenceTransformer, type FitStep } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

let folder: string;
let dataset: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stillvec-tokens-'));
  dataset = path.join(folder, 'pairs.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Pairs of words that the tokenizer knows; `turn` changes which, and no length. */
function writePairs(turn: number): void {
  const words = ['fox', 'dog'];
  const lines = Array.from({ length: 64 }, (_, i) => {
    const text = Array.from({ length: (i % 7) + 1 }, (_, k) => words[(i * 5 + k + turn * (k % 2)) % 2]).join(' ');
    return JSON.stringify({ anchor: `${text} fox`, positive: `${text} dog` });
  });
  writeFileSync(dataset, lines.join('\n'));
}

const cacheFile = (): string => `${dataset}.stillvec-tokens`;

const dataBegin = (safetensors: Buffer): number => 8 + Number(safetensors.readBigUInt64LE());

async function train(
  options: { tokenCache?: boolean; columns?: string[] },
  files: string | readonly string[] = dataset,
): Promise<readonly FitStep[]> {
  const tokenizer = writeTinyTokenizer(folder);
  const model = await SentenceTransformer.create({ tokenizer, dim: 8 });
  const { history } = await model.fit({
    trainDataset: readDatasetFile(files, options),
    loss: new MultipleNegativesRankingLoss(),
    batchSize: 16,
    batchSampler: 'random',
  });
  return history;
}

describe('the token cache of a dataset file', () => {
  test('gives the same run as the texts, and is read in their place', async () => {
    writePairs(0);
    const expected = await train({ tokenCache: false });
    expect(existsSync(cacheFile())).toBe(false);
    expect(await train({ tokenCache: true })).toEqual(expected);

    // Other texts, which by size and time of change are the same file.
    const { size, atime, mtime } = statSync(dataset);
    utimesSync(dataset, atime, new Date(1e12));
    await train({ tokenCache: true });
    writePairs(1);
    expect(statSync(dataset).size).toBe(size);
    utimesSync(dataset, atime, mtime);
    const other = await train({ tokenCache: false });
    expect(other).not.toEqual(expected);
    utimesSync(dataset, atime, new Date(1e12));
    expect(await train({ tokenCache: true })).toEqual(expected);
    expect(readdirSync(folder).filter((name) => name.includes('stillvec-tokens'))).toHaveLength(1);
  });

  test('is made anew when the dataset, its columns or the tokenizer change', async () => {
    writePairs(0);
    await train({ tokenCache: true });
    writePairs(1);
    utimesSync(dataset, new Date(), new Date(2e12));
    expect(await train({ tokenCache: true })).toEqual(await train({ tokenCache: false }));

    const columns = ['positive', 'anchor'];
    expect(await train({ tokenCache: true, columns })).toEqual(await train({ tokenCache: false, columns }));

    const before = readFileSync(cacheFile());
    const tokenizer = writeTinyTokenizer(folder);
    writeFileSync(tokenizer, JSON.stringify(JSON.parse(readFileSync(tokenizer, 'utf8')), null, 4));
    const model = await SentenceTransformer.create({ tokenizer, dim: 8 });
    const trainDataset = readDatasetFile(dataset, { tokenCache: true, columns });
    await model.fit({ trainDataset, loss: new MultipleNegativesRankingLoss(), batchSize: 16, maxSteps: 1 });
    expect(readFileSync(cacheFile()).equals(before)).toBe(false);
  });

  test.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['cut off', (bytes) => bytes.subarray(0, bytes.length - 4)],
    ['empty', () => new Uint8Array()],
    ['of another kind', () => Buffer.from('not a safetensors file at all')],
    ['with an id changed', (bytes) => bytes.fill(9, bytes.length - 4)],
    // The last of the 65 of column 0.
    ['with an offset changed', (bytes) => bytes.fill(9, dataBegin(bytes) + 64 * 8, dataBegin(bytes) + 65 * 8)],
  ])('is made anew when it is %s', async (_, damage) => {
    writePairs(0);
    const expected = await train({ tokenCache: true });
    const whole = readFileSync(cacheFile());
    writeFileSync(cacheFile(), damage(Buffer.from(whole)));
    expect(await train({ tokenCache: true })).toEqual(expected);
    expect(readFileSync(cacheFile()).equals(whole)).toBe(true);
  });

  test('is of all the files of a list or a pattern', async () => {
    const names = ['a.jsonl', 'b.jsonl'].map((name) => path.join(folder, name));
    const [first = '', second = ''] = names;
    const write = (turn: number): void => {
      writePairs(turn);
      for (const name of names) copyFileSync(dataset, name);
    };
    const caches = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.stillvec-tokens'));
    const files = [names, path.join(folder, '?.jsonl')];
    for (const [i, chosen] of files.entries()) {
      write(0);
      const expected = await train({ tokenCache: false }, chosen);
      expect(await train({ tokenCache: true }, chosen)).toEqual(expected);
      expect(caches()).toHaveLength(i + 1);

      // Read in their place: texts of another turn in a file that by size and time of change is the same.
      const { atime, mtime } = statSync(second);
      utimesSync(second, atime, new Date(1e12));
      await train({ tokenCache: true }, chosen);
      writePairs(1);
      copyFileSync(dataset, second);
      utimesSync(second, atime, new Date(1e12));
      expect(await train({ tokenCache: true }, chosen)).toEqual(expected);

      // And made anew for another second file.
      utimesSync(second, atime, mtime);
      const other = await train({ tokenCache: true }, chosen);
      expect(other).not.toEqual(expected);
      expect(other).toEqual(await train({ tokenCache: false }, chosen));
    }
    await train({ tokenCache: true }, first);
    expect(caches()).toContain('a.jsonl.stillvec-tokens');
    expect(caches()).toHaveLength(3);
  });

  test('holds labels, which are checked against the loss again', async () => {
    const label = (i: number): number[] => Array.from({ length: 8 }, (_, k) => Math.sin(i + k));
    const lines = Array.from({ length: 40 }, (_, i) => JSON.stringify({ text: `fox ${i}`, label: label(i) }));
    writeFileSync(dataset, lines.join('\n'));
    const distil = async (tokenCache: boolean, dim: number): Promise<readonly FitStep[]> => {
      const model = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim });
      const trainDataset = readDatasetFile(dataset, { tokenCache });
      return (await model.fit({ trainDataset, loss: new MSELoss(), batchSize: 16, learningRate: 0.05 })).history;
    };
    const expected = await distil(false, 8);
    expect(await distil(true, 8)).toEqual(expected);
    const before = statSync(cacheFile()).mtimeMs;
    expect(await distil(true, 8)).toEqual(expected);
    expect(statSync(cacheFile()).mtimeMs).toBe(before);
    await expect(distil(true, 16)).rejects.toThrow(/a vector of 16 numbers.* for trainDataset\[0\]\.label/);
  });

  test('stays away from small files unless it is asked for', async () => {
    writePairs(0);
    await train({});
    expect(readdirSync(folder)).not.toContain(path.basename(cacheFile()));
  });

  test('says so when it was asked for and cannot be written', async () => {
    writePairs(0);
    // A folder in its place, which no file can be renamed over.
    mkdirSync(path.join(cacheFile(), 'x'), { recursive: true });
    await expect(train({ tokenCache: true })).rejects.toMatchObject({ code: 'ERR_IO' });
    expect(readdirSync(folder).filter((name) => name.includes('stillvec-tokens'))).toHaveLength(1);
  });
});
