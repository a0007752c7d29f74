import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { writeSafetensors, type SafetensorsDtype } from '../../lib/formats/safetensors.js';
import { tinyVocabulary, writeTinyTokenizer } from '../support/tiny-tokenizer';

const root = mkdtempSync(join(tmpdir(), 'stillvec-token-rows-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tokens = tinyVocabulary.length;
const tableRows = 3;
const mapping = Array.from({ length: tokens }, (_, id) => id % tableRows);
const weights = Array.from({ length: tokens }, (_, id) => 0.5 + (id % 4) * 0.25);

interface Tensor {
  readonly dtype: SafetensorsDtype;
  readonly values: { readonly buffer: ArrayBufferLike };
}

/** The bits of halves that 10 bits of fraction hold. */
const halves = (values: readonly number[]): Uint16Array =>
  Uint16Array.from(values, (value) => {
    const exponent = Math.floor(Math.log2(value));
    return ((exponent + 15) << 10) | ((value / 2 ** exponent - 1) * 1024);
  });

const i32 = (values: readonly number[]): Tensor => ({ dtype: 'I32', values: Int32Array.from(values) });
const f32 = (values: readonly number[]): Tensor => ({ dtype: 'F32', values: Float32Array.from(values) });

/** A Model2Vec folder of a table of three rows, [1, 2], [3, 4] and [5, 6]. */
async function folderOf(tensors: Readonly<Record<string, Tensor>>): Promise<string> {
  const folder = mkdtempSync(join(root, 'model-'));
  mkdirSync(folder, { recursive: true });
  writeTinyTokenizer(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'model2vec', normalize: false }));
  const file = join(folder, 'model.safetensors');
  const handle = await open(file, 'w');
  const table = { dtype: 'F32' as const, values: Float32Array.from([1, 2, 3, 4, 5, 6]) };
  await writeSafetensors(
    handle,
    file,
    Object.entries({ embeddings: table, ...tensors }).map(([name, { dtype, values }]) => {
      const bytes = new Uint8Array(values.buffer);
      const size = { F64: 8, I64: 8, F32: 4, I32: 4, F16: 2 }[dtype as 'F64'];
      return { name, dtype, shape: name === 'embeddings' ? [3, 2] : [bytes.length / size], chunks: [bytes] };
    }),
  );
  await handle.close();
  return folder;
}

const word = 'red';
const id = tinyVocabulary.indexOf(word);
const rowOf = (row: number): readonly number[] => [2 * row + 1, 2 * row + 2];

describe('a token has weights[id] x row mapping[id]', () => {
  const encode = async (tensors: Readonly<Record<string, Tensor>>): Promise<number[]> => [
    ...(await SentenceTransformer.load(await folderOf(tensors))).encodeSync(word),
  ];
  const expected = rowOf(mapping[id]!).map((value) => value * weights[id]!);

  test.each<[string, Tensor]>([
    ['I32', i32(mapping)],
    ['I64', { dtype: 'I64', values: BigInt64Array.from(mapping, BigInt) }],
  ])('mapping as %s', async (_, tensor) => {
    expect(await encode({ mapping: tensor })).toEqual(rowOf(mapping[id]!));
  });

  test.each<[string, Tensor]>([
    ['F64', { dtype: 'F64', values: Float64Array.from(weights) }],
    ['F32', f32(weights)],
    ['F16', { dtype: 'F16', values: halves(weights) }],
  ])('weights as %s', async (_, tensor) => {
    expect(await encode({ mapping: i32(mapping), weights: tensor })).toEqual(expected);
  });
});

describe('broken ones', () => {
  const bad = (at: number, value: number, values: readonly number[]): number[] =>
    values.map((each, i) => (i === at ? value : each));

  test.each<[string, Readonly<Record<string, Tensor>>, string]>([
    ['a row beyond the table', { mapping: i32(bad(2, 3, mapping)) }, 'mapping gives token 2 row 3 of a table of 3'],
    ['a negative row', { mapping: i32(bad(1, -1, mapping)) }, 'mapping gives token 1 row -1'],
    ['a row of another dtype', { mapping: f32(mapping) }, 'expected I32, I64 [tokens] for mapping but received F32'],
    ['weights of another dtype', { mapping: i32(mapping), weights: i32(mapping) }, 'expected F64, F32, F16 [tokens]'],
    [
      'a weight that is no number',
      { mapping: i32(mapping), weights: f32(bad(4, NaN, weights)) },
      'token 4 the weight NaN',
    ],
    ['fewer weights', { mapping: i32(mapping), weights: f32(weights.slice(1)) }, 'weights is for'],
    ['fewer tokens', { mapping: i32(mapping.slice(1)) }, `has a vocabulary of ${tokens}`],
    ['weights without a mapping for a smaller table', { weights: f32(weights) }, 'but the table has 3 rows'],
  ])('%s', async (_, tensors, message) => {
    await expect(SentenceTransformer.load(await folderOf(tensors))).rejects.toMatchObject({
      code: 'ERR_MODEL_CORRUPT',
      message: expect.stringContaining(message),
    });
  });
});
