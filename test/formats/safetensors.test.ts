import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSafetensorsHeader, writeSafetensors, type TensorSource } from '../../lib/formats/safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'stillvec-safetensors-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const file = join(folder, 'model.safetensors');

/** A file with this header, then `dataBytes` zeros; `length` may lie about the header's length. */
function fileOf(header: unknown, dataBytes: number, length?: bigint): void {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(json.length));
  writeFileSync(file, Buffer.concat([prefix, json, Buffer.alloc(dataBytes)]));
}

const tensor = (shape: unknown, data_offsets: unknown, dtype: unknown = 'F32') => ({ dtype, shape, data_offsets });

async function write(tensors: readonly TensorSource[], options?: { signal?: AbortSignal }): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await writeSafetensors(handle, file, tensors, { metadata: { format: 'pt' }, ...options });
  } finally {
    await handle.close();
  }
}

describe('readSafetensorsHeader', () => {
  test('gives every tensor with its place in the file', async () => {
    const header = {
      __metadata__: { a: 'b' },
      y: tensor([2, 3], [4, 28]),
      x: tensor([], [0, 4]),
      empty: tensor([0], [28, 28]),
    };
    fileOf(header, 28);
    const start = 8 + JSON.stringify(header).length;
    expect(await readSafetensorsHeader(file)).toEqual({
      dataStart: start,
      metadata: { a: 'b' },
      tensors: [
        { name: 'y', dtype: 'F32', shape: [2, 3], byteOffset: start + 4, byteLength: 24 },
        { name: 'x', dtype: 'F32', shape: [], byteOffset: start, byteLength: 4 },
        { name: 'empty', dtype: 'F32', shape: [0], byteOffset: start + 28, byteLength: 0 },
      ],
    });
  });

  test('counts dtypes smaller than a byte', async () => {
    fileOf({ x: tensor([4], [0, 2], 'F4') }, 2);
    expect((await readSafetensorsHeader(file)).tensors[0]).toMatchObject({ dtype: 'F4', byteLength: 2 });
  });

  test.each<[string, () => void, string]>([
    ['an empty file', () => writeFileSync(file, ''), 'has 0 bytes, fewer than the 8'],
    ['a file of seven bytes', () => writeFileSync(file, '1234567'), 'has 7 bytes, fewer than the 8'],
    [
      'a header longer than the file',
      () => fileOf({}, 0, 3n),
      'a header of 3 bytes does not fit the file, which has 10',
    ],
    [
      'a header over the limit',
      () => fileOf({}, 0, 100_000_001n),
      'a header of 100000001 bytes is longer than 100000000',
    ],
    ['the greatest length', () => fileOf({}, 0, 2n ** 64n - 1n), 'a header of 18446744073709551615 bytes is longer'],
    ['a header cut short', () => fileOf('{"x": {}}', 0, 5n), 'expected JSON but received "{\\"x\\":"'],
    ['no JSON', () => fileOf('PK\u0003\u0004', 0), 'expected JSON'],
    [
      'a header that is not UTF-8',
      () => writeFileSync(file, Buffer.from([2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff])),
      'UTF-8',
    ],
    ['an array as header', () => fileOf([], 0), 'expected a JSON object but received an array of length 0'],
    ['a tensor that is no object', () => fileOf({ x: 3 }, 0), 'expected an object for x but received 3'],
    ['metadata that is no text', () => fileOf({ __metadata__: { a: 1 } }, 0), 'expected a string for __metadata__.a'],
    [
      'no dtype',
      () => fileOf({ x: { shape: [], data_offsets: [0, 4] } }, 4),
      'expected a string for x.dtype but received nothing',
    ],
    ['an unknown dtype', () => fileOf({ x: tensor([1], [0, 4], 'F31') }, 4), 'for x.dtype but received "F31"'],
    [
      'a shape that is no array',
      () => fileOf({ x: tensor('2', [0, 4]) }, 4),
      'expected an array for x.shape but received "2"',
    ],
    ['a negative size', () => fileOf({ x: tensor([-1], [0, 4]) }, 4), 'at least 0 for x.shape[0] but received -1'],
    [
      'a size that overflows',
      () => fileOf({ x: tensor([2 ** 40, 2 ** 40], [0, 4]) }, 4),
      'takes no whole number of bytes',
    ],
    ['half a byte', () => fileOf({ x: tensor([3], [0, 2], 'F4') }, 2), 'takes no whole number of bytes'],
    [
      'offsets that are no pair',
      () => fileOf({ x: tensor([1], [0]) }, 4),
      'expected [begin, end] for x.data_offsets but received [0]',
    ],
    ['offsets the wrong way round', () => fileOf({ x: tensor([1], [4, 0]) }, 4), 'but received [4,0]'],
    ['negative offsets', () => fileOf({ x: tensor([1], [-4, 0]) }, 4), 'but received [-4,0]'],
    [
      'offsets after the end',
      () => fileOf({ x: tensor([2], [0, 8]) }, 4),
      'tensor x ends at data offset 8, but the file has only 4 bytes',
    ],
    [
      'a shape that does not fill its bytes',
      () => fileOf({ x: tensor([3], [0, 8]) }, 8),
      'tensor x is F32 [3], which takes 12 bytes, but data_offsets [0, 8] give it 8',
    ],
    [
      'overlapping tensors',
      () => fileOf({ x: tensor([2], [0, 8]), y: tensor([1], [4, 8]) }, 8),
      'tensor y overlaps tensor x at data offset 8',
    ],
    [
      'one tensor inside another',
      () => fileOf({ y: tensor([1], [0, 4]), x: tensor([2], [0, 8]) }, 8),
      'tensor x overlaps tensor y',
    ],
    [
      'a gap',
      () => fileOf({ x: tensor([1], [0, 4]), y: tensor([1], [8, 12]) }, 12),
      'data offsets 4 to 8, before tensor y, belong to no tensor',
    ],
    ['bytes left over', () => fileOf({ x: tensor([1], [0, 4]) }, 9), 'the last 5 bytes belong to no tensor'],
    [
      'one tensor twice',
      () =>
        fileOf(
          '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0078":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
          8,
        ),
      'the header has the key "x" twice',
    ],
    [
      'one field twice',
      () => fileOf('{"x":{"dtype":"F64","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
      'the header has the key "dtype" twice',
    ],
  ])('refuses %s', async (_, make, message) => {
    make();
    await expect(readSafetensorsHeader(file)).rejects.toMatchObject({
      name: 'ModelFormatError',
      code: 'ERR_MODEL_CORRUPT',
      message: expect.stringContaining(message),
    });
    await expect(readSafetensorsHeader(file)).rejects.toThrow(file);
  });

  test('takes the same key in different tensors, and braces in names, for what they are', async () => {
    fileOf({ '{"a': tensor([1], [0, 4]), '"}\\': tensor([1], [4, 8]) }, 8);
    expect((await readSafetensorsHeader(file)).tensors.map(({ name }) => name)).toEqual(['{"a', '"}\\']);
  });

  test('tells a missing file from one that cannot be read', async () => {
    await expect(readSafetensorsHeader(join(folder, 'none'))).rejects.toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
    await expect(readSafetensorsHeader(folder)).rejects.toMatchObject({ code: 'ERR_IO' });
  });

  test('never takes a file cut short for a whole one', async () => {
    await write([{ name: 'x', dtype: 'F32', shape: [5], chunks: [new Uint8Array(20)] }]);
    const whole = readFileSync(file);
    for (let length = 0; length < whole.length; ++length) {
      writeFileSync(file, whole.subarray(0, length));
      await expect(readSafetensorsHeader(file)).rejects.toMatchObject({ code: 'ERR_MODEL_CORRUPT' });
    }
  });
});

describe('writeSafetensors', () => {
  test('writes what is read again, data at a multiple of 64', async () => {
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => i);
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(bytes.subarray(0, 5));
      yield new Uint8Array();
      yield bytes.subarray(5);
    }
    await write([
      { name: 'embedding.weight', dtype: 'F32', shape: [2, 3], chunks: chunks() },
      { name: 'scales', dtype: 'F16', shape: [2], chunks: [Uint8Array.of(7, 8, 9, 10)] },
    ]);
    const { tensors, metadata } = await readSafetensorsHeader(file);
    expect(metadata).toMatchObject({ format: 'pt' });
    expect(tensors).toEqual([
      { name: 'embedding.weight', dtype: 'F32', shape: [2, 3], byteOffset: expect.any(Number), byteLength: 24 },
      { name: 'scales', dtype: 'F16', shape: [2], byteOffset: tensors[0]!.byteOffset + 24, byteLength: 4 },
    ]);
    expect(tensors[0]!.byteOffset % 64).toBe(0);
    expect([...readFileSync(file).subarray(tensors[0]!.byteOffset)]).toEqual([...bytes, 7, 8, 9, 10]);
  });

  test('refuses chunks that do not fill the tensor', async () => {
    const source = (bytes: number): TensorSource[] => [
      { name: 'x', dtype: 'F32', shape: [2], chunks: [new Uint8Array(bytes)] },
    ];
    await expect(write(source(7))).rejects.toThrow('tensor x takes 8 bytes, its chunks gave 7');
    await expect(write(source(9))).rejects.toThrow('tensor x takes 8 bytes, its chunks gave 9');
  });

  test('stops between chunks when the signal is aborted', async () => {
    const reason = new Error('enough');
    const chunks = [new Uint8Array(4), new Uint8Array(4)];
    const signal = AbortSignal.abort(reason);
    await expect(write([{ name: 'x', dtype: 'F32', shape: [2], chunks }], { signal })).rejects.toBe(reason);
  });
});
