import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  InvalidArgumentError,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type EmbeddingArray,
  type EncodeSyncOptions,
  type Precision,
} from 'stillvec';

import { writeTinyTokenizer } from './support/tiny-tokenizer';

const folder = mkdtempSync(`${tmpdir()}/stillvec-prepare-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dim = 48;
let model: SentenceTransformer;
beforeAll(async () => {
  const prompts = { query: 'red ', odd: 'sea \ud800' };
  model = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim, seed: 7, prompts });
});

/** What can be special about a text: nothing in it, beyond Latin-1, half a character, a NUL, about as long as a buffer. */
const texts = [
  '',
  'the red fox',
  'A Fox\u00e9 \u4e2d\u6587 \u{1f600}.',
  'fox \ud83d dog \ude00',
  '\ude00 fox',
  'fox\0dog',
  ...[1018, 1019, 1020, 1021, 1022, 1023, 1024, 1025].map((length) => 'fox dog, '.repeat(200).slice(0, length)),
  ...[1017, 1018, 1019, 1020, 1021].map((length) => `${'fox dog, '.repeat(200).slice(0, length)}\u{1f600} cat`),
  'fox dog '.repeat(1000),
];

describe('a prepared encoder', () => {
  const options: [string, EncodeSyncOptions][] = [
    ['nothing', {}],
    ['truncateDim', { truncateDim: 5 }],
    ['normalizeEmbeddings', { normalizeEmbeddings: true }],
    ['both', { truncateDim: 17, normalizeEmbeddings: true }],
    ['promptName', { promptName: 'query' }],
    ['prompt', { prompt: 'the blue ' }],
    ['a prompt that ends in half a character', { promptName: 'odd' }],
    ['precision binary', { precision: 'binary', truncateDim: 11 }],
    ['precision ubinary', { precision: 'ubinary' }],
    ['precision int8', { precision: 'int8' }],
    ['precision uint8', { precision: 'uint8', normalizeEmbeddings: true }],
  ];

  test.each(options)('gives the bits of encode with %s', async (_, given) => {
    const prepared = model.prepare(given);
    const expected = model.encodeSync(texts, given);
    for (const embeddings of [prepared.encodeSync(texts), await prepared.encode(texts)]) {
      expect([embeddings.shape, embeddings.precision]).toEqual([expected.shape, expected.precision]);
      expect(embeddings.data).toEqual(expected.data);
    }
    if (given.precision === 'int8' || given.precision === 'uint8') return;
    for (const [i, text] of texts.entries()) {
      expect(prepared.encodeSync(text)).toEqual(expected.row(i));
      expect(await prepared.encode(text)).toEqual(expected.row(i));
      expect(model.encodeSync(text, given)).toEqual(expected.row(i));
    }
  });

  test('leaves the vectors that it has given out as they are', () => {
    for (const precision of ['float32', 'ubinary'] as const) {
      const prepared = model.prepare({ precision });
      const many = Array.from({ length: 2000 }, (_, i) => `fox ${i}`);
      const rows = many.map((text) => prepared.encodeSync(text));
      const expected = model.encodeSync(many, { precision });
      expect(rows.every((row, i) => row.join() === expected.row(i).join())).toBe(true);
      expect(new Set(rows.map(({ buffer }) => buffer)).size).toBeLessThan(20);
      for (const { buffer } of rows) expect(buffer.byteLength).toBeLessThanOrEqual(1 << 16);
    }
  });

  test('alone shares buffers: the vectors of the model have one each', async () => {
    expect(model.encodeSync('fox').buffer.byteLength).toBe(4 * dim);
    expect((await model.encode('fox')).buffer.byteLength).toBe(4 * dim);
  });

  test('writes to out, where there is one, every time', () => {
    const out = new Float32Array(2 * dim);
    const prepared = model.prepare({ out });
    const first = prepared.encodeSync('the red fox');
    expect(first.buffer).toBe(out.buffer);
    expect(first).toEqual(model.encodeSync('the red fox'));
    expect(prepared.encodeSync('a dog')).toEqual(model.encodeSync('a dog'));
    expect(first).toEqual(model.encodeSync('a dog'));
    expect(prepared.encodeSync(['a', 'b']).data.buffer).toBe(out.buffer);
    expect(() => prepared.encodeSync(['a', 'b', 'c'])).toThrow(/a Float32Array of at least 144 elements for out/);
    structuredClone(out, { transfer: [out.buffer] });
    expect(() => prepared.encodeSync('a')).toThrow(InvalidArgumentError);
  });

  test('follows the model to the table that training makes', async () => {
    const trained = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim, seed: 7 });
    const prepared = trained.prepare();
    const before = prepared.encodeSync('the red fox');
    const trainDataset = { anchor: ['fox', 'dog', 'sea'], positive: ['red fox', 'a dog', 'blue sea'] };
    await trained.fit({ trainDataset, loss: new MultipleNegativesRankingLoss(), batchSize: 3, epochs: 2 });
    const after = prepared.encodeSync('the red fox');
    expect(after).not.toEqual(before);
    expect(after).toEqual(trained.encodeSync('the red fox'));
    expect((await prepared.encode(['the red fox'])).data).toEqual(after);
  });

  test.each<[string, EncodeSyncOptions, RegExp]>([
    ['a misspelt option', { normalise: true } as never, /unknown option normalise for prepare/],
    ['what belongs to a call', { signal: 1 } as never, /unknown option signal for prepare.*encode has it/],
    ['too many dims', { truncateDim: dim + 1 }, /truncateDim/],
    ['no boolean', { normalizeEmbeddings: 1 as never }, /normalizeEmbeddings/],
    ['an unknown precision', { precision: 'int4' as never }, /precision/],
    ['an unknown prompt', { promptName: 'passage' }, /promptName/],
    ['an out of another type', { out: new Uint8Array(dim) }, /Float32Array.* for out/],
    ['an out without room for a row', { out: new Float32Array(dim - 1) }, /at least 48 elements for out/],
    ['no object', 3 as never, /the options of prepare/],
  ])('is not made with %s', (_, given, message) => {
    expect(() => model.prepare(given)).toThrow(InvalidArgumentError);
    expect(() => model.prepare(given)).toThrow(message);
  });

  test('refuses what is no text, and one text for a range of many', async () => {
    const prepared = model.prepare();
    expect(() => prepared.encodeSync(3 as never)).toThrow(/for texts but received 3/);
    expect(() => prepared.encodeSync(['a', 3] as never)).toThrow(/for texts\[1\] but received 3/);
    await expect(prepared.encode(3 as never)).rejects.toThrow(InvalidArgumentError);
    for (const precision of ['int8', 'uint8'] as const satisfies Precision[]) {
      expect(() => model.prepare({ precision }).encodeSync('fox')).toThrow(/expected several texts/);
      await expect(model.prepare({ precision }).encode('fox')).rejects.toThrow(/expected several texts/);
    }
  });

  test('takes columns of UTF-8, as encode does', () => {
    const column = { data: Buffer.from('the red foxa dog'), offsets: Int32Array.of(0, 11, 16) };
    expect(model.prepare().encodeSync(column).data).toEqual(model.encodeSync(['the red fox', 'a dog']).data);
  });

  test('has rows that can be kept and compared like any others', () => {
    const vectors: EmbeddingArray<'float32'>[] = ['fox', 'red fox'].map((text) => model.prepare().encodeSync(text));
    expect(model.similarity(vectors[0]!, vectors).data).toEqual(
      model.similarity(model.encodeSync('fox'), model.encodeSync(['fox', 'red fox'])).data,
    );
  });
});
