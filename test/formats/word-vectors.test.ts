import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { MultipleNegativesRankingLoss, SentenceTransformer, type LoadOptions, type LoadProgress } from 'stillvec';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-words-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const words = ['the', 'red', 'fox', ',', 'caf\u00e9'];
const vectors = [
  [1, -0.5, 0.25],
  [0.125, 2e-3, -1],
  [3.1415927, 0, -2],
  [-7, 8, 9],
  [0.1, 0.2, 0.3],
];
const lines = (end = ''): string[] => words.map((word, i) => `${word} ${vectors[i]!.join(' ')}${end}`);

function binary(end: string): Buffer {
  const entries = words.map((word, i) =>
    Buffer.concat([Buffer.from(`${word} `), Buffer.from(Float32Array.from(vectors[i]!).buffer), Buffer.from(end)]),
  );
  return Buffer.concat([Buffer.from('5 3\n'), ...entries]);
}

let files = 0;
function write(content: string | Uint8Array, extension = '.txt'): string {
  const file = path.join(folder, `${++files}${extension}`);
  writeFileSync(file, content);
  return file;
}
const load = (content: string | Uint8Array, options?: LoadOptions): Promise<SentenceTransformer> =>
  SentenceTransformer.load(write(content), options);

const forms: [string, string | Uint8Array][] = [
  ["GloVe's text", `${lines().join('\n')}\n`],
  ['text without an end of the last line', lines().join('\n')],
  ["fastText's text, with spaces at the ends", `5 3\n${lines(' ').join('\n')}\n`],
  ['text of Windows', `5 3\r\n${lines().join('\r\n')}\r\n`],
  ['text with a byte order mark and an empty line', `\ufeff5 3\n${lines().join('\n')}\n\n`],
  ['binary', binary('')],
  ['binary with line feeds', binary('\n')],
];

describe.each([...forms, ...forms.map(([name, content]) => [`${name}, gzipped`, gzipSync(content)] as const)])(
  '%s',
  (_, content) => {
    test('gives its vectors to whole words', async () => {
      const model = await load(content);
      expect([model.dim, model.vocabSize]).toEqual([3, 6]);
      for (const [i, word] of words.entries()) {
        expect(await model.encode(word)).toEqual(Float32Array.from(vectors[i]!));
      }
      const [mean] = (await model.encode(['The red, caf\u00e9!'])).toArray();
      for (const [c, value] of mean!.entries()) {
        expect(value).toBeCloseTo([0, 1, 3, 4].reduce((sum, i) => sum + vectors[i]![c]!, 0) / 5, 3);
      }
    });
  },
);

test('a model of word vectors is a model like any other', async () => {
  const model = await load(lines().join('\n'), { tableDtype: 'float16' });
  expect(model.info().dtype).toBe('float16');
  const saved = path.join(folder, 'saved');
  await model.save(saved);
  const again = await SentenceTransformer.load(saved);
  expect(await again.encode('the red fox')).toEqual(await model.encode('the red fox'));
  await again.fit({
    trainDataset: [
      { anchor: 'red fox', positive: 'the fox' },
      { anchor: 'the', positive: 'caf\u00e9' },
    ],
    loss: new MultipleNegativesRankingLoss(),
    batchSize: 2,
    epochs: 5,
    learningRate: 0.5,
  });
  expect(await again.encode('red')).not.toEqual(await model.encode('red'));
});

test('words that are cased keep their case', async () => {
  const model = await load('Fox 1 2\nfox 3 4\n');
  expect([await model.encode('Fox'), await model.encode('fox')]).toEqual([
    Float32Array.of(1, 2),
    Float32Array.of(3, 4),
  ]);
});

test("the file's own unknown token counts, and the first of equal words", async () => {
  const model = await load('a 1 2\n<unk> 5 6\na 3 4\n');
  expect([await model.encode('a'), await model.encode('zzz')]).toEqual([Float32Array.of(1, 2), Float32Array.of(5, 6)]);
});

test('words with spaces, of other spaces and of no UTF-8', async () => {
  const content = Buffer.concat([
    Buffer.from('a 1 2\n. . . 3 4\nat name@domain.com 5 6\nx\u00a0y 7 8\n'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(' 9 10\n'),
  ]);
  const model = await load(content);
  expect([model.dim, model.vocabSize]).toEqual([2, 6]);
  expect(await model.encode('\ufffd\ufffd')).toEqual(Float32Array.of(9, 10));
});

test('limit reads the first words', async () => {
  for (const [, content] of forms) expect((await load(content, { limit: 2 })).vocabSize).toBe(3);
});

test('a given tokenizer takes the vectors of the words that its tokens are', async () => {
  const tokenizer = write(
    JSON.stringify({
      model: { type: 'WordLevel', vocab: { none: 0, fox: 1, the: 2 }, unk_token: 'none' },
      pre_tokenizer: { type: 'WhitespaceSplit' },
    }),
    '.json',
  );
  const model = await load(lines().join('\n'), { tokenizer });
  expect(model.vocabSize).toBe(3);
  expect((await model.encode(['the', 'fox', 'red'])).toArray()).toEqual(
    [vectors[0]!, vectors[2]!, [0, 0, 0]].map((row) => [...Float32Array.from(row)]),
  );
});

test('the tokenizer may be that of a model folder', async () => {
  const model = await load(lines().join('\n'));
  const saved = path.join(folder, 'tokenizer');
  await model.save(saved);
  const again = await load('fox 7 8\nred 1 2\n', { tokenizer: saved });
  expect([again.vocabSize, await again.encode('fox')]).toEqual([6, Float32Array.of(7, 8)]);
});

test('a large file comes in pieces, with progress, and can be aborted', async () => {
  const dim = 50;
  const count = 20_000;
  const content = Array.from({ length: count }, (_, i) =>
    [`w${i}`, ...Array.from({ length: dim }, (__, c) => (Math.sin(i * dim + c) * 3).toFixed(5))].join(' '),
  ).join('\n');
  const progress: LoadProgress[] = [];
  const model = await load(content, { onProgress: (each) => progress.push(each) });
  expect(model.vocabSize).toBe(count + 1);
  for (const i of [0, 7_777, count - 1]) {
    const expected = Float32Array.from({ length: dim }, (_, c) => Number((Math.sin(i * dim + c) * 3).toFixed(5)));
    expect(await model.encode(`w${i}`)).toEqual(expected);
  }
  expect(progress.length).toBeGreaterThan(5);
  expect(progress.at(-1)).toEqual({ done: content.length, total: content.length });
  const failing = load(content, {
    onProgress: () => {
      throw new TypeError('of the caller');
    },
  });
  await expect(failing).rejects.toThrow(TypeError);
  const controller = new AbortController();
  const loading = load(content, { signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
  await expect(loading).rejects.toThrow('enough');
});

describe('refuses', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['an empty file', '', 'line 1: expected a word and numbers'],
    ['one word', 'word\n', 'line 1: expected a word and numbers'],
    ['words alone', 'one two\nthree four\n', 'line 1: expected a finite number for column 0 but found "two"'],
    ['a shorter line', 'a 1 2 3\nb 1 2 3\nc 1 2\n', 'line 3: expected a word and 3 numbers but found 2'],
    ['a shorter line below a header', '2 3\na 1 2 3\nb 1 2\n', 'line 3: expected a word and 3 numbers but found 2'],
    ['a longer line', '2 2\na 1 2\nb c 1 x\n', 'line 3: expected a finite number for column 1 but found "x"'],
    ['NaN', 'a 1 2\nb nan 2\n', 'line 2: expected a finite number for column 0 but found "nan"'],
    ['infinity', 'a 1 2\nb 1 1e39\n', 'line 2: expected a finite number for column 1 but found "1e39"'],
    ['a header of no columns', '5 0\na\n', 'line 1: the header gives 0 columns'],
    ['a header alone', '5 3\n', 'word 1: the file ends in it, of 5'],
    ['a binary that is cut short', binary('').subarray(0, 70), 'word 5: the file ends in it, of 5'],
    [
      'a binary with NaN',
      Buffer.concat([Buffer.from('1 1\na '), Buffer.from(Float32Array.of(NaN).buffer)]),
      'word 1: its vector has a number that is not finite',
    ],
  ])('%s', async (_, content, message) => {
    await expect(load(content)).rejects.toMatchObject({
      code: 'ERR_MODEL_CORRUPT',
      message: expect.stringMatching(new RegExp(`^${folder}/\\d+\\.txt: `)),
    });
    await expect(load(content)).rejects.toThrow(message);
  });

  test('a gzip file that is cut short', async () => {
    const content = gzipSync(lines().join('\n'));
    await expect(load(content.subarray(0, -12))).rejects.toMatchObject({ code: 'ERR_IO' });
  });

  test("fastText's own form", async () => {
    await expect(load(Buffer.from([0xba, 0x16, 0x4f, 0x2f, 12, 0, 0, 0]))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('load the .vec file'),
    });
  });

  test('a tokenizer of none of the words, and options of files for a folder', async () => {
    const tokenizer = write(JSON.stringify({ model: { type: 'WordLevel', vocab: { x: 0 }, unk_token: 'x' } }), '.json');
    await expect(load('a 1 2\n', { tokenizer })).rejects.toThrow('has no vector for any token of');
    await expect(SentenceTransformer.load(folder, { limit: 3 })).rejects.toThrow('is a model folder');
  });
});
