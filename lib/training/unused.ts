import type { TrainingDataset } from './training-data.js';
import type { FitSettings } from './fit-options.js';
import type { FitDataset } from './fit-result.js';

/** The rows of which an epoch's batches were made. */
export class RowUsage {
  readonly #epochs = new Map<number, number[]>();

  constructor(private readonly datasets: readonly TrainingDataset[]) {}

  /** @param dataset - Its number. */
  add(epoch: number, dataset: number, rows: number): void {
    const used = this.#epochs.get(epoch) ?? this.datasets.map(() => 0);
    used[dataset] = (used[dataset] ?? 0) + rows;
    this.#epochs.set(epoch, used);
  }

  /**
   * How many rows of each dataset no batch of an epoch held: the most of any epoch that is told of from beginning to end.
   *
   * @param begun - Whether the first epoch is.
   * @param ended - Whether the last one is.
   */
  unusedRows(begun: boolean, ended: boolean): readonly number[] {
    const epochs = [...this.#epochs.values()].slice(begun ? 0 : 1, ended ? undefined : -1);
    return this.datasets.map(({ rows }, i) => Math.max(0, ...epochs.map((used) => rows - (used[i] ?? 0))));
  }
}

/** What a run tells of its datasets, by their names. */
export function describeDatasets(
  datasets: readonly TrainingDataset[],
  unusedRows: readonly number[],
): Readonly<Record<string, FitDataset>> {
  return Object.fromEntries(
    datasets.map(({ name, rows, layout: { texts, label } }, i) => [
      name,
      { rows, unusedRows: unusedRows[i] ?? 0, columns: texts, ...(label !== undefined && { label }) },
    ]),
  );
}

/** Says so, once a run, where more rows are left out of an epoch than fill no batch. */
export function warnOfUnusedRows(
  datasets: Readonly<Record<string, FitDataset>>,
  { batchSampler, multiDatasetBatchSampler, dropLast, batchSize }: FitSettings,
): void {
  const names = Object.keys(datasets);
  if (names.length > 1 && multiDatasetBatchSampler === 'round_robin') return; // it ends with the shortest
  const expected = dropLast ? batchSize - 1 : 1;
  const why =
    batchSampler === 'no_duplicates'
      ? ": batchSampler 'no_duplicates' puts no text twice into a batch, and many rows share one. Leave out a column that " +
        "says the same in many rows, or train with batchSampler 'random'"
      : '';
  const left = Object.entries(datasets).filter(([, { unusedRows }]) => unusedRows > expected);
  if (left.length === 0) return;
  const counts = left.map(([name, { rows, unusedRows }]) => {
    const option = names.length > 1 ? `trainDataset.${name}` : 'trainDataset';
    return `${unusedRows} of the ${rows} rows of ${option}`;
  });
  process.emitWarning(`fit left ${counts.join(', ')} out of an epoch${why}`, {
    type: 'StillvecWarning',
    code: 'STILLVEC_ROWS_NOT_USED',
  });
}
