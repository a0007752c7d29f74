import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import { describe, invalidArgument } from '../validate.js';

/** One training example: its texts by column name and, where the loss wants one, a number as label. */
export type DatasetRow = Readonly<Record<string, string | number>>;

/** A dataset column by column; all columns have the same length. */
export type DatasetColumns = Readonly<Record<string, readonly string[] | ArrayLike<number>>>;

/**
 * What `fit` and the losses read: an array of rows, an object of columns, or an (async) iterable of rows, which is read
 * to its end. The order of the columns (in the first row) gives the texts their roles: anchor, positive, negatives. The
 * first of the columns `label`, `labels`, `score`, `scores` holds the label.
 *
 * A row is what `DatasetRow` says. Its type is wider, since TypeScript gives interfaces and classes no index signature.
 */
export type Dataset = readonly object[] | DatasetColumns | Iterable<object> | AsyncIterable<object>;

/** One text column of a dataset. */
export interface TextColumn {
  readonly name: string;
  readonly texts: readonly string[];
}

/** A dataset in the form that training uses: checked, column-wise, with the label apart. */
export interface TrainingColumns {
  readonly columns: readonly TextColumn[];
  readonly labels?: Float32Array;
  readonly rows: number;
}

/** Columns that hold a label rather than a text, the first that there is. */
export const labelNames = ['label', 'labels', 'score', 'scores'];

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}

/** Collects rows into columns; the first row decides which columns there are. */
class ColumnBuilder {
  private readonly columns: { name: string; texts: string[] }[] = [];
  private labelName: string | undefined;
  private readonly labels: number[] = [];
  private rows = 0;
  private taken = 0;

  constructor(private readonly option: string) {}

  add(row: unknown): void {
    const at = `${this.option}[${this.rows}]`;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw invalidArgument(at, 'a row such as { anchor, positive }', row);
    }
    const cells = row as Readonly<Record<string, unknown>>;
    if (this.rows === 0) this.adoptColumns(Object.keys(cells));
    let cellCount = this.columns.length;
    for (const { name, texts } of this.columns) {
      const text = cells[name];
      if (typeof text !== 'string') throw invalidArgument(`${at}.${name}`, 'a string', text);
      texts.push(text);
    }
    if (this.labelName !== undefined) {
      ++cellCount;
      const label = cells[this.labelName];
      if (typeof label !== 'number' || !Number.isFinite(label)) {
        throw invalidArgument(`${at}.${this.labelName}`, 'a finite number', label);
      }
      this.labels.push(label);
    }
    const names = Object.keys(cells);
    if (names.length !== cellCount) {
      const known = [...this.columns.map((column) => column.name), this.labelName];
      const extra = names.find((name) => !known.includes(name));
      throw new InvalidArgumentError(`${at} has a column ${extra}, which the first row of ${this.option} has not`);
    }
    ++this.rows;
  }

  /** The rows since the last part. */
  takePart(): TrainingColumns {
    const columns = this.columns.map(({ name, texts }) => ({ name, texts: texts.splice(0) }));
    const part = { columns, rows: this.rows - this.taken };
    this.taken = this.rows;
    return this.labelName === undefined ? part : { ...part, labels: Float32Array.from(this.labels.splice(0)) };
  }

  get pending(): number {
    return this.rows - this.taken;
  }

  private adoptColumns(names: readonly string[]): void {
    const { label, texts } = splitNames(this.option, names);
    this.labelName = label;
    for (const name of texts) this.columns.push({ name, texts: [] });
  }
}

/** Which of the column names holds the label, and which hold texts, in their order. */
function splitNames(option: string, names: readonly string[]): { label: string | undefined; texts: readonly string[] } {
  const label = labelNames.find((name) => names.includes(name));
  const texts = names.filter((name) => name !== label);
  if (texts.length === 0) {
    const found = names.length === 0 ? 'no columns' : `only ${names.join(', ')}`;
    throw new InvalidArgumentError(`expected at least one text column in ${option} but found ${found}`);
  }
  return { label, texts };
}

function checkTexts(option: string, values: unknown): readonly string[] {
  if (!Array.isArray(values)) throw invalidArgument(option, 'an array of strings', values);
  const texts: readonly unknown[] = values;
  for (let row = 0; row < texts.length; ++row) {
    if (typeof texts[row] !== 'string') throw invalidArgument(`${option}[${row}]`, 'a string', texts[row]);
  }
  return values as readonly string[];
}

function checkLabels(option: string, values: unknown): Float32Array {
  const isTypedArray = ArrayBuffer.isView(values) && !(values instanceof DataView);
  if (!Array.isArray(values) && !isTypedArray) throw invalidArgument(option, 'an array of numbers', values);
  const numbers = values as ArrayLike<unknown>;
  const labels = new Float32Array(numbers.length);
  for (let row = 0; row < numbers.length; ++row) {
    const label = numbers[row];
    if (typeof label !== 'number' || !Number.isFinite(label)) {
      throw invalidArgument(`${option}[${row}]`, 'a finite number', label);
    }
    labels[row] = label;
  }
  return labels;
}

function fromColumns(option: string, dataset: Readonly<Record<string, unknown>>): TrainingColumns {
  const names = splitNames(option, Object.keys(dataset));
  const columns = names.texts.map((name) => ({ name, texts: checkTexts(`${option}.${name}`, dataset[name]) }));
  const rows = columns[0]?.texts.length ?? 0;
  const labels = names.label === undefined ? undefined : checkLabels(`${option}.${names.label}`, dataset[names.label]);
  const lengths = columns.map(({ name, texts }) => ({ name, length: texts.length }));
  if (labels !== undefined) lengths.push({ name: names.label ?? '', length: labels.length });
  for (const { name, length } of lengths) {
    if (length === rows) continue;
    throw new InvalidArgumentError(
      `expected columns of equal length in ${option} but ${columns[0]?.name} has ${rows} rows and ${name} has ${length}`,
    );
  }
  if (rows === 0) throw new InvalidArgumentError(`expected at least one row in ${option} but it is empty`);
  return labels === undefined ? { columns, rows } : { columns, rows, labels };
}

/** Rows of an iterable that are held as strings at a time. */
const rowsPerPart = 8192;

/** How many rows a dataset has, or undefined for an iterable, which knows that only at its end. */
export function datasetRows(dataset: Dataset): number | undefined {
  if (Array.isArray(dataset)) return dataset.length;
  if (typeof dataset !== 'object' || isAsyncIterable(dataset) || isIterable(dataset)) return undefined;
  const [column] = Object.values(dataset);
  return column?.length;
}

/**
 * Reads and checks a dataset part by part, so that one which is larger than memory can be used up as it comes. All parts
 * have the same columns.
 *
 * @param dataset - Rows, columns or an (async) iterable of rows.
 * @param options - `option` is the dataset's name in errors; `signal` stops the reading of an iterable.
 * @throws InvalidArgumentError naming row, column and value: a text that is no string, a label that is no finite
 * number, a missing or surplus column, columns of unequal length, no text column, no rows.
 */
export async function* datasetParts(
  dataset: unknown,
  { option = 'trainDataset', signal }: { option?: string; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainingColumns> {
  signal?.throwIfAborted();
  if (typeof dataset !== 'object' || dataset === null) {
    throw new InvalidArgumentError(
      `expected an array of rows, an object of columns or an (async) iterable of rows for ${option} but received ` +
        describe(dataset),
    );
  }
  if (!isAsyncIterable(dataset) && !isIterable(dataset)) {
    yield fromColumns(option, dataset as Readonly<Record<string, unknown>>);
    return;
  }
  const builder = new ColumnBuilder(option);
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
