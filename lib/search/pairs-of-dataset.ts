import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import { describe, invalidArgument, nearestName } from '../validate.js';

/** The texts of two columns of a dataset, row by row. */
export interface Pairs {
  readonly anchorName: string;
  readonly positiveName: string;
  readonly anchors: string[];
  readonly positives: string[];
}

/** Names of columns; those that are not given are the first and the second. */
export interface PairNames {
  readonly anchorColumnName: string | undefined;
  readonly positiveColumnName: string | undefined;
}

/**
 * Reads two text columns of rows, of columns or of an (async) iterable of rows.
 *
 * @throws InvalidArgumentError naming the row, the column and the value.
 */
export async function pairsOf(dataset: unknown, names: PairNames, signal: AbortSignal | undefined): Promise<Pairs> {
  signal?.throwIfAborted();
  if (typeof dataset !== 'object' || dataset === null || 'then' in dataset) {
    throw invalidArgument('dataset', 'an array of rows, an object of columns or an (async) iterable of rows', dataset);
  }
  const pairs = isIterable(dataset)
    ? await pairsOfRows(dataset, names, signal)
    : pairsOfColumns(dataset as Readonly<Record<string, unknown>>, names);
  if (pairs.anchors.length > 0) return pairs;
  throw new InvalidArgumentError('expected at least one row in dataset but it is empty');
}

function isIterable(value: object): value is Iterable<unknown> | AsyncIterable<unknown> {
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

async function pairsOfRows(
  rows: Iterable<unknown> | AsyncIterable<unknown>,
  names: PairNames,
  signal: AbortSignal | undefined,
): Promise<Pairs> {
  const anchors: string[] = [];
  const positives: string[] = [];
  let columns: [string, string] | undefined;
  const pause = new Pause();
  let row = 0;
  for await (const cells of rows) {
    await pause.ifDue();
    signal?.throwIfAborted();
    const at = `dataset[${row++}]`;
    if (typeof cells !== 'object' || cells === null || Array.isArray(cells)) {
      throw invalidArgument(at, 'a row such as { anchor, positive }', cells);
    }
    columns ??= columnNames(Object.keys(cells), names);
    for (const [i, name] of columns.entries()) {
      const text = (cells as Readonly<Record<string, unknown>>)[name];
      if (typeof text !== 'string') throw invalidArgument(`${at}.${name}`, 'a string', text);
      (i === 0 ? anchors : positives).push(text);
    }
  }
  return { anchorName: columns?.[0] ?? '', positiveName: columns?.[1] ?? '', anchors, positives };
}

function pairsOfColumns(columns: Readonly<Record<string, unknown>>, names: PairNames): Pairs {
  const [anchorName, positiveName] = columnNames(Object.keys(columns), names);
  const anchors = textsOf(anchorName, columns[anchorName]);
  const positives = textsOf(positiveName, columns[positiveName]);
  if (anchors.length === positives.length) return { anchorName, positiveName, anchors, positives };
  throw new InvalidArgumentError(
    `expected columns of equal length in dataset but ${anchorName} has ${anchors.length} rows and ${positiveName} has ` +
      String(positives.length),
  );
}

function textsOf(name: string, values: unknown): string[] {
  if (!Array.isArray(values)) throw invalidArgument(`dataset.${name}`, 'an array of strings', values);
  return Array.from(values as readonly unknown[], (text, row) => {
    if (typeof text !== 'string') throw invalidArgument(`dataset.${name}[${row}]`, 'a string', text);
    return text;
  });
}

function columnNames(columns: readonly string[], names: PairNames): [string, string] {
  const [anchor, positive] = [
    column('anchorColumnName', names.anchorColumnName, columns, columns[0]),
    column('positiveColumnName', names.positiveColumnName, columns, columns[1]),
  ];
  if (anchor !== undefined && positive !== undefined && anchor !== positive) return [anchor, positive];
  throw new InvalidArgumentError(
    `expected two text columns, an anchor and a positive, in dataset but received ${
      anchor === positive && anchor !== undefined ? `${anchor} for both` : columns.join(', ') || 'no columns'
    }`,
  );
}

function column(
  option: string,
  name: string | undefined,
  columns: readonly string[],
  byDefault: string | undefined,
): string | undefined {
  if (name === undefined || columns.includes(name)) return name ?? byDefault;
  const nearest = nearestName(name, columns);
  throw new InvalidArgumentError(
    `expected a column of dataset (${columns.join(', ')}) for ${option} but received ${describe(name)}` +
      (nearest === undefined ? '' : `: did you mean ${nearest}?`),
  );
}
