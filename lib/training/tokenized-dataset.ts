import type { NativeTokenColumn } from '../native/index.js';
import type { ColumnLayout } from './columns.js';
import type { LabelShape } from './label-needs.js';
import type { RowValues } from './row-values.js';

/** The labels of a dataset, rows x (vectors * width). */
export interface DatasetLabels extends RowValues {
  readonly shape: LabelShape;
}

/** A dataset as training takes it: the ids of its texts, its labels, and which of its columns they are. */
export interface TokenizedDataset {
  readonly columns: readonly NativeTokenColumn[];
  /** Undefined where the loss takes none. */
  readonly labels: DatasetLabels | undefined;
  /** What the guides of the loss make of the texts: one a column for each term that has a guide. */
  readonly guides: readonly (readonly RowValues[])[];
  readonly layout: ColumnLayout;
  readonly rows: number;
}
