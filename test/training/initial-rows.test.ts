import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CoSENTLoss,
  MultipleNegativesRankingLoss,
  readDatasetFile,
  SentenceTransformer,
  type FitOptions,
  type InitialRows,
} from 'stillvec';
import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-rows-'));
const tokenizer = writeTinyTokenizer(folder);
const dim = 8;

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const create = (initialRows?: InitialRows): Promise<SentenceTransformer> =>
  SentenceTransformer.create({ tokenizer, dim, seed: 3, ...(initialRows !== undefined && { initialRows }) });

/** Texts of four words, one of which is in all of them. */
const texts = ['the red fox', 'the blue fox fox', 'the red dog', 'the cat'];
const rows = [
  { anchor: texts[0] ?? '', positive: texts[1] ?? '' },
  { anchor: texts[2] ?? '', positive: texts[3] ?? '' },
];
/** Of words, by the number of texts with them. */
const frequencies = { the: 4, red: 2, fox: 2, blue: 1, dog: 1, cat: 1, sea: 0 };
const words = Object.keys(frequencies);

/** `idf` of scikit-learn's TfidfVectorizer (1.7, smooth_idf) for 4 texts, by the number of those with the word. */
const idf: Readonly<Record<number, number>> = { 0: 2.60943791, 1: 1.91629073, 2: 1.51082562, 4: 1 };

let normal: Float32Array;

beforeAll(async () => {
  normal = (await (await create()).encode(words)).data;
});

async function expectIdfRows(model: SentenceTransformer, scale: number): Promise<void> {
  const { data } = await model.encode(words);
  for (const [i, frequency] of Object.values(frequencies).entries()) {
    for (let d = i * dim; d < (i + 1) * dim; ++d) {
      const ratio = (data[d] ?? NaN) / (normal[d] ?? NaN);
      expect(Math.abs(ratio / (scale * (idf[frequency] ?? NaN)) - 1)).toBeLessThan(1e-6);
    }
  }
}

/** A step that changes nothing. */
const noStep = { loss: new MultipleNegativesRankingLoss(), batchSize: 2, learningRate: 0, maxSteps: 1 };

describe('initialRows', () => {
  test('normal is what no option gives, to the bit', async () => {
    expect((await (await create('normal')).encode(words)).data).toEqual(normal);
  });

  const columns = { anchor: rows.map(({ anchor }) => anchor), positive: rows.map(({ positive }) => positive) };
  const bytes = texts.map((text) => Buffer.from(text));
  const utf8 = {
    data: Buffer.concat(bytes),
    offsets: Int32Array.from([0, 1, 2, 3, 4], (n) => Buffer.concat(bytes.slice(0, n)).length),
  };
  async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
    for (const item of items) yield await Promise.resolve(item);
  }

  test.each<[string, () => Extract<InitialRows, object>['idf']]>([
    ['an array of texts', () => texts],
    ['texts in UTF-8', () => utf8],
    ['an iterable of texts', () => new Set(texts)],
    ['an async iterable of texts', () => streamOf(texts)],
    ['rows', () => rows],
    ['columns', () => columns],
    ['an iterable of rows', () => new Set(rows)],
    ['an async iterable of rows', () => streamOf(rows)],
    ['rows with labels', () => rows.map((row, i) => ({ ...row, label: i / 2 }))],
    [
      'several datasets',
      () => ({ first: rows.slice(0, 1), second: { text: columns.anchor.slice(1), b: ['the cat'] } }),
    ],
  ])('%s scales each row by the idf of its token', async (_, given) => {
    await expectIdfRows(await create({ idf: given(), scale: 3 }), 3);
  });

  test('the scale is 5 unless another is given', async () => {
    await expectIdfRows(await create({ idf: texts }), 5);
  });

  test('fit does the same before its first step', async () => {
    const model = await create();
    await model.fit({ ...noStep, trainDataset: rows, initialize: 'idf' });
    await expectIdfRows(model, 5);
    const other = await create();
    const halves = { a: [...rows, ...rows], b: [...rows, ...rows] };
    await other.fit({ ...noStep, batchSampler: 'sequential', trainDataset: halves, initialize: { scale: 2 } });
    // 16 texts, of which as many have each word: the idf of all datasets together.
    const fox = (await other.encode('fox'))[0] ?? NaN;
    expect(fox / (normal[2 * dim] ?? NaN)).toBeCloseTo(2 * (Math.log(17 / 9) + 1), 5);
  });

  test('the token cache that it writes is the one that fit takes, and the other way round', async () => {
    const file = path.join(folder, 'pairs.jsonl');
    const cache = `${file}.stillvec-tokens`;
    writeFileSync(file, rows.map((row, i) => JSON.stringify({ ...row, score: i / 2 })).join('\n'));
    const dataset = readDatasetFile(file, { tokenCache: true });
    const loss = new CoSENTLoss();
    await expectIdfRows(await create({ idf: dataset, scale: 3 }), 3);
    const written = readFileSync(cache);
    const model = await create();
    await model.fit({ ...noStep, loss, trainDataset: dataset, initialize: 'idf' });
    await expectIdfRows(model, 5);
    expect(readFileSync(cache)).toEqual(written);

    rmSync(cache);
    await model.fit({ ...noStep, loss, trainDataset: dataset });
    expect(existsSync(cache)).toBe(true);
    const again = readFileSync(cache);
    await create({ idf: dataset });
    expect(readFileSync(cache)).toEqual(again);
  });

  test('tells how many texts are tokenized', async () => {
    const many = Array.from({ length: 10000 }, (_, i) => `number ${i}`);
    const told: { done: number; total: number }[] = [];
    await SentenceTransformer.create({
      tokenizer,
      dim,
      initialRows: { idf: many },
      onProgress: (progress) => told.push(progress),
    });
    expect(told.at(-1)).toEqual({ done: 10000, total: 10000 });
  });

  test('an aborted create rejects with the reason, before and amid the texts', async () => {
    const before = AbortSignal.abort(new Error('before'));
    await expect(
      SentenceTransformer.create({ tokenizer, dim, initialRows: { idf: texts }, signal: before }),
    ).rejects.toThrow('before');
    const controller = new AbortController();
    function* endless(): Generator<string> {
      for (let i = 0; ; ++i) {
        if (i === 20000) controller.abort(new Error('amid'));
        yield 'the fox';
      }
    }
    await expect(
      SentenceTransformer.create({ tokenizer, dim, initialRows: { idf: endless() }, signal: controller.signal }),
    ).rejects.toThrow('amid');
  });

  test.each<[string, unknown, RegExp]>([
    ['a name that is none', 'uniform', /expected 'normal' or an object .* for initialRows but received "uniform"/],
    ['null', null, /for initialRows but received null/],
    ['an object without texts', { scale: 5 }, /expected 'normal' or an object .* for initialRows/],
    [
      'an option that is none',
      { idf: texts, scales: 5 },
      /unknown option scales for initialRows: did you mean scale\?/,
    ],
    [
      'texts that are one',
      { idf: 'the fox' },
      /an array of texts or a dataset for initialRows\.idf but received "the fox"/,
    ],
    ['no texts', { idf: [] }, /at least one text in initialRows\.idf but it is empty/],
    ['no rows', { idf: new Set() }, /at least one row in initialRows\.idf but it is empty/],
    ['a text that is none', { idf: ['the fox', 7] }, /a string for initialRows\.idf\[1\] but received 7/],
    ['a cell that is none', { idf: [{ a: 'x' }, { a: 7 }] }, /initialRows\.idf\[1\]\.a/],
    ['a column of numbers', { idf: [{ a: 'x', year: 7 }] }, /no role fits the column "year" of initialRows\.idf/],
    ['a scale of 0', { idf: texts, scale: 0 }, /initialRows\.scale/],
    ['a scale of infinity', { idf: texts, scale: Infinity }, /initialRows\.scale/],
    ['a scale that is a string', { idf: texts, scale: '5' }, /initialRows\.scale/],
  ])('refuses %s', async (_, initialRows, message) => {
    const made = create(initialRows as InitialRows);
    await expect(made).rejects.toThrow(message);
    await expect(made).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(INVALID_ARG|OUT_OF_RANGE)/) });
  });

  test.each<[string, unknown, RegExp]>([
    ['a name that is none', 'normal', /'idf' or an object such as \{ scale: 5 \} for initialize/],
    ['an option that is none', { scale: 5, idf: [] }, /unknown option idf for initialize/],
    ['a negative scale', { scale: -1 }, /initialize\.scale/],
    ['no scale', {}, /initialize\.scale/],
  ])('fit refuses %s', async (_, initialize, message) => {
    const model = await create();
    const options = { ...noStep, trainDataset: rows, initialize } as FitOptions;
    await expect(model.fit(options)).rejects.toThrow(message);
  });

  test('a run does not go on as one with another start', async () => {
    const run = { ...noStep, trainDataset: rows, epochs: 2, outputDir: path.join(folder, 'run') };
    await (await create()).fit({ ...run, initialize: 'idf' });
    const resumed = create().then((model) =>
      model.fit({ ...run, maxSteps: 2, initialize: { scale: 4 }, resumeFromCheckpoint: true }),
    );
    await expect(resumed).rejects.toThrow(/with initialize \{"scale":5\}, but this one has \{"scale":4\}/);
  });
});
