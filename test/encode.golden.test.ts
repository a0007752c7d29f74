import { beforeAll, expect, test } from '@jest/globals';
import { SentenceTransformer, type Embeddings, type EncodeOptions, type Precision } from 'stillvec';

import { describeWithShared, materializeModel, readGzippedJson } from './support/shared';

interface Case {
  readonly name: string;
  readonly options: EncodeOptions & {
    readonly model?: string;
    readonly method?: 'encode' | 'encodeQuery' | 'encodeDocument';
  };
  readonly shape: [number, number];
  readonly dtype: 'float32' | 'int8' | 'uint8';
  readonly data: string;
}

interface Goldens {
  readonly texts: string[];
  readonly cases: Case[];
  /** Of rows 0 ... rows - 1 with each other, and pairwise of the first half with the second. */
  readonly similarity: { readonly rows: number } & Record<
    'cosine' | 'dot' | 'euclidean' | 'manhattan',
    { readonly matrix: string; readonly pairwise: string }
  >;
}

function decode(base64: string, dtype: Case['dtype']): Float32Array | Int8Array | Uint8Array {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  if (dtype === 'float32') return new Float32Array(bytes.buffer);
  return dtype === 'int8' ? new Int8Array(bytes.buffer) : bytes;
}

function norm(row: ArrayLike<number>): number {
  return Math.sqrt(Array.from(row).reduce((sum, value) => sum + value * value, 0));
}

/** The greatest error of a row, relative to the row's norm. */
function worstRelativeError(actual: Embeddings, expected: ArrayLike<number>): number {
  let worst = 0;
  const [rows, columns] = actual.shape;
  for (let r = 0; r < rows; ++r) {
    const wanted = Array.from({ length: columns }, (_, c) => expected[r * columns + c]!);
    const scale = norm(wanted) || 1;
    for (const [c, value] of actual.row(r).entries()) worst = Math.max(worst, Math.abs(value - wanted[c]!) / scale);
  }
  return worst;
}

describeWithShared('embeddings of Sentence Transformers', () => {
  const goldens = readGzippedJson('goldens', 'encode', 'expected.json.gz') as Goldens;
  const folders = new Map(
    ['st-v6', 'st-v6-normalize', 'st-v3'].map((name) => [name, materializeModel('goldens', 'encode', name)]),
  );
  const models = new Map<string, SentenceTransformer>();

  beforeAll(async () => {
    for (const [name, folder] of folders) models.set(name, await SentenceTransformer.load(folder));
  });

  async function encode({ options: { model = 'st-v6', method = 'encode', ...options } }: Case) {
    return models.get(model)![method](goldens.texts, options);
  }

  const isFloat = ({ dtype }: Case): boolean => dtype === 'float32';
  const precisionIs =
    (...names: Precision[]) =>
    ({ options }: Case) =>
      names.includes(options.precision ?? 'float32');

  test.each(goldens.cases.filter(isFloat))('$name', async (golden) => {
    const embeddings = (await encode(golden)) as Embeddings;
    expect(embeddings.shape).toEqual(golden.shape);
    expect(worstRelativeError(embeddings, decode(golden.data, 'float32'))).toBeLessThan(1e-5);
  });

  test.each(goldens.cases.filter(precisionIs('int8', 'uint8')))('$name', async (golden) => {
    const embeddings = await encode(golden);
    const expected = decode(golden.data, golden.dtype);
    expect(embeddings.shape).toEqual(golden.shape);
    expect(embeddings.data.constructor.name).toBe(expected.constructor.name);
    const differences = Array.from(embeddings.data, (value, i) => Math.abs(value - expected[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((difference) => difference > 0).length).toBeLessThanOrEqual(0.001 * differences.length);
  });

  test.each(goldens.cases.filter(precisionIs('binary', 'ubinary')))('$name', async (golden) => {
    const floats = (await models.get('st-v6')!.encode(goldens.texts, { normalizeEmbeddings: true })).data;
    const embeddings = await encode(golden);
    const expected = decode(golden.data, golden.dtype);
    expect(embeddings.shape).toEqual(golden.shape);
    for (const [i, value] of embeddings.data.entries()) {
      let different = (value ^ expected[i]!) & 0xff;
      for (let bit = 7; different !== 0; --bit, different >>= 1) {
        if (different & 1) expect(Math.abs(floats[8 * i + bit]!)).toBeLessThan(1e-6);
      }
    }
  });

  test('one row at a time is the same as all at once', async () => {
    const model = models.get('st-v6')!;
    const together = await model.encode(goldens.texts);
    for (const [i, text] of goldens.texts.entries()) {
      expect(model.encodeSync(text)).toEqual(together.row(i));
      if (i % 20 === 0) expect(await model.encode(text)).toEqual(together.row(i));
    }
  });

  test('the older layout gives the same embeddings', async () => {
    const ours = await models.get('st-v6')!.encode(goldens.texts);
    const older = await models.get('st-v3')!.encode(goldens.texts);
    expect(older.data).toEqual(ours.data);
  });

  test.each(['cosine', 'dot', 'euclidean', 'manhattan'] as const)('%s similarity', async (name) => {
    const { rows } = goldens.similarity;
    const golden = goldens.similarity[name];
    const model = await SentenceTransformer.load(folders.get('st-v6')!, { similarity: name });
    const embeddings = Array.from(await model.encode(goldens.texts.slice(0, rows)));
    const matrix = model.similarity(embeddings, embeddings);
    expect(matrix.shape).toEqual([rows, rows]);
    // torch gets the distances of a matrix from dot products: the error is in their squares, of rows that are near.
    const power = name === 'euclidean' ? 2 : 1;
    expectClose(matrix.data, golden.matrix, power);
    const half = rows / 2;
    expectClose(model.similarityPairwise(embeddings.slice(0, half), embeddings.slice(half)), golden.pairwise, 1);
  });

  function expectClose(actual: Float32Array, golden: string, power: number): void {
    const expected = Array.from(decode(golden, 'float32'), (value) => value ** power);
    const scale = Math.max(1, ...expected.map(Math.abs));
    expect(actual.length).toBe(expected.length);
    for (const [i, value] of actual.entries()) {
      expect(Math.abs(value ** power - expected[i]!)).toBeLessThan(1e-5 * scale);
    }
  }
});
