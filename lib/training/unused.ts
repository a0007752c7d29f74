import type { ColumnRole } from './columns.js';

/** What a run took of its dataset. */
export interface FitDataset {
  readonly rows: number;
  /** Rows that no batch of an epoch held: the most of any epoch that came to its end. */
  readonly unusedRows: number;
  /** The columns of texts, and what each is to the loss. */
  readonly columns: readonly ColumnRole[];
  readonly unusedColumns: readonly string[];
}

/** Says so, once a run, where the loss has no use for a column. */
export function warnOfUnusedColumns({ columns, unusedColumns }: Omit<FitDataset, 'unusedRows'>, loss: string): void {
  if (unusedColumns.length === 0) return;
  const roles = columns.map(({ name, role }) => `${name} as ${role}`).join(', ');
  warn(
    'STILLVEC_COLUMNS_NOT_USED',
    `fit does not use ${list(unusedColumns)} of trainDataset: ${loss} takes ${roles}. Leave out what is not meant for it`,
  );
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

function list(names: readonly string[]): string {
  return `the column${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
}

function warn(code: string, message: string): void {
  process.emitWarning(message, { type: 'StillvecWarning', code });
}
