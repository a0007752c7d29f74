import { InvalidArgumentError } from './errors.js';
import { Pause } from './event-loop.js';
import type { MatrixLike } from './matrix.js';
import { native, type NativeRowBuffer, type NativeSharedRows } from './native/index.js';
import { describe, invalidArgument } from './validate.js';

/** One or more float32 embeddings: what `encode` gave, one vector, or an array of vectors of one length. */
export type EmbeddingsInput = MatrixLike | Float32Array | readonly (Float32Array | readonly number[])[];

/** Float32 vectors of one length, whatever they came in. */
export interface Vectors {
  readonly rows: number;
  readonly dim: number;
  /** Rows [begin, end), one after the other. */
  block(begin: number, end: number): Float32Array;
}

/** Rows that are copied between two looks at the clock. */
const rowsAtOnce = 512;

/** @throws InvalidArgumentError naming `option`, and the vector where it is about one. */
export function asVectors(option: string, input: unknown): Vectors {
  if (input instanceof Float32Array) return new MatrixVectors(input, 1, input.length);
  if (isMatrix(input)) return matrixVectors(option, input);
  if (Array.isArray(input)) return new ArrayVectors(option, input);
  throw invalidArgument(option, 'Embeddings, a Float32Array or an array of vectors', input);
}

/**
 * The vectors where the addon's threads may read them: as they are when they lie in memory of the addon's, as results
 * of `encode` do, else copied, with pauses. What was copied is to be released.
 */
export async function sharedRows(vectors: Vectors): Promise<{ rows: NativeSharedRows; copy?: NativeRowBuffer }> {
  if (vectors instanceof MatrixVectors && native.isShared(vectors.data)) return { rows: vectors.data };
  const copy = new native.RowBuffer(vectors.rows, vectors.dim * Float32Array.BYTES_PER_ELEMENT);
  const pause = new Pause();
  for (let begin = 0; begin < vectors.rows; begin += rowsAtOnce) {
    copy.write(begin, vectors.block(begin, Math.min(vectors.rows, begin + rowsAtOnce)));
    await pause.ifDue();
  }
  return { rows: copy, copy };
}

function isMatrix(input: unknown): input is { readonly data: unknown; readonly shape: unknown } {
  return typeof input === 'object' && input !== null && 'data' in input && 'shape' in input;
}

function matrixVectors(option: string, { data, shape }: { data: unknown; shape: unknown }): Vectors {
  if (!(data instanceof Float32Array)) {
    throw new InvalidArgumentError(
      `expected float32 embeddings for ${option} but received ${describe(data)}; similarities are those of ` +
        'embeddings encoded with precision float32',
    );
  }
  const [rows, dim, ...rest] = Array.isArray(shape) ? (shape as readonly unknown[]) : [];
  if (!isCount(rows) || !isCount(dim) || rest.length > 0 || rows * dim !== data.length) {
    const received = Array.isArray(shape) ? `[${shape.join(', ')}]` : describe(shape);
    throw new InvalidArgumentError(
      `expected [rows, columns] of the ${data.length} values of ${option}.data for ${option}.shape but received ${received}`,
    );
  }
  return new MatrixVectors(data, rows, dim);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

class MatrixVectors implements Vectors {
  constructor(
    readonly data: Float32Array,
    readonly rows: number,
    readonly dim: number,
  ) {}

  block(begin: number, end: number): Float32Array {
    return this.data.subarray(begin * this.dim, end * this.dim);
  }
}

class ArrayVectors implements Vectors {
  readonly rows: number;
  readonly dim: number;

  constructor(
    private readonly option: string,
    private readonly vectors: readonly unknown[],
  ) {
    this.rows = vectors.length;
    this.dim = this.rows === 0 ? 0 : this.#vector(0).length;
  }

  block(begin: number, end: number): Float32Array {
    const block = new Float32Array((end - begin) * this.dim);
    for (let row = begin; row < end; ++row) {
      const vector = this.#vector(row);
      if (vector.length !== this.dim) {
        throw invalidArgument(`${this.option}[${row}]`, `a vector of ${this.dim} numbers`, vector);
      }
      if (!(vector instanceof Float32Array)) this.#checkNumbers(row, vector);
      block.set(vector, (row - begin) * this.dim);
    }
    return block;
  }

  #vector(row: number): ArrayLike<number> {
    const vector = this.vectors[row];
    if (vector instanceof Float32Array || Array.isArray(vector)) return vector as ArrayLike<number>;
    throw invalidArgument(`${this.option}[${row}]`, 'a Float32Array or an array of numbers', vector);
  }

  /** A hole or a string would become NaN. */
  #checkNumbers(row: number, vector: ArrayLike<unknown>): void {
    for (let column = 0; column < vector.length; ++column) {
      const value = vector[column];
      if (typeof value !== 'number') throw invalidArgument(`${this.option}[${row}][${column}]`, 'a number', value);
    }
  }
}
