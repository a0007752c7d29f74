import { describe, expect, test } from '@jest/globals';
import {
  Embeddings,
  quantizationRanges,
  quantizeEmbeddings,
  quantizeEmbeddingsAsync,
  semanticSearch,
  type EmbeddingsInput,
} from 'stillvec';

const [rows, dim] = [400, 21];
/** Numbers that f32 holds, some of them far out. */
const values = Float32Array.from({ length: rows * dim }, (_, i) => Math.sin(i * 12.9898) * (1 + (i % 7)) - (i % 3));
const embeddings = { data: values, shape: [rows, dim] } as const;

/** The steps of the definition, in f32 as numpy takes them. */
function steps(x: Float32Array, ranges: Float32Array): number[] {
  return Array.from(x, (value, i) => {
    const [min, max] = [ranges[i % dim]!, ranges[dim + (i % dim)]!];
    const step = Math.fround(Math.fround(max - min) / 255);
    const q = Math.floor(Math.fround(Math.fround(value - min) / (step === 0 ? 1 : step)));
    return Math.min(255, Math.max(0, q));
  });
}

describe('int8 and uint8', () => {
  const ranges = quantizationRanges(embeddings);

  test('ranges are the least and the greatest value of each dimension', () => {
    expect(ranges.shape).toEqual([2, dim]);
    for (let column = 0; column < dim; ++column) {
      const all = Array.from({ length: rows }, (_, row) => values[row * dim + column]!);
      expect([ranges.row(0)[column], ranges.row(1)[column]]).toEqual([Math.min(...all), Math.max(...all)]);
    }
  });

  test.each(['int8', 'uint8'] as const)('%s rows are steps of the ranges', async (precision) => {
    const offset = precision === 'int8' ? 128 : 0;
    const found = quantizeEmbeddings(embeddings, { precision });
    expect(found).toBeInstanceOf(Embeddings);
    expect([found.precision, found.shape]).toEqual([precision, [rows, dim]]);
    expect(Array.from(found.data, (value) => value + offset)).toEqual(steps(values, ranges.data));
    expect(await quantizeEmbeddingsAsync(embeddings, { precision })).toEqual(found);
  });

  test('a single query and later documents are cut by the ranges of the corpus', () => {
    const query = values.subarray(5 * dim, 6 * dim);
    const whole = quantizeEmbeddings(embeddings, { precision: 'int8' });
    const forms: EmbeddingsInput[] = [ranges, [...ranges], ranges.toArray()];
    for (const form of forms) {
      expect(quantizeEmbeddings(query, { precision: 'int8', ranges: form }).data).toEqual(whole.row(5));
    }
    expect(quantizeEmbeddings(query, { precision: 'int8', calibration: embeddings }).data).toEqual(whole.row(5));
    const later = query.map((value) => 3 * value);
    const found = quantizeEmbeddings([later], { precision: 'uint8', ranges });
    expect(Array.from(found.data)).toEqual(steps(later, ranges.data));
    expect(Math.max(...found.data)).toBe(255);
  });

  test('a dimension of one value has steps of 1', () => {
    const flat = quantizeEmbeddings([[2], [2]], { precision: 'uint8' });
    expect(Array.from(flat.data)).toEqual([0, 0]);
    expect(Array.from(quantizeEmbeddings([[4.5]], { precision: 'uint8', ranges: [[2], [2]] }).data)).toEqual([2]);
  });
});

test.each(['binary', 'ubinary'] as const)('%s rows are signs, and need no ranges', async (precision) => {
  const found = quantizeEmbeddings(embeddings, { precision });
  expect([found.precision, found.shape]).toEqual([precision, [rows, 3]]);
  const bit = (row: number, column: number): number =>
    ((found.row(row)[column >> 3]! + (precision === 'binary' ? 128 : 0)) >> (7 - (column & 7))) & 1;
  for (let i = 0; i < values.length; ++i) expect(bit(Math.floor(i / dim), i % dim)).toBe(values[i]! > 0 ? 1 : 0);
  expect(quantizeEmbeddings(values.subarray(0, dim), { precision }).data).toEqual(found.row(0));
  expect(await quantizeEmbeddingsAsync(embeddings, { precision })).toEqual(found);
});

test('many embeddings are quantized on the pool, to the same bytes', async () => {
  const many = { data: Float32Array.from({ length: 3000 * 400 }, (_, i) => Math.sin(i)), shape: [3000, 400] } as const;
  for (const precision of ['int8', 'ubinary'] as const) {
    const found = await quantizeEmbeddingsAsync(many, { precision });
    expect(Buffer.from(found.data).equals(Buffer.from(quantizeEmbeddings(many, { precision }).data))).toBe(true);
  }
  const ranges = quantizationRanges(many);
  const few = { data: many.data.subarray(0, 400), shape: [1, 400] } as const;
  const one = await quantizeEmbeddingsAsync(few, { precision: 'int8', calibration: many });
  expect(one).toEqual(quantizeEmbeddings(few, { precision: 'int8', ranges }));
  const reason = new Error('enough');
  const aborted = { precision: 'int8', signal: AbortSignal.abort(reason) } as const;
  await expect(quantizeEmbeddingsAsync(many, aborted)).rejects.toBe(reason);
});

test('none are quantized to none', () => {
  const none = { data: new Float32Array(0), shape: [0, 12] } as const;
  expect(quantizeEmbeddings(none, { precision: 'int8' }).shape).toEqual([0, 12]);
  expect(quantizeEmbeddings(none, { precision: 'binary' }).shape).toEqual([0, 2]);
});

test('what was quantized is searched', () => {
  const corpus = quantizeEmbeddings(embeddings, { precision: 'int8' });
  const query = quantizeEmbeddings(values.subarray(0, dim), { precision: 'int8', calibration: embeddings });
  expect(semanticSearch(query, corpus, { topK: 1 })[0]![0]!.corpusId).toBe(0);
});

describe('wrong input', () => {
  const ok = [[1, 2], [3, 5]]; // prettier-ignore

  test.each<[string, unknown, unknown, RegExp]>([
    ['no options', ok, undefined, /an object such as \{ precision: 'int8' \} for options.*undefined/],
    ['no precision', ok, {}, /one of 'int8', 'uint8', 'binary', 'ubinary' for precision.*undefined/],
    ['float32', ok, { precision: 'float32' }, /precision.*"float32"/],
    ['no embeddings', 5, { precision: 'int8' }, /for embeddings.*5/],
    ['what is quantized already', { data: new Int8Array(4), shape: [2, 2] }, { precision: 'binary' }, /float32.*int8/],
    ['ranges of another width', ok, { precision: 'int8', ranges: [[1], [2]] }, /2 x 2 values for ranges.*2 x 1/],
    ['three ranges', ok, { precision: 'int8', ranges: [...ok, [1, 2]] }, /2 x 2 values for ranges.*3 x 2/],
    ['ranges upside down', ok, { precision: 'int8', ranges: [[1, 2], [1, 0]] }, /column 1 for ranges.*2 and 0/], // prettier-ignore
    ['ranges without an end', ok, { precision: 'int8', ranges: [[1, 2], [Infinity, 3]] }, /column 0.*1 and Infinity/], // prettier-ignore
    ['ranges that are no numbers', ok, { precision: 'int8', ranges: [[1, NaN], [1, 3]] }, /column 1.*NaN and 3/], // prettier-ignore
    [
      'calibration of another width',
      ok,
      { precision: 'int8', calibration: [[1]] },
      /embeddings and calibration.*2 and 1/,
    ],
    ['calibration by nothing', ok, { precision: 'int8', calibration: [] }, /at least one embedding for calibration/],
    ['both', ok, { precision: 'int8', ranges: ok, calibration: ok }, /ranges or calibration but received both/],
    [
      'one embedding without either',
      [[1, 2]],
      { precision: 'int8' },
      /ranges or calibration for one embedding.*neither/,
    ],
    [
      'a name of Python',
      ok,
      { precision: 'int8', calibrationEmbeddings: ok },
      /calibrationEmbeddings.*its name is calibration/,
    ],
    ['a misspelt option', ok, { precision: 'int8', range: ok }, /unknown option range.*did you mean ranges/],
  ])('%s', async (_, input, options, message) => {
    const refused = expect.objectContaining({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
    expect(() => quantizeEmbeddings(input as never, options as never)).toThrow(refused);
    await expect(quantizeEmbeddingsAsync(input as never, options as never)).rejects.toEqual(refused);
  });

  test('a signal for what blocks, or no signal', async () => {
    const signal = AbortSignal.abort();
    const options = { precision: 'int8', signal } as const;
    expect(() => quantizeEmbeddings(ok, options)).toThrow(/quantizeEmbeddingsAsync has it/);
    await expect(quantizeEmbeddingsAsync(ok, { precision: 'int8', signal: 5 as never })).rejects.toThrow(/signal.*5/);
  });

  test('ranges of nothing', () => {
    expect(() => quantizationRanges([])).toThrow(/at least one embedding but received none/);
  });
});
