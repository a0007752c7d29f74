import { Pause } from './event-loop.js';

/** Elements that are sorted at a time: well below a millisecond's work. */
const runLength = 2048;

/** Elements that are merged between two looks at the clock. */
const mergedAtOnce = 1 << 14;

/**
 * The positions 0 to `count` - 1 in order; those that compare equal stay as they are. Others get their turn meanwhile.
 *
 * @param compare - Of two positions: negative where the first one comes first.
 * @throws The signal's reason, where it is aborted.
 */
export async function sortedOrder(
  count: number,
  compare: (i: number, j: number) => number,
  signal?: AbortSignal,
): Promise<Uint32Array> {
  const pause = new Pause(signal);
  let order = new Uint32Array(count);
  for (let begin = 0; begin < count; begin += runLength) {
    const run = order.subarray(begin, begin + runLength);
    for (let i = 0; i < run.length; ++i) run[i] = begin + i;
    run.sort(compare);
    await pause.ifDue();
  }
  let merged = new Uint32Array(count);
  for (let width = runLength; width < count; width *= 2) {
    for (let begin = 0; begin < count; begin += 2 * width) {
      const middle = Math.min(count, begin + width);
      const end = Math.min(count, begin + 2 * width);
      let [left, right] = [begin, middle];
      for (let out = begin; out < end; ++out) {
        const takesLeft = left < middle && (right === end || compare(order[left] ?? 0, order[right] ?? 0) <= 0);
        merged[out] = order[takesLeft ? left++ : right++] ?? 0;
        if (out % mergedAtOnce === 0) await pause.ifDue();
      }
    }
    [order, merged] = [merged, order];
  }
  return order;
}

/** The positions of the values, from the greatest value to the smallest, equal ones in their own order. */
export async function descendingOrder(values: ArrayLike<number>, signal?: AbortSignal): Promise<Uint32Array> {
  return sortedOrder(values.length, (i, j) => (values[j] ?? NaN) - (values[i] ?? NaN), signal);
}
