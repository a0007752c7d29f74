import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import type { MatrixLike } from '../matrix.js';
import { invalidArgument } from '../validate.js';
import { layOutColumns, type ColumnLayout, type ColumnTaker } from './columns.js';
import type { LabelShape } from './label-needs.js';
import { LabelPacker, type Label } from './labels.js';

/** One training example: its texts by column name and, where the loss wants one, its label. */
export type DatasetRow = Readonly<Record<string, string | Label>>;

/** A dataset column by column; all columns have the same length. A column of vectors may be what `encode` gave. */
export type DatasetColumns = Readonly<Record<string, readonly string[] | ArrayLike<Label> | MatrixLike>>;

/**
 * What `fit` and the losses read: an array of rows, an object of columns, or an (async) iterable of rows, which is read
 * to its end. The order of the columns (in the first row) gives the texts their roles: anchor, positive, negatives. The
 * first of the columns `label`, `labels`, `score`, `scores` holds the label: a number, numbers or a vector (an array or a
 * typed array), or one vector a text column (an array of them).
 *
 * A row is what `DatasetRow` says. Its type is wider, since TypeScript gives interfaces and classes no index signature.
 */
export type Dataset = readonly object[] | DatasetColumns | Iterable<object> | AsyncIterable<object>;

/** One text column of a dataset. */
export interface TextColumn {
  readonly name: string;
  readonly texts: readonly string[];
}

/** A dataset, or a part of it, in the form that training uses: checked, column-wise, with the label apart. */
export interface TrainingColumns {
  readonly columns: readonly TextColumn[];
  /** Rows x (vectors * width). */
  readonly labels?: { readonly values: Float32Array; readonly shape: LabelShape };
  readonly rows: number;
  readonly layout: ColumnLayout;
}

/** How a dataset is read. */
export interface DatasetReading {
  /** Its name in errors. */
  readonly option: string;
  /** Who takes its columns. */
  readonly taker: ColumnTaker;
  /** Width of the model, which some labels must have. */
  readonly dim: number;
  readonly signal?: AbortSignal | undefined;
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}

/** Collects rows into columns; the first row decides which columns there are. */
class ColumnBuilder {
  #layout: ColumnLayout = { texts: [] };
  #texts: string[][] = [];
  #labels: LabelPacker | undefined;
  #cells = 0;
  #rows = 0;
  #taken = 0;

  constructor(private readonly reading: DatasetReading) {}

  add(row: unknown): void {
    const at = `${this.reading.option}[${this.#rows}]`;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw invalidArgument(at, 'a row such as { anchor, positive }', row);
    }
    const cells = row as Readonly<Record<string, unknown>>;
    const names = Object.keys(cells);
    if (this.#rows === 0) this.#layOut(cells);
    const { texts, label } = this.#layout;
    for (const [i, { name }] of texts.entries()) {
      const text = cells[name];
      if (typeof text !== 'string') throw invalidArgument(`${at}.${name}`, 'a string', text);
      this.#texts[i]?.push(text);
    }
    if (label !== undefined) this.#labels?.add(cells[label]);
    if (names.length > this.#cells) {
      const extra = names.find((name) => name !== label && texts.every((column) => column.name !== name));
      throw new InvalidArgumentError(
        `${at} has a column ${extra}, which the first row of ${this.reading.option} has not`,
      );
    }
    ++this.#rows;
  }

  /** The rows since the last part. */
  takePart(): TrainingColumns {
    const columns = this.#layout.texts.map(({ name }, i) => ({ name, texts: this.#texts[i]?.splice(0) ?? [] }));
    const part = { columns, rows: this.pending, layout: this.#layout };
    this.#taken = this.#rows;
    return withLabels(part, this.#labels);
  }

  get pending(): number {
    return this.#rows - this.#taken;
  }

  #layOut(cells: Readonly<Record<string, unknown>>): void {
    const { option, taker } = this.reading;
    this.#layout = layOutColumns(option, taker, Object.entries(cells));
    this.#texts = this.#layout.texts.map(() => []);
    this.#cells = Object.keys(cells).length;
    this.#labels = packerOf(this.#layout, this.reading, (row) => `${option}[${row}].${this.#layout.label}`);
  }
}

/** For the labels of a dataset; undefined where it has none. */
function packerOf(
  { texts, label }: ColumnLayout,
  { taker, dim }: DatasetReading,
  place: (row: number) => string,
): LabelPacker | undefined {
  const needs = taker.needs.label;
  return label === undefined || needs === undefined
    ? undefined
    : new LabelPacker(place, { needs, texts: texts.length, dim });
}

function withLabels(part: TrainingColumns, packer: LabelPacker | undefined): TrainingColumns {
  return packer?.shape === undefined ? part : { ...part, labels: { values: packer.takePart(), shape: packer.shape } };
}

function checkTexts(option: string, values: unknown): readonly string[] {
  if (!Array.isArray(values)) throw invalidArgument(option, 'an array of strings', values);
  const texts: readonly unknown[] = values;
  for (let row = 0; row < texts.length; ++row) {
    if (typeof texts[row] !== 'string') throw invalidArgument(`${option}[${row}]`, 'a string', texts[row]);
  }
  return values as readonly string[];
}

/** The values of a column: a matrix has a row for each. */
function cellsOf(values: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView))) {
    return values as unknown as ArrayLike<unknown>;
  }
  if (typeof values !== 'object' || values === null || !('data' in values && 'shape' in values)) return undefined;
  const { data, shape } = values as MatrixLike;
  const [rows, columns] = shape;
  return Array.from({ length: rows }, (_, row) => data.subarray(row * columns, (row + 1) * columns));
}

/** Labels that are looked at between two looks at the clock. */
const labelsAtOnce = 256;

async function packLabels(option: string, packer: LabelPacker, values: unknown): Promise<number> {
  const labels = cellsOf(values);
  if (labels === undefined) throw invalidArgument(option, 'an array of labels', values);
  const pause = new Pause();
  for (let row = 0; row < labels.length; ++row) {
    packer.add(labels[row], labels.length - row);
    if (row % labelsAtOnce === 0) await pause.ifDue();
  }
  return labels.length;
}

async function fromColumns(
  dataset: Readonly<Record<string, unknown>>,
  reading: DatasetReading,
): Promise<TrainingColumns> {
  const { option, taker } = reading;
  // A column that is none is no text either, which is said when it is read.
  const sample = Object.entries(dataset).map(([name, values]) => [name, (cellsOf(values) ?? [''])[0]] as const);
  const layout = layOutColumns(option, taker, sample);
  const columns = layout.texts.map(({ name }) => ({ name, texts: checkTexts(`${option}.${name}`, dataset[name]) }));
  const rows = columns[0]?.texts.length ?? 0;
  const lengths = columns.map(({ name, texts }) => ({ name, length: texts.length }));
  const { label } = layout;
  const packer = packerOf(layout, reading, (row) => `${option}.${label}[${row}]`);
  if (packer !== undefined && label !== undefined) {
    lengths.push({ name: label, length: await packLabels(`${option}.${label}`, packer, dataset[label]) });
  }
  for (const { name, length } of lengths) {
    if (length === rows) continue;
    throw new InvalidArgumentError(
      `expected columns of equal length in ${option} but ${columns[0]?.name} has ${rows} rows and ${name} has ${length}`,
    );
  }
  if (rows === 0) throw new InvalidArgumentError(`expected at least one row in ${option} but it is empty`);
  return withLabels({ columns, rows, layout }, packer);
}

/** Rows of an iterable that are held as strings at a time. */
const rowsPerPart = 8192;

/** How many rows a dataset has, or undefined for an iterable, which knows that only at its end. */
export function datasetRows(dataset: Dataset): number | undefined {
  if (Array.isArray(dataset)) return dataset.length;
  if (typeof dataset !== 'object' || isAsyncIterable(dataset) || isIterable(dataset)) return undefined;
  return cellsOf(Object.values(dataset)[0])?.length;
}

/**
 * Reads and checks a dataset part by part, so that one which is larger than memory can be used up as it comes. All parts
 * have the same columns.
 *
 * @param dataset - Rows, columns or an (async) iterable of rows.
 * @throws InvalidArgumentError naming row, column and value: a text that is no string, a label that the taker cannot use,
 * a missing or surplus column, columns of unequal length, no rows.
 */
export async function* datasetParts(dataset: unknown, reading: DatasetReading): AsyncGenerator<TrainingColumns> {
  const { option, signal } = reading;
  signal?.throwIfAborted();
  if (typeof dataset !== 'object' || dataset === null || 'then' in dataset) {
    throw invalidArgument(option, 'an array of rows, an object of columns or an (async) iterable of rows', dataset);
  }
  if (!isAsyncIterable(dataset) && !isIterable(dataset)) {
    yield await fromColumns(dataset as Readonly<Record<string, unknown>>, reading);
    return;
  }
  const builder = new ColumnBuilder(reading);
  // An iteration that has nothing to wait for gives nobody else a turn.
  const pause = new Pause();
  let parts = 0;
  for await (const row of dataset) {
    await pause.ifDue();
    signal?.throwIfAborted();
    builder.add(row);
    if (builder.pending < rowsPerPart) continue;
    yield builder.takePart();
    ++parts;
  }
  if (builder.pending > 0) yield builder.takePart();
  else if (parts === 0) throw new InvalidArgumentError(`expected at least one row in ${option} but it is empty`);
}
