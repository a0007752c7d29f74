import { spawnSync } from 'node:child_process';

import { describe, expect, test } from '@jest/globals';
import { Embeddings } from 'stillvec';

const rows = [
  [1, -2.5, 3],
  [4, 5, 0.25],
];
const embeddings = new Embeddings(Float32Array.from(rows.flat()), 2, 3, 'float32');
const bits = new Embeddings(Uint8Array.of(1, 2, 255), 3, 1, 'ubinary');
const none = new Embeddings(new Float32Array(), 0, 3, 'float32');

/** What `numpy.load` gives of bytes; null where there is no NumPy. */
function loaded(bytes: Uint8Array): unknown {
  const program = `
import io, json, sys
import numpy
a = numpy.load(io.BytesIO(sys.stdin.buffer.read()))
print(json.dumps([str(a.dtype), list(a.shape), a.tolist()]))`;
  const python = process.env['STILLVEC_PYTHON'] ?? 'python3';
  const { status, stdout } = spawnSync(python, ['-c', program], { input: bytes, encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : null;
}

test('at counts from either end, as of an array', () => {
  expect([0, 1, -1, -2].map((i) => embeddings.at(i)?.[0])).toEqual([1, 4, 4, 1]);
  expect([2, -3, Infinity, 9.5].map((i) => embeddings.at(i))).toEqual(Array(4).fill(undefined));
  expect([1.7, -0.5, NaN].map((i) => embeddings.at(i)?.[0])).toEqual([4, 1, 1]);
  expect(none.at(0)).toBeUndefined();
});

test('toJSON writes the rows', () => {
  expect(JSON.parse(JSON.stringify({ embeddings, bits, none }))).toEqual({
    embeddings: rows,
    bits: [[1], [2], [255]],
    none: [],
  });
});

test('toArrow gives the buffers of a list column', () => {
  expect(embeddings.toArrow()).toEqual({ offsets: Int32Array.of(0, 3, 6), data: embeddings.data });
  expect(embeddings.toArrow().data).toBe(embeddings.data);
  expect(none.toArrow().offsets).toEqual(Int32Array.of(0));
});

describe('toNpy', () => {
  test('begins as the format says, with the values on a boundary of 64 bytes', () => {
    const bytes = Buffer.from(embeddings.toNpy());
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from('\x93NUMPY\x01\x00', 'latin1'));
    const start = 10 + bytes.readUInt16LE(8);
    expect(start % 64).toBe(0);
    expect(bytes.toString('latin1', 10, start)).toMatch(
      /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/,
    );
    expect(bytes.length).toBe(start + 24);
    expect([0, 1, 5].map((i) => bytes.readFloatLE(start + 4 * i))).toEqual([1, -2.5, 0.25]);
  });

  test('is what NumPy loads', () => {
    const all = [
      [embeddings, ['float32', [2, 3], rows]],
      [bits, ['uint8', [3, 1], [[1], [2], [255]]]],
      [new Embeddings(Int8Array.of(-128, 127), 1, 2, 'int8'), ['int8', [1, 2], [[-128, 127]]]],
      [none, ['float32', [0, 3], []]],
    ] as const;
    for (const [each, expected] of all) {
      const read = loaded(each.toNpy());
      if (read === null) {
        console.log('skipped: no NumPy');
        return;
      }
      expect(read).toEqual(expected);
    }
  });
});
