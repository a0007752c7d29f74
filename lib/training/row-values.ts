import { createHash } from 'node:crypto';

import { Pause } from '../event-loop.js';
import type { NativeRowBuffer } from '../native/index.js';
import { rowBuffer } from '../rows.js';

/** Numbers of a dataset's rows, where the addon's threads may read them. */
export interface RowValues {
  /** Rows x width. */
  readonly values: NativeRowBuffer;
  readonly rows: number;
  readonly width: number;
  /** Equal for equal numbers, and hardly ever for others. */
  readonly fingerprint: string;
}

/** Collects them, part by part. */
export class RowValueBuilder {
  readonly #parts: Float32Array[] = [];
  #length = 0;

  constructor(private readonly width: number) {}

  add(part: Float32Array): void {
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** All of them; no more can be added. */
  async take(): Promise<RowValues> {
    const { width } = this;
    const rows = this.#length / width;
    const values = rowBuffer({ count: rows, columns: width, precision: 'float32' });
    const hash = createHash('sha256');
    const pause = new Pause();
    let row = 0;
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) {
      for (let begin = 0; begin < part.length; begin += rowsAtOnce * width) {
        const block = part.subarray(begin, begin + rowsAtOnce * width);
        values.write(row, block);
        hash.update(block);
        row += block.length / width;
        await pause.ifDue();
      }
    }
    return { values, rows, width, fingerprint: hash.digest('hex') };
  }
}

/** Rows that are copied between two looks at the clock. */
const rowsAtOnce = 512;
