import { npyBytes } from './formats/npy.js';
import { Matrix } from './matrix.js';

export const precisions = ['float32', 'int8', 'uint8', 'binary', 'ubinary'] as const;

/** How the values of an embedding are stored; see `EncodeOptions.precision`. */
export type Precision = (typeof precisions)[number];

/** The typed array that a precision comes in. */
export type EmbeddingArray<P extends Precision> = P extends 'float32'
  ? Float32Array
  : P extends 'int8' | 'binary'
    ? Int8Array
    : Uint8Array;

/** The constructors of `EmbeddingArray`. */
export const embeddingArrays = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  binary: Int8Array,
  ubinary: Uint8Array,
} as const satisfies Readonly<Record<Precision, unknown>>;

/** The elements of a row of `dim` dimensions: one each, or a byte for eight of the binary precisions. */
export function outputColumns(precision: Precision, dim: number): number {
  return precision === 'binary' || precision === 'ubinary' ? Math.ceil(dim / 8) : dim;
}

/** One embedding a row, in the order of the texts. `binary` and `ubinary` rows hold eight dimensions a byte. */
export class Embeddings<P extends Precision = 'float32'> extends Matrix<EmbeddingArray<P>> {
  readonly precision: P;

  constructor(data: EmbeddingArray<P>, rows: number, columns: number, precision: P) {
    super(data, rows, columns);
    this.precision = precision;
  }

  /**
   * A copy of all values in memory that can be transferred to another thread, which `data` itself cannot: its memory is
   * the addon's.
   *
   * @example
   * const data = embeddings.toTransferable();
   * worker.postMessage({ data, shape: embeddings.shape }, [data.buffer]);
   */
  toTransferable(): EmbeddingArray<P> & { readonly buffer: ArrayBuffer } {
    return this.data.slice() as EmbeddingArray<P> & { readonly buffer: ArrayBuffer };
  }

  /**
   * The bytes of a .npy file, which `numpy.load` reads: rows x columns of float32, int8 or uint8, the binary precisions as
   * `numpy.packbits` has them.
   *
   * @example
   * await writeFile('embeddings.npy', embeddings.toNpy());
   */
  toNpy(): Uint8Array<ArrayBuffer> {
    return npyBytes(this.data, this.shape);
  }

  /**
   * The rows as the buffers of a List column of Apache Arrow: row i is `data` from `offsets[i]` to `offsets[i + 1]`. The
   * offsets are those of a LargeList where a List's do not reach. `data` is no copy.
   */
  toArrow(): { readonly offsets: Int32Array | BigInt64Array; readonly data: EmbeddingArray<P> } {
    const [rows, columns] = this.shape;
    const { data } = this;
    if (data.length > 0x7fffffff) {
      return { offsets: BigInt64Array.from({ length: rows + 1 }, (_, i) => BigInt(i * columns)), data };
    }
    return { offsets: Int32Array.from({ length: rows + 1 }, (_, i) => i * columns), data };
  }
}
