import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import { invalidArgument } from '../validate.js';
import { similarityLabel } from './label-needs.js';
import { layOutColumns, type ColumnLayout, type ColumnNeeds } from './columns.js';

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
  readonly layout: ColumnLayout;
}

/** Any texts, and a label if there is one. */
const anyColumns: ColumnNeeds = { texts: ['text'], furtherTexts: 'text', label: similarityLabel };

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}

function isIterable(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}

/** Collects rows into columns; the first row decides which columns there are. */
class ColumnBuilder {
  #layout: ColumnLayout = { texts: [], unused: [] };
  #texts: string[][] = [];
  #labels: number[] = [];
  #cells = 0;
  #rows = 0;
  #taken = 0;

  constructor(
    private readonly option: string,
    private readonly needs: ColumnNeeds,
  ) {}

  add(row: unknown): void {
    const at = `${this.option}[${this.#rows}]`;
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      throw invalidArgument(at, 'a row such as { anchor, positive }', row);
    }
    const cells = row as Readonly<Record<string, unknown>>;
    const names = Object.keys(cells);
    if (this.#rows === 0) this.#layOut(cells);
    for (const [i, { name }] of this.#layout.texts.entries()) {
      const text = cells[name];
      if (typeof text !== 'string') throw invalidArgument(`${at}.${name}`, 'a string', text);
      this.#texts[i]?.push(text);
    }
    const { label: labelName } = this.#layout;
    if (labelName !== undefined) {
      const label = cells[labelName];
      if (typeof label !== 'number' || !Number.isFinite(label)) {
        throw invalidArgument(`${at}.${labelName}`, 'a finite number', label);
      }
      this.#labels.push(label);
    }
    if (names.length > this.#cells) {
      const extra = names.find((name) => !this.#isKnown(name));
      throw new InvalidArgumentError(`${at} has a column ${extra}, which the first row of ${this.option} has not`);
    }
    ++this.#rows;
  }

  /** The rows since the last part. */
  takePart(): TrainingColumns {
    const columns = this.#layout.texts.map(({ name }, i) => ({ name, texts: this.#texts[i]?.splice(0) ?? [] }));
    const part = { columns, rows: this.pending, layout: this.#layout };
    this.#taken = this.#rows;
    return this.#layout.label === undefined ? part : { ...part, labels: Float32Array.from(this.#labels.splice(0)) };
  }

  get pending(): number {
    return this.#rows - this.#taken;
  }

  #layOut(cells: Readonly<Record<string, unknown>>): void {
    this.#layout = layOutColumns(this.option, this.needs, Object.entries(cells));
    this.#texts = this.#layout.texts.map(() => []);
    this.#cells = Object.keys(cells).length;
  }

  #isKnown(name: string): boolean {
    const { texts, label, unused } = this.#layout;
    return name === label || unused.includes(name) || texts.some((column) => column.name === name);
  }
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

/** A value of a column, to tell what it holds; the column itself where it is none. */
function sampleOf(values: unknown): unknown {
  const isArray = Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView));
  return isArray ? (values as ArrayLike<unknown>)[0] : '';
}

function fromColumns(option: string, needs: ColumnNeeds, dataset: Readonly<Record<string, unknown>>): TrainingColumns {
  const sample = Object.entries(dataset).map(([name, values]) => [name, sampleOf(values)] as const);
  const layout = layOutColumns(option, needs, sample);
  const { label } = layout;
  const columns = layout.texts.map(({ name }) => ({ name, texts: checkTexts(`${option}.${name}`, dataset[name]) }));
  const rows = columns[0]?.texts.length ?? 0;
  const labels = label === undefined ? undefined : checkLabels(`${option}.${label}`, dataset[label]);
  const lengths = columns.map(({ name, texts }) => ({ name, length: texts.length }));
  if (labels !== undefined) lengths.push({ name: label ?? '', length: labels.length });
  for (const { name, length } of lengths) {
    if (length === rows) continue;
    throw new InvalidArgumentError(
      `expected columns of equal length in ${option} but ${columns[0]?.name} has ${rows} rows and ${name} has ${length}`,
    );
  }
  if (rows === 0) throw new InvalidArgumentError(`expected at least one row in ${option} but it is empty`);
  return labels === undefined ? { columns, rows, layout } : { columns, rows, labels, layout };
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
 * @param options - `option` is the dataset's name in errors; `needs` are the loss's columns; `signal` stops the reading
 * of an iterable.
 * @throws InvalidArgumentError naming row, column and value: a text that is no string, a label that is no finite
 * number, a missing or surplus column, columns of unequal length, no text column, no rows.
 */
export async function* datasetParts(
  dataset: unknown,
  {
    option = 'trainDataset',
    needs = anyColumns,
    signal,
  }: { option?: string; needs?: ColumnNeeds; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<TrainingColumns> {
  signal?.throwIfAborted();
  if (typeof dataset !== 'object' || dataset === null || 'then' in dataset) {
    throw invalidArgument(option, 'an array of rows, an object of columns or an (async) iterable of rows', dataset);
  }
  if (!isAsyncIterable(dataset) && !isIterable(dataset)) {
    yield fromColumns(option, needs, dataset as Readonly<Record<string, unknown>>);
    return;
  }
  const builder = new ColumnBuilder(option, needs);
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
