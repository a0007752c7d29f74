import { cancellable } from '../abort.js';
import { native, type NativeTable, type NativeTokenColumn } from '../native/index.js';
import { finiteNumber } from '../validate.js';

export const defaultIdfScale = 5;

/** Beyond, the squares of rows come near the end of float32. */
const greatestScale = 1e6;

export function checkIdfScale(option: string, scale: unknown): number {
  return finiteNumber(option, scale, { above: 0, max: greatestScale });
}

/**
 * The rows of a table, each times `scale` x idf of its token, where
 *
 *     idf = ln((1 + texts) / (1 + texts with the token)) + 1
 *
 * is that of Spärck Jones 1972 (10.1108/eb026526) as scikit-learn smooths it: `TfidfTransformer(smooth_idf=True)`. A
 * token of every text has 1, and one of none has the most.
 *
 * @param columns - The texts. They can only be trained on from now on.
 * @returns A table of float32. The one that was given stays as it is.
 */
export async function scaleByIdf(
  table: NativeTable,
  columns: readonly NativeTokenColumn[],
  scale: number,
  signal: AbortSignal | undefined,
): Promise<NativeTable> {
  const textsWith = await cancellable(signal, (cancellation) =>
    native.documentFrequencies(columns, table.rows, cancellation),
  );
  const texts = columns.reduce((sum, { count }) => sum + count, 0);
  // V8's logarithm is its own, and has the same bits everywhere.
  const factors = Float32Array.from(textsWith, (count) => scale * (Math.log((1 + texts) / (1 + count)) + 1));
  return cancellable(signal, () => table.scaleRows(factors));
}
