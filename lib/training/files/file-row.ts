import { InvalidArgumentError } from '../../errors.js';
import { describe, invalidArgument } from '../../validate.js';
import { labelNames } from '../columns.js';
import type { DatasetRow } from '../dataset.js';

/**
 * Checks what a file holds in the place of a row, as whoever trains on the row no longer knows the line.
 *
 * @param at - File and line.
 * @param columns - The columns to take, in this order; all when undefined.
 */
export function checkFileRow(at: string, row: unknown, columns: readonly string[] | undefined): DatasetRow {
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    throw invalidArgument(at, 'a row such as {"anchor": "...", "positive": "..."}', row);
  }
  const cells = row as Readonly<Record<string, unknown>>;
  const names = columns ?? Object.keys(cells);
  for (const name of names) {
    if (!Object.hasOwn(cells, name)) throw missingColumn(at, name, Object.keys(cells));
    const cell = cells[name];
    if (typeof cell !== 'string' && !isNumeric(cell, labelNames.includes(name) ? labelDepth : 0)) {
      throw unusableCell(at, name, cell);
    }
  }
  return (columns === undefined ? row : Object.fromEntries(names.map((name) => [name, cells[name]]))) as DatasetRow;
}

/** A row of text alone with its label as the number that it says. */
export function withNumericLabel(row: unknown): unknown {
  const cells = row as Readonly<Record<string, string>>;
  const label = labelNames.find((name) => name in cells);
  const text = label === undefined ? undefined : cells[label];
  if (label === undefined || text === undefined) return row;
  // An empty cell is no 0.
  return { ...cells, [label]: text.trim() === '' ? NaN : Number(text) };
}

/** Numbers, or such a list a column, may be a label. */
const labelDepth = 2;

function isNumeric(cell: unknown, depth: number): boolean {
  if (!Array.isArray(cell)) return Number.isFinite(cell);
  return depth > 0 && cell.length > 0 && cell.every((element) => isNumeric(element, depth - 1));
}

/** A file and what its rows hold. */
export interface FileColumns {
  readonly file: string;
  readonly columns: readonly string[];
}

/**
 * Checks that a file of several has the columns of the first one, in whatever order.
 *
 * @param at - File and line of its first row.
 * @returns Those of the first file.
 */
export function checkSameColumns(at: string, row: DatasetRow, first: FileColumns): FileColumns {
  const names = Object.keys(row);
  if (names.length === first.columns.length && first.columns.every((name) => Object.hasOwn(row, name))) return first;
  throw new InvalidArgumentError(
    `${at}: expected the columns of ${first.file}, ${first.columns.join(', ')}, but found ${names.join(', ')}. ` +
      'Name those to read: readDatasetFile(files, { columns: [...] })',
  );
}

function missingColumn(at: string, name: string, found: readonly string[]): InvalidArgumentError {
  return new InvalidArgumentError(
    `${at}: expected a column ${JSON.stringify(name)}, which columns names, but found only ${found.join(', ')}`,
  );
}

function unusableCell(at: string, name: string, cell: unknown): InvalidArgumentError {
  return new InvalidArgumentError(
    `${at}: expected a string or a finite number for ${JSON.stringify(name)} but received ${describe(cell)}. ` +
      'Mend or remove the row, or leave the column out: readDatasetFile(file, { columns: [...] })',
  );
}
