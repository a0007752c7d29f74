import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type CreateOptions,
  type FitOptions,
  type PoolingOptions,
} from 'stillvec';

import { tinyVocabulary, writeTinyTokenizer } from './support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-pooling-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dim = 24;
let tokenizer: string;
let plain: SentenceTransformer;
const create = (options: Partial<CreateOptions> = {}): Promise<SentenceTransformer> =>
  SentenceTransformer.create({ tokenizer, dim, ...options });
beforeAll(async () => {
  tokenizer = writeTinyTokenizer(folder);
  plain = await create();
});

const texts = ['the fox, the dog, the cat.', 'the the the the red sea sea', 'fox', '', 'a , . the'];

/** The embedding of a text by the definition, from the rows that single tokens have. */
function pooled(text: string, weigh: (count: number) => number, excluded: readonly string[]): number[] {
  const counts = new Map<string, number>();
  for (const id of plain.tokenize([text]).ids) {
    const token = tinyVocabulary[id] ?? '';
    if (!excluded.includes(token)) counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  const sums = Array.from({ length: dim }, () => 0);
  let total = 0;
  for (const [token, count] of counts) {
    total += weigh(count);
    for (const [c, value] of plain.encodeSync(token).entries()) sums[c]! += weigh(count) * value;
  }
  return sums.map((sum) => (total === 0 ? 0 : sum / total));
}

const settings: [PoolingOptions, (count: number) => number, readonly string[]][] = [
  [{ pooling: 'mean' }, (count) => count, []],
  [{ pooling: 'sqrt' }, Math.sqrt, []],
  [{ excludeTokens: ['the', ','] }, (count) => count, ['the', ',']],
  [{ pooling: 'sqrt', excludeTokens: 'punctuation' }, Math.sqrt, ['.', ',']],
];

describe.each(settings)('%j', (options, weigh, excluded) => {
  const expectPooled = (rows: readonly (readonly number[])[], of: readonly string[]): void => {
    for (const [i, text] of of.entries()) {
      for (const [c, value] of pooled(text, weigh, excluded).entries()) expect(rows[i]![c]).toBeCloseTo(value, 5);
    }
    expect(rows).toHaveLength(of.length);
  };

  test('is what every way to encode computes', async () => {
    const model = await create(options);
    expect([model.pooling, model.excludeTokens]).toEqual([options.pooling ?? 'mean', excluded]);
    expectPooled((await model.encode(texts)).toArray(), texts);
    expectPooled(model.encodeSync(texts).toArray(), texts);
    for (const text of texts) expectPooled([[...model.encodeSync(text)]], [text]);
    const bytes = { data: Buffer.from('the the fox.red, red.'), offsets: Int32Array.of(0, 12, 21) };
    expectPooled((await model.encode(bytes)).toArray(), ['the the fox.', 'red, red.']);
    for await (const embeddings of model.encodeStream(texts)) expectPooled(embeddings.toArray(), texts);
    // Enough for the threads of the pool.
    const many = Array.from({ length: 1000 }, () => texts).flat();
    expectPooled((await model.encode(many)).toArray().slice(-texts.length), texts);
  });

  test('is kept by save and load, by checkpoints, and through fit', async () => {
    const model = await create(options);
    const outputDir = path.join(folder, 'run');
    await model.fit({ ...usual, outputDir, saveSteps: 5 });
    await model.save(path.join(folder, 'saved'));
    for (const saved of [path.join(folder, 'saved'), path.join(outputDir, 'checkpoint-10')]) {
      const again = await SentenceTransformer.load(saved);
      expect([again.pooling, again.excludeTokens]).toEqual([model.pooling, model.excludeTokens]);
      expect((await again.encode(texts)).data).toEqual((await model.encode(texts)).data);
    }
  });

  test('is the pooling of another kind of tokenizer, too', async () => {
    const words = writeWordLevel();
    const [given, rows] = [await create({ ...options, tokenizer: words }), await create({ tokenizer: words })];
    const [mixed = []] = (await given.encode(['the fox the , .', 'the'])).toArray();
    const [the, fox, comma, stop] = (await rows.encode(['the', 'fox', ',', '.'])).toArray();
    const weights = [2, 1, 1, 1].map((count, i) =>
      excluded.includes(['the', 'fox', ',', '.'][i]!) ? 0 : weigh(count),
    );
    const total = weights.reduce((sum, weight) => sum + weight);
    for (const [c, value] of mixed.entries()) {
      const sum = [the, fox, comma, stop].reduce((sum, row, i) => sum + weights[i]! * row![c]!, 0);
      expect(value).toBeCloseTo(sum / total, 5);
    }
  });
});

/** A tokenizer.json of whole words. */
function writeWordLevel(): string {
  const file = path.join(folder, 'words.json');
  const vocab = { '[UNK]': 0, the: 1, fox: 2, ',': 3, '.': 4 };
  const model = { type: 'WordLevel', unk_token: '[UNK]', vocab };
  writeFileSync(file, JSON.stringify({ version: '1.0', pre_tokenizer: { type: 'WhitespaceSplit' }, model }));
  return file;
}

const loss = new MultipleNegativesRankingLoss();
const nouns = ['fox', 'dog', 'cat', 'sea', 'number'];
const trainDataset = nouns.flatMap((a) =>
  nouns.map((b) => ({ anchor: `${a} ${b} red`, positive: `the ${b}, the ${a}.` })),
);
const usual: FitOptions = { trainDataset, loss, batchSize: 5, epochs: 2, learningRate: 0.05 };

/** The table after a training, as far as texts show it, and the loss of the dataset by it. */
async function trained(pooling: PoolingOptions, rows: typeof trainDataset): Promise<[string, number | undefined]> {
  const model = await create(pooling);
  const { evaluations } = await model.fit({ ...usual, trainDataset: rows, evalDataset: rows, evalStrategy: 'epoch' });
  const metrics = evaluations.at(-1)?.metrics ?? {};
  return [(await model.encode(tinyVocabulary.slice(2, 20))).data.join(), metrics['eval_loss']];
}

const without = (pattern: RegExp): typeof trainDataset =>
  trainDataset.map(({ anchor, positive }) => ({ anchor, positive: positive.replace(pattern, '') }));

test('training and its losses leave excluded tokens out, as if no text had them', async () => {
  expect(await trained({ excludeTokens: ['the', ',', '.'] }, trainDataset)).toEqual(
    await trained({ excludeTokens: ['the', ',', '.'] }, without(/the |[,.]/g)),
  );
  const model = await create({ excludeTokens: ['the'] });
  await model.fit(usual);
  const saved = path.join(folder, 'excluded');
  await model.save(saved);
  const shown = await SentenceTransformer.load(saved, { excludeTokens: [] });
  expect(await shown.encode('the')).toEqual(await plain.encode('the'));
  expect(await shown.encode('fox')).not.toEqual(await plain.encode('fox'));
});

test('training goes by the weights: it differs where tokens repeat, and only there', async () => {
  const [[mean, meanLoss], [sqrt, sqrtLoss]] = [
    await trained({ pooling: 'mean' }, trainDataset),
    await trained({ pooling: 'sqrt' }, trainDataset),
  ];
  expect(sqrt).not.toBe(mean);
  expect(sqrtLoss).not.toBe(meanLoss);
  expect(meanLoss).toBeGreaterThan(0);
  const distinct = trainDataset
    .filter((_, i) => i % 6 !== 0)
    .map(({ anchor }) => ({ anchor, positive: `a ${anchor}` }));
  expect(await trained({ pooling: 'sqrt' }, distinct)).toEqual(await trained({ pooling: 'mean' }, distinct));
});

test('a run is gone on with by its own pooling only', async () => {
  const outputDir = path.join(folder, 'resumed');
  await (
    await create({ pooling: 'sqrt', excludeTokens: ['the'] })
  ).fit({ ...usual, outputDir, saveSteps: 4, saveTotalLimit: 3 });
  const resume = async (options: PoolingOptions): Promise<unknown> =>
    (await create(options)).fit({ ...usual, resumeFromCheckpoint: path.join(outputDir, 'checkpoint-4') });
  await expect(resume({ excludeTokens: ['the'] })).rejects.toThrow(/pooling "sqrt", but this one has "mean"/);
  await expect(resume({ pooling: 'sqrt' })).rejects.toThrow(/excludedIds/);
  await expect(resume({ pooling: 'sqrt', excludeTokens: ['the'] })).resolves.toMatchObject({ epoch: 2 });
});

test('load takes another pooling than the folder has, and save keeps that', async () => {
  const saved = path.join(folder, 'other');
  await (await create({ pooling: 'sqrt', excludeTokens: ['the'] })).save(saved);
  const mean = await SentenceTransformer.load(saved, { pooling: 'mean' });
  expect([mean.pooling, mean.excludeTokens]).toEqual(['mean', ['the']]);
  const all = await SentenceTransformer.load(saved, { pooling: 'mean', excludeTokens: [] });
  expect((await all.encode(texts)).data).toEqual((await plain.encode(texts)).data);
  const [again, first] = ['again', 'first'].map((name) => path.join(folder, name)) as [string, string];
  await all.save(again);
  await plain.save(first);
  const files = ['modules.json', 'model.safetensors', 'config_sentence_transformers.json', 'README.md'];
  for (const name of files) expect(readFileSync(path.join(again, name))).toEqual(readFileSync(path.join(first, name)));
});

test('names tokens by id and by text, each once, in the order given', async () => {
  const [red, the] = plain.tokenize(['red the']).ids;
  const model = await create({ excludeTokens: [red!, 'the', the!, '##a'] });
  expect(model.excludeTokens).toEqual(['red', 'the', '##a']);
  expect(await model.encode('the red fox')).toEqual(await plain.encode('fox'));
});

test('takes marks and signs for punctuation, and also where they go on a word', async () => {
  const marks = ['!', '##!', '...', '$', '+', '«', '「', '##', '▁?', 'Ġ;', 'Ġ"'];
  const others = ['a.', '##a', '[UNK]', '▁', '©', '1', '##2'];
  const vocab = Object.fromEntries([...others, ...marks].map((token, id) => [token, id]));
  const file = path.join(folder, 'marks.json');
  const model = { type: 'WordLevel', unk_token: '[UNK]', vocab };
  writeFileSync(file, JSON.stringify({ version: '1.0', pre_tokenizer: { type: 'WhitespaceSplit' }, model }));
  expect((await create({ tokenizer: file, excludeTokens: 'punctuation' })).excludeTokens).toEqual(marks);
});

test('a model of Model2Vec keeps what it drops, with a pooling of its own', async () => {
  const saved = path.join(folder, 'model2vec');
  mkdirSync(saved);
  await plain.save(saved);
  rmSync(path.join(saved, 'modules.json'));
  const given = await SentenceTransformer.load(saved, { pooling: 'sqrt' });
  expect(given.excludeTokens).toEqual([]);
  const expected = (await given.encode(['the the red 狐 fox', '狐'])).data;
  expect(expected.slice(0, dim)).toEqual(await (await create({ pooling: 'sqrt' })).encode('the the red fox'));
  await given.save(path.join(folder, 'resaved'));
  const again = await SentenceTransformer.load(path.join(folder, 'resaved'));
  expect([again.pooling, again.excludeTokens]).toEqual(['sqrt', ['[UNK]']]);
  expect((await again.encode(['the the red 狐 fox', '狐'])).data).toEqual(expected);
});

describe('refuses', () => {
  const refused: [unknown, string][] = [
    [{ pooling: 'max' }, "expected one of 'mean', 'sqrt' for pooling but received \"max\""],
    [{ pooling: null }, "expected one of 'mean', 'sqrt' for pooling but received null"],
    [{ poolingMode: 'sqrt' }, 'unknown option poolingMode for '],
    [
      { excludeTokens: 'stopwords' },
      "expected 'punctuation' or an array of tokens and ids for excludeTokens but received",
    ],
    [{ excludeTokens: new Set(['the']) }, 'for excludeTokens but received an instance of Set'],
    [{ excludeTokens: ['the', null] }, 'an integer at least 0 for excludeTokens[1] but received null'],
    [{ excludeTokens: [''] }, 'for excludeTokens[0] but received ""'],
    [{ excludeTokens: [-1] }, 'for excludeTokens[0] but received -1'],
    [{ excludeTokens: [1.5] }, 'for excludeTokens[0] but received 1.5'],
    [{ excludeTokens: ['the', 'The'] }, 'for excludeTokens[1] but received "The"'],
    [{ excludeTokens: [100_000] }, 'an id that tokenize gives, for excludeTokens[0] but received 100000'],
  ];
  test.each(refused)('%j', async (options, message) => {
    const expected = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(message) };
    const saved = path.join(folder, 'refusing');
    await plain.save(saved);
    await expect(create(options as PoolingOptions)).rejects.toMatchObject(expected);
    await expect(SentenceTransformer.load(saved, options as PoolingOptions)).rejects.toMatchObject(expected);
  });
});
