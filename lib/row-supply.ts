import { embeddingArrays, type EmbeddingArray, type Precision } from './embeddings.js';
import { rowArray } from './rows.js';

/** Of a buffer that single rows are cut from. */
const bytesAtOnce = 1 << 16;

/**
 * Arrays for single rows, several to an ArrayBuffer, as Node pools small Buffers: a buffer each costs more than all
 * else that a short text does.
 */
export class RowSupply<P extends Precision> {
  readonly #rows: number;
  #array: EmbeddingArray<P> | undefined;
  #next = 0;

  constructor(
    private readonly columns: number,
    private readonly precision: P,
  ) {
    const rowBytes = columns * embeddingArrays[precision].BYTES_PER_ELEMENT;
    this.#rows = Math.max(1, Math.floor(bytesAtOnce / rowBytes));
  }

  take(): EmbeddingArray<P> {
    const { columns, precision } = this;
    if (this.#array === undefined || this.#next === this.#rows) {
      this.#array = rowArray({ count: this.#rows, columns, precision, out: undefined });
      this.#next = 0;
    }
    const begin = this.#next++ * columns;
    return this.#array.subarray(begin, begin + columns) as EmbeddingArray<P>;
  }
}
