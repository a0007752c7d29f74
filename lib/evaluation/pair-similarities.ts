import type { Precision } from '../embeddings.js';
import { Pause } from '../event-loop.js';
import type { MatrixLike } from '../matrix.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import { pairwiseSimilarityAsync } from '../similarity.js';

/** Quantized rows that are compared at a time: as float32 they take up to 32 times the memory. */
const rowsAtOnce = 512;

/** The similarity of row i of one with row i of the other. Packed bits (most significant first) count as 0 and 1. */
export async function pairSimilarities(
  a: MatrixLike,
  b: MatrixLike,
  name: SimilarityFunction,
  precision: Precision,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (precision === 'float32') return pairwiseSimilarityAsync(a, b, name, signal);
  const similarities = new Float32Array(a.shape[0]);
  const pause = new Pause(signal);
  for (let begin = 0; begin < similarities.length; begin += rowsAtOnce) {
    const end = Math.min(similarities.length, begin + rowsAtOnce);
    const left = floatRows(a, begin, end, precision);
    const right = floatRows(b, begin, end, precision);
    similarities.set(await pairwiseSimilarityAsync(left, right, name, signal), begin);
    await pause.ifDue();
  }
  return similarities;
}

function floatRows({ data, shape }: MatrixLike, begin: number, end: number, precision: Precision): MatrixLike {
  const columns = data.length / shape[0];
  const values = data.subarray(begin * columns, end * columns);
  if (precision !== 'binary' && precision !== 'ubinary') {
    return { data: Float32Array.from(values), shape: [end - begin, columns] };
  }
  const offset = precision === 'binary' ? 128 : 0;
  const bits = new Float32Array(8 * values.length);
  for (let bit = 0; bit < bits.length; ++bit) {
    const byte = (values[bit >> 3] ?? 0) + offset;
    bits[bit] = (byte >> (7 - (bit & 7))) & 1;
  }
  return { data: bits, shape: [end - begin, 8 * columns] };
}
