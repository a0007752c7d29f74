import { InvalidArgumentError } from '../errors.js';
import { describe, invalidArgument } from '../validate.js';
import type { DatasetRow } from './dataset.js';

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
    if (typeof cell !== 'string' && !Number.isFinite(cell)) throw unusableCell(at, name, cell);
  }
  return (columns === undefined ? row : Object.fromEntries(names.map((name) => [name, cells[name]]))) as DatasetRow;
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
