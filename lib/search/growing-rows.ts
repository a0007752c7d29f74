import { UnsupportedError } from '../errors.js';
import type { MatrixLike } from '../matrix.js';
import { native } from '../native/index.js';

/** An ArrayBuffer of the addon's memory is smaller than this on every Node. */
const mostBytes = 2 ** 32 - 1;

/** Embeddings that become more, in memory of the addon's, where they are searched as they lie. Rows never change. */
export class GrowingRows {
  #values = new Float32Array(0);
  #rows = 0;

  constructor(readonly dim: number) {}

  get rows(): number {
    return this.#rows;
  }

  /** Views that were taken before stay as they are. */
  get matrix(): MatrixLike<Float32Array> {
    return { data: this.#values.subarray(0, this.#rows * this.dim), shape: [this.#rows, this.dim] };
  }

  /** @throws UnsupportedError beyond 4 GiB. */
  append(values: Float32Array): void {
    const rows = values.length / this.dim;
    this.reserve(this.#rows + rows);
    this.#values.set(values, this.#rows * this.dim);
    this.#rows += rows;
  }

  /** Makes room for so many rows, and half as many again where it moves them. */
  reserve(rows: number): void {
    const bytes = 4 * rows * this.dim;
    if (bytes <= this.#values.byteLength) return;
    if (bytes > mostBytes) {
      throw new UnsupportedError(
        `${rows} embeddings of ${this.dim} dimensions take more than 4 GiB, which is the most that an index holds: ` +
          'load the model with a smaller truncateDim, or use several indexes',
      );
    }
    const capacity = Math.min(Math.max(rows, Math.floor(1.5 * this.#rows)), Math.floor(mostBytes / (4 * this.dim)));
    const grown = new Float32Array(new native.RowBuffer(capacity, 4 * this.dim).take());
    grown.set(this.#values.subarray(0, this.#rows * this.dim));
    this.#values = grown;
  }

  /** Some of the rows, in memory of their own. */
  pick(rows: readonly number[]): GrowingRows {
    const picked = new GrowingRows(this.dim);
    picked.reserve(rows.length);
    for (const row of rows) picked.append(this.#values.subarray(row * this.dim, (row + 1) * this.dim));
    return picked;
  }
}
