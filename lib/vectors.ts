import { embeddingArrays, precisions, type EmbeddingArray, type Precision } from './embeddings.js';
import { InvalidArgumentError } from './errors.js';
import { Pause } from './event-loop.js';
import type { MatrixLike } from './matrix.js';
import { native, type NativeRowBuffer, type NativeSharedRows } from './native/index.js';
import { describe, invalidArgument, oneOf } from './validate.js';

/** One or more float32 embeddings: what `encode` gave, one vector, or an array of vectors of one length. */
export type EmbeddingsInput = MatrixLike | Float32Array | readonly (Float32Array | readonly number[])[];

/**
 * Embeddings of any precision: what `EmbeddingsInput` says, or quantized ones. Those of a plain object that names no
 * `precision` are int8 or uint8, as their array.
 */
export type AnyEmbeddingsInput = EmbeddingsInput | (MatrixLike & { readonly precision?: Precision });

/** Vectors of one length, whatever they came in. */
export interface Vectors<P extends Precision = 'float32'> {
  readonly rows: number;
  readonly dim: number;
  readonly precision: P;
  /** Elements of a row: fewer than `dim` where they are bits. */
  readonly columns: number;
  /** Rows [begin, end), one after the other. */
  block(begin: number, end: number): EmbeddingArray<P>;
}

/** Rows that are copied between two looks at the clock. */
const rowsAtOnce = 512;

/** @throws InvalidArgumentError naming `option`, and the vector where it is about one. */
export function asVectors(option: string, input: unknown): Vectors {
  const vectors = asAnyVectors(option, input);
  if (isFloat(vectors)) return vectors;
  throw new InvalidArgumentError(
    `expected float32 embeddings for ${option} but received ${vectors.precision}: encode gives them unless the option ` +
      'precision says otherwise',
  );
}

/** As `asVectors`, of any precision. */
export function asAnyVectors(option: string, input: unknown): Vectors<Precision> {
  if (input instanceof Float32Array) return new MatrixVectors(input, 1, input.length, 'float32');
  if (isMatrix(input)) return matrixVectors(option, input);
  if (Array.isArray(input)) return new ArrayVectors(option, input);
  throw invalidArgument(option, 'Embeddings, a Float32Array or an array of vectors', input);
}

/** All of them, one after the other. */
export function allRows<P extends Precision>(vectors: Vectors<P>): EmbeddingArray<P> {
  return vectors.block(0, vectors.rows);
}

/** @throws InvalidArgumentError where the vectors of the two are not of one length. */
export function checkDimensions(a: Vectors<Precision>, b: Vectors<Precision>, nameA: string, nameB: string): void {
  if (a.dim === b.dim) return;
  throw new InvalidArgumentError(`expected ${nameA} and ${nameB} of one dimension but received ${a.dim} and ${b.dim}`);
}

function isFloat(vectors: Vectors<Precision>): vectors is Vectors {
  return vectors.precision === 'float32';
}

/**
 * The vectors where the addon's threads may read them: as they are when they lie in memory of the addon's, as results
 * of `encode` do, else copied, with pauses. What was copied is to be released.
 */
export async function sharedRows(
  vectors: Vectors<Precision>,
): Promise<{ rows: NativeSharedRows; copy?: NativeRowBuffer }> {
  if (vectors instanceof MatrixVectors && native.isShared(vectors.data)) return { rows: vectors.data };
  const copy = new native.RowBuffer(
    vectors.rows,
    vectors.columns * embeddingArrays[vectors.precision].BYTES_PER_ELEMENT,
  );
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

function matrixVectors(
  option: string,
  { data, shape, precision }: { data: unknown; shape: unknown; precision?: unknown },
): Vectors<Precision> {
  const stored = precision === undefined ? undefined : oneOf(`${option}.precision`, precision, precisions);
  const fits = stored ?? (['float32', 'int8', 'uint8'] as const).find((name) => data instanceof embeddingArrays[name]);
  if (fits === undefined) {
    throw invalidArgument(`${option}.data`, 'a Float32Array, an Int8Array or a Uint8Array', data);
  }
  if (!(data instanceof embeddingArrays[fits])) {
    throw invalidArgument(`${option}.data`, `the ${embeddingArrays[fits].name} of ${fits} embeddings`, data);
  }
  const [rows, columns, ...rest] = Array.isArray(shape) ? (shape as readonly unknown[]) : [];
  if (!isCount(rows) || !isCount(columns) || rest.length > 0 || rows * columns !== data.length) {
    const received = Array.isArray(shape) ? `[${shape.join(', ')}]` : describe(shape);
    throw new InvalidArgumentError(
      `expected [rows, columns] of the ${data.length} values of ${option}.data for ${option}.shape but received ${received}`,
    );
  }
  return new MatrixVectors(data, rows, columns, fits);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

class MatrixVectors<P extends Precision> implements Vectors<P> {
  constructor(
    readonly data: EmbeddingArray<P>,
    readonly rows: number,
    readonly columns: number,
    readonly precision: P,
  ) {}

  get dim(): number {
    return this.precision === 'binary' || this.precision === 'ubinary' ? 8 * this.columns : this.columns;
  }

  block(begin: number, end: number): EmbeddingArray<P> {
    return this.data.subarray(begin * this.columns, end * this.columns) as EmbeddingArray<P>;
  }
}

class ArrayVectors implements Vectors {
  readonly precision = 'float32';
  readonly rows: number;
  readonly dim: number;

  constructor(
    private readonly option: string,
    private readonly vectors: readonly unknown[],
  ) {
    this.rows = vectors.length;
    this.dim = this.rows === 0 ? 0 : this.#vector(0).length;
  }

  get columns(): number {
    return this.dim;
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
