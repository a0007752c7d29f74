import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { InvalidArgumentError, IoError, messageOf, MissingDependencyError, systemCode } from '../errors.js';
import { boolean, knownOptions, nonEmptyString, stringArray } from '../validate.js';
import { labelNames } from './columns.js';
import type { DatasetRow } from './dataset.js';
import { checkFileRow } from './file-row.js';
import { readLines } from './lines.js';
import { readParquetRows } from './parquet-rows.js';

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

/** The longest record of a CSV or TSV file: an unclosed quote would make one of all that follows it. */
const mostRecordLength = 64 * 2 ** 20;

/** What a file holds in the place of a row, unchecked, and the line or row that it stands in. */
interface FileRow {
  readonly place: string;
  readonly row: unknown;
}

const readers: readonly (readonly [pattern: RegExp, read: (file: string) => AsyncIterable<FileRow>])[] = [
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

function readerOf(file: string): (file: string) => AsyncIterable<FileRow> {
  const reader = readers.find(([pattern]) => pattern.test(file));
  if (reader !== undefined) return reader[1];
  throw new InvalidArgumentError(
    `expected a .jsonl, .csv, .tsv (or .gz of them) or .parquet file but received ${file}`,
  );
}

async function* readRows({ file, columns }: DatasetFile): AsyncGenerator<DatasetRow, void, undefined> {
  try {
    await access(file);
    for await (const { place, row } of readerOf(file)(file)) yield checkFileRow(`${file}, ${place}`, row, columns);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new IoError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The bytes of a file, unpacked; destroying the stream closes the file. */
function openText(file: string, highWaterMark?: number): Readable {
  const bytes = createReadStream(file, { highWaterMark });
  return /\.gz$/i.test(file) ? pipeline(bytes, createGunzip(), leaveToReader) : bytes;
}

/** What ends a pipeline reaches whoever reads its last stream. */
function leaveToReader(): void {
  // Nothing to do here; a pipeline demands a callback.
}

async function* readJsonLines(file: string): AsyncGenerator<FileRow> {
  let number = 1;
  try {
    for await (const line of readLines(openText(file))) {
      if (line.trim() !== '') yield { place: `line ${number}`, row: JSON.parse(line) };
      ++number;
    }
  } catch (error) {
    throw damaged(`${file}, line ${number}`, error);
  }
}

function damaged(at: string, cause: unknown): unknown {
  if (cause instanceof Error && 'syscall' in cause) return cause;
  return new InvalidArgumentError(`${at}: ${messageOf(cause)}`, { cause });
}

/** A row as `csv-parse` gives it. */
interface SeparatedRow {
  readonly record: Readonly<Record<string, string>>;
  readonly info: { readonly lines: number };
}

/** The parser takes a chunk in one go: with the usual 64 KiB it holds up others for long. */
const csvChunkBytes = 1 << 14;

async function* readSeparated(file: string, delimiter: string): AsyncGenerator<FileRow> {
  const { parse } = await importCsvParse();
  const parser = parse({
    columns: true,
    delimiter,
    bom: true,
    quote: delimiter === ',' ? '"' : null,
    max_record_size: mostRecordLength,
    info: true,
  });
  const rows: AsyncIterable<SeparatedRow> = pipeline(openText(file, csvChunkBytes), parser, leaveToReader);
  try {
    for await (const { record, info } of rows) yield { place: `line ${info.lines}`, row: withNumericLabels(record) };
  } catch (error) {
    throw damaged(`${file}, line ${parser.info.lines}`, error);
  }
}

function withNumericLabels(row: Readonly<Record<string, string>>): Readonly<Record<string, string | number>> {
  const label = labelNames.find((name) => name in row);
  const text = label === undefined ? undefined : row[label];
  if (label === undefined || text === undefined) return row;
  // An empty cell is no 0.
  return { ...row, [label]: text.trim() === '' ? NaN : Number(text) };
}

async function* readParquet(file: string): AsyncGenerator<FileRow> {
  let number = 1;
  try {
    for await (const row of readParquetRows(file)) {
      yield { place: `row ${number}`, row };
      ++number;
    }
  } catch (error) {
    const known = withoutPackage('hyparquet', error);
    throw known === error ? damaged(`${file}, row ${number} or after`, error) : known;
  }
}

// In a `try` of its own: bundlers go on without a missing package there, and only there.
async function importCsvParse() {
  try {
    return await import('csv-parse');
  } catch (error) {
    throw withoutPackage('csv-parse', error);
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
