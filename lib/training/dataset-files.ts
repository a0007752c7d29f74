import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { InvalidArgumentError, IoError, messageOf, MissingDependencyError, systemCode } from '../errors.js';
import { boolean, knownOptions, nonEmptyString, stringArray } from '../validate.js';
import { labelNames } from './columns.js';
import type { DatasetRow } from './dataset.js';

export interface DatasetFileOptions {
  /** The columns to read, in the order that gives them their roles. Default: all, in the file's order. */
  readonly columns?: readonly string[];
  /**
   * Whether `fit` keeps the token ids in `FILE.stillvec-tokens` beside the file, and takes them from there as long as
   * file and tokenizer are unchanged. Default: for files from 64 MB on, where the folder can be written.
   */
  readonly tokenCache?: boolean;
}

/** A file of rows; every iteration reads it from its beginning. */
export class DatasetFile implements AsyncIterable<DatasetRow> {
  /** @internal */
  constructor(
    readonly file: string,
    readonly columns: readonly string[] | undefined,
    readonly tokenCache: boolean | undefined,
  ) {}

  [Symbol.asyncIterator](): AsyncGenerator<DatasetRow, void, undefined> {
    return readRows(this);
  }
}

/** A row as a file gives it: anything may stand in its cells. */
type RawRow = Readonly<Record<string, unknown>>;

const readers: readonly (readonly [pattern: RegExp, read: (file: string) => AsyncIterable<RawRow>])[] = [
  [/\.(?:jsonl|ndjson)(?:\.gz)?$/i, readJsonLines],
  [/\.csv(?:\.gz)?$/i, (file) => readSeparated(file, ',')],
  [/\.tsv(?:\.gz)?$/i, (file) => readSeparated(file, '\t')],
  [/\.parquet$/i, readParquet],
];

/**
 * The rows of a JSON Lines, CSV, TSV (each also gzipped) or Parquet file, read as they are asked for: the file may be
 * larger than memory. Give it to `fit` as `trainDataset`, as often as you like. CSV and TSV need the package `csv-parse`, Parquet `hyparquet`.
 *
 * @throws IoError when the file cannot be read, InvalidArgumentError naming the line for a damaged one,
 * MissingDependencyError saying what to install.
 */
export function readDatasetFile(file: string, options: DatasetFileOptions = {}): DatasetFile {
  knownOptions('readDatasetFile', options, ['columns', 'tokenCache']);
  const columns = options.columns && stringArray('columns', options.columns);
  const tokenCache = options.tokenCache === undefined ? undefined : boolean('tokenCache', options.tokenCache);
  readerOf(nonEmptyString('file', file));
  return new DatasetFile(file, columns, tokenCache);
}

function readerOf(file: string): (file: string) => AsyncIterable<RawRow> {
  const reader = readers.find(([pattern]) => pattern.test(file));
  if (reader !== undefined) return reader[1];
  throw new InvalidArgumentError(
    `expected a .jsonl, .csv, .tsv (or .gz of them) or .parquet file but received ${file}`,
  );
}

async function* readRows({ file, columns }: DatasetFile): AsyncGenerator<DatasetRow, void, undefined> {
  try {
    await access(file);
    // Cells that are neither texts nor labels are refused by whoever trains on them, with row and column.
    for await (const row of readerOf(file)(file))
      yield (columns === undefined ? row : select(row, columns)) as DatasetRow;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new IoError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function select(row: RawRow, columns: readonly string[]): RawRow {
  return Object.fromEntries(columns.map((name) => [name, row[name]]));
}

function openText(file: string): Readable {
  const bytes = createReadStream(file);
  if (!/\.gz$/i.test(file)) return bytes;
  const text = createGunzip();
  bytes.on('error', (error) => text.destroy(error));
  return bytes.pipe(text);
}

async function* readJsonLines(file: string): AsyncGenerator<RawRow> {
  const input = openText(file);
  let number = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      ++number;
      if (line.trim() !== '') yield JSON.parse(line) as RawRow;
    }
  } catch (error) {
    throw damaged(file, number, error);
  } finally {
    input.destroy();
  }
}

function damaged(file: string, line: number, cause: unknown): unknown {
  if (cause instanceof Error && 'syscall' in cause) return cause;
  return new InvalidArgumentError(`${file}, line ${line}: ${messageOf(cause)}`, { cause });
}

async function* readSeparated(file: string, delimiter: string): AsyncGenerator<RawRow> {
  const { parse } = await importCsvParse();
  const input = openText(file);
  const rows = input.pipe(parse({ columns: true, delimiter, bom: true, quote: delimiter === ',' ? '"' : null }));
  input.on('error', (error) => rows.destroy(error));
  try {
    for await (const row of rows) yield withNumericLabels(row as Record<string, string>);
  } catch (error) {
    throw damaged(file, rows.info.lines, error);
  } finally {
    input.destroy();
  }
}

function withNumericLabels(row: Record<string, string>): RawRow {
  const label = labelNames.find((name) => name in row);
  return label === undefined ? row : { ...row, [label]: Number(row[label]) };
}

async function* readParquet(file: string): AsyncGenerator<RawRow> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await importHyparquet();
  const buffer = await asyncBufferFromFile(file);
  try {
    const metadata = await parquetMetadataAsync(buffer);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      yield* await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd });
      rowStart = rowEnd;
    }
  } catch (error) {
    throw new InvalidArgumentError(`${file}: ${messageOf(error)}`, { cause: error });
  }
}

// The imports stand in a `try` of their own: bundlers go on without a missing package there, and only there.

async function importCsvParse() {
  try {
    return await import('csv-parse');
  } catch (error) {
    throw withoutPackage('csv-parse', error);
  }
}

async function importHyparquet() {
  try {
    return await import('hyparquet');
  } catch (error) {
    throw withoutPackage('hyparquet', error);
  }
}

function withoutPackage(name: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error;
  return new MissingDependencyError(
    `Files of this kind are read with the package ${name}, which is not installed. Install it: npm install ${name}`,
    { cause: error },
  );
}
