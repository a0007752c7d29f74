import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer, type Embeddings, type EmbeddingsInput, type SimilarityFunction } from 'stillvec';

import { writeTinyTokenizer } from './support/tiny-tokenizer';

const folder = mkdtempSync(`${tmpdir()}/stillvec-similarity-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dim = 48;
const functions: readonly SimilarityFunction[] = ['cosine', 'dot', 'euclidean', 'manhattan'];
const models = new Map<SimilarityFunction, SentenceTransformer>();
let corpus: Embeddings;
let queries: Embeddings;

beforeAll(async () => {
  const tokenizer = writeTinyTokenizer(folder);
  for (const similarity of functions) {
    models.set(similarity, await SentenceTransformer.create({ tokenizer, dim, seed: 7, similarity }));
  }
  const model = models.get('cosine')!;
  corpus = await model.encode(Array.from({ length: 3000 }, (_, i) => `the fox number ${i} jumps`));
  queries = await model.encode(Array.from({ length: 70 }, (_, i) => `number ${37 * i}`));
});

/** The same rows in every form in which they may be given. */
function forms(rows: Embeddings): [string, EmbeddingsInput][] {
  return [
    ['as encode gave them', rows],
    ['in memory of the caller', { data: rows.data.slice(), shape: rows.shape }],
    ['as typed arrays', [...rows]],
    ['as plain arrays', rows.toArray()],
  ];
}

/** `toEqual` takes seconds for a million numbers. */
function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));
}

describe.each(functions)('%s', (name) => {
  test('is the same at once and on the pool, in whatever form the rows come', async () => {
    const model = models.get(name)!;
    const matrix = model.similarity(queries, corpus);
    const half = { data: corpus.data.subarray(0, 70 * dim), shape: [70, dim] } as const;
    const pairs = model.similarityPairwise(queries, half);
    const hits = model.searchTopKSync(queries, corpus, 10);
    expect(matrix.shape).toEqual([70, 3000]);
    for (const [form, rows] of forms(corpus)) {
      expect([form, await model.searchTopK(queries, rows, 10)]).toEqual([form, hits]);
      const { data, shape } = await model.similarityAsync(queries, rows);
      expect([form, shape, sameBits(data, matrix.data)]).toEqual([form, matrix.shape, true]);
    }
    for (const [form, rows] of forms(queries)) {
      expect([form, sameBits(await model.similarityPairwiseAsync(rows, half), pairs)]).toEqual([form, true]);
    }
  });
});

test('rows in part of a result are searched where they lie', async () => {
  const model = models.get('dot')!;
  const part = { data: corpus.data.subarray(1000 * dim, 3000 * dim), shape: [2000, dim] } as const;
  const copy = { data: part.data.slice(), shape: part.shape };
  expect(await model.searchTopK(queries, part, 7)).toEqual(model.searchTopKSync(queries, copy, 7));
});

test('a search settles at once when it is aborted', async () => {
  const model = models.get('cosine')!;
  const large = await model.encode(Array.from({ length: 8000 }, (_, i) => `the fox number ${i} jumps`));
  const reason = new Error('changed my mind');
  const controller = new AbortController();
  const calls = [
    model.searchTopK(large, large, 10, { signal: controller.signal }),
    model.similarityAsync(large, large, { signal: controller.signal }),
  ];
  const settled = calls.map((call) => call.catch((error: unknown) => error));
  await new Promise(setImmediate);
  controller.abort(reason);
  expect(await Promise.all(settled)).toEqual([reason, reason]);
  const already = { signal: AbortSignal.abort(reason) };
  await expect(model.searchTopK(queries, corpus, 1, already)).rejects.toBe(reason);
  await expect(model.similarityAsync(queries, corpus, already)).rejects.toBe(reason);
  await expect(model.similarityPairwiseAsync(queries, queries, already)).rejects.toBe(reason);
});

test('a result that no memory can hold is refused', async () => {
  const model = models.get('cosine')!;
  const many = { data: new Float32Array(150_000), shape: [150_000, 1] } as const;
  expect(() => model.similarity(many, many)).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_MEMORY' }));
  await expect(model.similarityAsync(many, many)).rejects.toMatchObject({ code: 'ERR_OUT_OF_MEMORY' });
});

describe('wrong input', () => {
  test.each<[string, unknown, RegExp]>([
    ['an array of another kind', { data: new Float64Array(4), shape: [2, 2] }, /corpus\.data.*Float64Array/],
    [
      'a precision of another array',
      { data: new Int8Array(4), shape: [2, 2], precision: 'ubinary' },
      /Uint8Array of ubinary/,
    ],
    ['an unknown precision', { data: new Int8Array(4), shape: [2, 2], precision: 'int4' }, /corpus\.precision.*"int4"/],
    [
      'a shape that is not of the data',
      { data: new Float32Array(6), shape: [2, 2] },
      /6 values of corpus\.data.*\[2, 2\]/,
    ],
    ['a shape of three', { data: new Float32Array(4), shape: [2, 2, 1] }, /corpus\.shape/],
    ['a negative shape', { data: new Float32Array(4), shape: [-2, -2] }, /corpus\.shape/],
    ['no shape', { data: new Float32Array(4), shape: undefined }, /corpus\.shape/],
    ['vectors of two lengths', [[1, 2], [1]], /corpus\[1\]/],
    [
      'a vector with a hole',
      [
        [1, 2],
        [1, ,],
      ],
      /corpus\[1\]/,
    ],
    ['a missing vector', [[1, 2], undefined], /corpus\[1\]/],
    [
      'text among the numbers',
      [
        [1, 2],
        [1, '2'],
      ],
      /corpus\[1\]\[1\]/,
    ],
    ['vectors of another width', [[1, 2, 3]], /one dimension.*2 and 3/],
    ['a number', 3, /corpus/],
  ])('%s', async (_, rows, message) => {
    const model = models.get('cosine')!;
    const refused = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(message) };
    expect(() => model.searchTopKSync([[1, 2]], rows as never, 1)).toThrow(expect.objectContaining(refused));
    await expect(model.searchTopK([[1, 2]], rows as never, 1)).rejects.toMatchObject(refused);
  });
});

describe('of quantized embeddings', () => {
  const bits = 64;
  const precisions = ['int8', 'uint8', 'binary', 'ubinary'] as const;

  test.each(precisions)('%s rows are scored by their values', async (precision) => {
    const left = await models.get('dot')!.encode(textsOf(70), { precision });
    const right = await models.get('dot')!.encode(textsOf(150), { precision });
    for (const name of functions) {
      const model = models.get(name)!;
      const [x, y] = [valuesOf(left), valuesOf(right)];
      const expected = model.similarity(x, y);
      const found = model.similarity(left, right);
      expect(found.shape).toEqual([70, 150]);
      const tolerance = name === 'cosine' ? 1e-6 : 1e-6 * Math.max(...expected.data.map(Math.abs));
      expect(worstDifference(found.data, expected.data)).toBeLessThanOrEqual(tolerance);
      expect(sameBits((await model.similarityAsync(left, right)).data, found.data)).toBe(true);
      expect(worstDifference(model.similarity(x, right).data, expected.data)).toBeLessThanOrEqual(tolerance);
      const own = model.similarityPairwise(left, left);
      expect(worstDifference(own, model.similarityPairwise(x, x))).toBeLessThanOrEqual(tolerance);
      expect(sameBits(await model.similarityPairwiseAsync(left, left), own)).toBe(true);
    }
  });

  test('bits are compared by how many differ', () => {
    const rows = {
      data: Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0, 0, 0, 0, 0, 0, 0x80),
      shape: [2, 8],
      precision: 'ubinary',
    } as const;
    const expected = { cosine: 1 - (2 * 2) / bits, dot: bits - 2 * 2, euclidean: -Math.sqrt(4 * 2), manhattan: -2 * 2 };
    for (const name of functions) {
      expect(models.get(name)!.similarity(rows, rows).row(0)[1]).toBeCloseTo(expected[name], 5);
    }
  });

  test('rows of two widths are refused', async () => {
    const rows = { data: new Uint8Array(8), shape: [1, 8], precision: 'ubinary' } as const;
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/embeddings1 and embeddings2 of one dimension.*48 and 64/),
    });
    expect(() => models.get('dot')!.similarity(queries, rows)).toThrow(refused);
    await expect(models.get('dot')!.similarityAsync(queries, rows)).rejects.toEqual(refused);
  });

  function textsOf(count: number): string[] {
    return Array.from({ length: count }, (_, i) => `the fox number ${31 * i} jumps`);
  }

  function valuesOf({ data, shape, precision }: Embeddings<(typeof precisions)[number]>): EmbeddingsInput {
    if (precision === 'int8' || precision === 'uint8') return { data: Float32Array.from(data), shape };
    const bytes = Uint8Array.from(data, (byte) => (precision === 'binary' ? byte + 128 : byte));
    const values = Float32Array.from({ length: 8 * bytes.length }, (_, i) =>
      (bytes[i >> 3]! >> (7 - (i & 7))) & 1 ? 1 : -1,
    );
    return { data: values, shape: [shape[0], 8 * shape[1]] };
  }

  function worstDifference(a: Float32Array, b: Float32Array): number {
    return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
  }
});
