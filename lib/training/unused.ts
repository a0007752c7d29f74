import type { ColumnRole } from './columns.js';

/** What a run took of its dataset. */
export interface FitDataset {
  readonly rows: number;
  /** Rows that no batch of an epoch held: the most of any epoch that came to its end. */
  readonly unusedRows: number;
  /** The columns of texts, and what each is to the loss. */
  readonly columns: readonly ColumnRole[];
  /** The column of the label, where the loss takes one. */
  readonly label?: string;
}

/**
 * Says so, once a run, where rows are left out of an epoch.
 *
 * @param expected - As many are left out for their number alone: they fill no batch.
 */
export function warnOfUnusedRows({ rows, unusedRows }: FitDataset, batchSampler: string, expected: number): void {
  if (unusedRows <= expected) return;
  const why =
    batchSampler === 'no_duplicates'
      ? ": batchSampler 'no_duplicates' puts no text twice into a batch, and many rows share one. Leave out a column that " +
        "says the same in many rows, or train with batchSampler 'random'"
      : '';
  warn('STILLVEC_ROWS_NOT_USED', `fit left ${unusedRows} of the ${rows} rows of trainDataset out of an epoch${why}`);
}

function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'StillvecWarning', code });
}
