import { Pause } from '../event-loop.js';
import type { Numbers } from './metrics.js';

/** Values that are sorted at a time: well below a millisecond's work. */
const runLength = 2048;

/** Values that are merged between two looks at the clock. */
const mergedAtOnce = 1 << 14;

/**
 * The positions of the values, from the greatest value to the smallest, equal ones in their own order. Others get their
 * turn meanwhile.
 *
 * @throws The signal's reason, where it is aborted.
 */
export async function descendingOrder(values: Numbers, signal?: AbortSignal): Promise<Uint32Array> {
  const pause = new Pause(signal);
  const at = (position: number): number => values[position] ?? NaN;
  const count = values.length;
  let order = new Uint32Array(count);
  for (let begin = 0; begin < count; begin += runLength) {
    const run = order.subarray(begin, begin + runLength);
    for (let i = 0; i < run.length; ++i) run[i] = begin + i;
    run.sort((i, j) => at(j) - at(i));
    await pause.ifDue();
  }
  let merged = new Uint32Array(count);
  for (let width = runLength; width < count; width *= 2) {
    for (let begin = 0; begin < count; begin += 2 * width) {
      const middle = Math.min(count, begin + width);
      const end = Math.min(count, begin + 2 * width);
      let [left, right] = [begin, middle];
      for (let out = begin; out < end; ++out) {
        const takesLeft = left < middle && (right === end || at(order[left] ?? 0) >= at(order[right] ?? 0));
        merged[out] = order[takesLeft ? left++ : right++] ?? 0;
        if (out % mergedAtOnce === 0) await pause.ifDue();
      }
    }
    [order, merged] = [merged, order];
  }
  return order;
}
