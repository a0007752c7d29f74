import { embeddingArrays, type EmbeddingArray, type Precision } from './embeddings.js';
import { OutOfMemoryError } from './errors.js';
import { Pause } from './event-loop.js';
import { native, type NativeRowBuffer } from './native/index.js';

/** Rows of one precision, and where they go. */
export interface RowShape<P extends Precision = Precision> {
  readonly count: number;
  /** Elements of a row. */
  readonly columns: number;
  readonly precision: P;
  /** Where the rows shall go instead of new memory; large enough. */
  readonly out: EmbeddingArray<P> | undefined;
}

/** Beyond this, memory of the addon's becomes one ArrayBuffer on newer Nodes only. */
const mostSharedBytes = 2 ** 32 - 1;

/** Rows that are copied between two looks at the clock. */
const rowsAtOnce = 512;

/** An array for the rows; the first part of `out` where there is one. */
export function rowArray<P extends Precision>({ count, columns, precision, out }: RowShape<P>): EmbeddingArray<P> {
  const length = count * columns;
  if (out !== undefined) return out.subarray(0, length) as EmbeddingArray<P>;
  try {
    return new embeddingArrays[precision](length) as EmbeddingArray<P>;
  } catch (error) {
    throw new OutOfMemoryError(`no memory for ${count} rows of ${columns} ${precision} values`, { cause: error });
  }
}

/** Memory for the rows that threads may write. */
export function rowBuffer({ count, columns, precision }: Omit<RowShape, 'out'>): NativeRowBuffer {
  // V8 counts the addon's memory behind young objects, but looks for dead ones among them, which is quick, only when
  // JavaScript itself allocates a buffer. Without this, results pile up until they force a full collection.
  new ArrayBuffer(1);
  return new native.RowBuffer(count, columns * embeddingArrays[precision].BYTES_PER_ELEMENT);
}

/** Makes an array of the rows that threads have written: of their memory itself, unless they shall go elsewhere. */
export async function toArray<P extends Precision>(
  buffer: NativeRowBuffer,
  rows: RowShape<P>,
): Promise<EmbeddingArray<P>> {
  const type = embeddingArrays[rows.precision];
  const isShareable = rows.count * rows.columns * type.BYTES_PER_ELEMENT <= mostSharedBytes;
  if (rows.out === undefined && isShareable) return new type(buffer.take()) as EmbeddingArray<P>;
  const array = rowArray(rows);
  const pause = new Pause();
  for (let begin = 0; begin < rows.count; begin += rowsAtOnce) {
    const end = Math.min(rows.count, begin + rowsAtOnce);
    buffer.read(begin, array.subarray(begin * rows.columns, end * rows.columns));
    await pause.ifDue();
  }
  buffer.release();
  return array;
}
