import { cancellable } from './abort.js';
import type { Precision } from './embeddings.js';
import { fromNative } from './errors.js';
import type { NativeCancellation, NativeSharedRows } from './native/index.js';
import { sharedRows, type Vectors } from './vectors.js';

/** Products that are computed at once without leaving the calling thread: waking another one takes longer. */
const smallCall = 1 << 20;

/** Whether every row of `a` with every row of `b` is little work, or each row of `a` alone. */
export function isSmall(a: Vectors<Precision>, b?: Vectors<Precision>): boolean {
  if (b === undefined) return a.rows * a.dim <= smallCall;
  return a.rows * b.rows * a.dim <= smallCall && (a.rows + b.rows) * a.dim <= smallCall;
}

/** A call of the addon that is done when it returns. */
export function atOnce<T>(compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw fromNative(error);
  }
}

/** A call of the addon that works on threads of its own, with the vectors where they may read them. */
export async function onPool<T, Inputs extends readonly Vectors<Precision>[]>(
  vectors: readonly [...Inputs],
  signal: AbortSignal | undefined,
  compute: (rows: { [i in keyof Inputs]: NativeSharedRows }, cancellation: NativeCancellation) => Promise<T>,
): Promise<T> {
  const run = async (cancellation: NativeCancellation): Promise<T> => {
    const shared: Awaited<ReturnType<typeof sharedRows>>[] = [];
    try {
      for (const input of vectors) shared.push(await sharedRows(input));
      return await compute(shared.map(({ rows }) => rows) as { [i in keyof Inputs]: NativeSharedRows }, cancellation);
    } finally {
      for (const { copy } of shared) copy?.release();
    }
  };
  try {
    return await cancellable(signal, run);
  } catch (error) {
    throw fromNative(error, signal);
  }
}
