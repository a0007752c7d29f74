/** A typed array that holds numbers of one of the kinds stillvec gives out. */
export type NumberArray = Float32Array | Int8Array | Uint8Array;

/** What a matrix is to those who only read it. */
export interface MatrixLike<Data extends NumberArray = NumberArray> {
  readonly data: Data;
  readonly shape: readonly [rows: number, columns: number];
}

/** A dense matrix, row after row in one typed array. */
export class Matrix<Data extends NumberArray = Float32Array> implements MatrixLike<Data>, Iterable<Data> {
  /** All values, row-major. */
  readonly data: Data;
  /** Rows and columns. */
  readonly shape: readonly [rows: number, columns: number];

  constructor(data: Data, rows: number, columns: number) {
    this.data = data;
    this.shape = [rows, columns];
  }

  /** The number of rows. */
  get length(): number {
    return this.shape[0];
  }

  /**
   * Row `index` as a view: writing to it writes to the matrix.
   *
   * @throws RangeError when there is no such row.
   */
  row(index: number): Data {
    const [rows, columns] = this.shape;
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new RangeError(`row ${String(index)} of a matrix of ${String(rows)} rows`);
    }
    return this.data.subarray(index * columns, (index + 1) * columns) as Data;
  }

  /** The same, from the end for a negative `index`, and undefined when there is no such row, as of an array. */
  at(index: number): Data | undefined {
    const whole = Math.trunc(index) || 0;
    const row = whole < 0 ? whole + this.length : whole;
    return row >= 0 && row < this.length ? this.row(row) : undefined;
  }

  *[Symbol.iterator](): Iterator<Data> {
    for (let index = 0; index < this.length; ++index) yield this.row(index);
  }

  /** The rows as plain arrays, for JSON and for code that does not know typed arrays. */
  toArray(): number[][] {
    return Array.from(this, (row) => Array.from(row));
  }

  /** What `JSON.stringify` writes: the rows. */
  toJSON(): number[][] {
    return this.toArray();
  }
}
