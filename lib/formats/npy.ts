type NumberArray = Float32Array | Int8Array | Uint8Array;

const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');

/** Little-endian; a byte has no order. */
function descriptionOf(data: NumberArray): string {
  if (data instanceof Float32Array) return '<f4';
  return data instanceof Int8Array ? '|i1' : '|u1';
}

/**
 * The bytes of a .npy file of NumPy: version 1.0, C order, the values from a multiple of 64 bytes on.
 *
 * Source of the format: NumPy's `numpy.lib.format`.
 */
export function npyBytes(data: NumberArray, shape: readonly number[]): Uint8Array<ArrayBuffer> {
  const sizes = shape.length === 1 ? `${shape.join()},` : shape.join(', ');
  const header = `{'descr': '${descriptionOf(data)}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const prefix = magic.length + 2;
  const start = Math.ceil((prefix + header.length + 1) / 64) * 64;
  const bytes = new Uint8Array(start + data.byteLength);
  bytes.set(magic);
  bytes.set([(start - prefix) & 0xff, (start - prefix) >> 8], magic.length);
  bytes.set(Buffer.from(`${header.padEnd(start - prefix - 1)}\n`, 'latin1'), prefix);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start);
  return bytes;
}
