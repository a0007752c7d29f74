import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import { InvalidArgumentError, IoError, messageOf, MissingDependencyError, systemCode } from '../../errors.js';
import { readJsonElements } from './json-elements.js';
import { readLines } from './lines.js';
import { readParquetRows } from './parquet-rows.js';
import { mostRowBytes } from './pieces.js';

/** What a file holds in the place of a row, unchecked, and the line or row that it stands in. */
export interface FileRow {
  readonly place: string;
  readonly row: unknown;
  /** Whether every cell is text, a number as well. */
  readonly textOnly?: boolean;
}

/** A kind of file, by the end of its name. */
interface FileFormat {
  readonly pattern: RegExp;
  /** What stands between the cells of a row, where that is a matter of choice. */
  readonly delimiter?: string;
  read(file: string, delimiter: string): AsyncIterable<FileRow>;
}

const formats: readonly FileFormat[] = [
  { pattern: /\.(?:jsonl|ndjson)(?:\.gz)?$/i, read: readJsonLines },
  { pattern: /\.json(?:\.gz)?$/i, read: readJsonArray },
  { pattern: /\.csv(?:\.gz)?$/i, delimiter: ',', read: (file, delimiter) => readSeparated(file, delimiter, '"') },
  { pattern: /\.tsv(?:\.gz)?$/i, delimiter: '\t', read: (file, delimiter) => readSeparated(file, delimiter, null) },
  { pattern: /\.parquet$/i, read: readParquet },
];

/**
 * How a file is read, by its name: that throws IoError for one that cannot be read, InvalidArgumentError naming the line
 * for a damaged one, MissingDependencyError saying what to install.
 *
 * @param delimiter - Between the cells of a row, where it is not the usual one.
 * @throws InvalidArgumentError for a name that says no kind, and a delimiter for a kind that has none.
 */
export function rowReader(file: string, delimiter: string | undefined): () => AsyncIterable<FileRow> {
  const format = formats.find(({ pattern }) => pattern.test(file));
  if (format === undefined) {
    throw new InvalidArgumentError(
      `expected a .jsonl, .json, .csv, .tsv (or .gz of them) or .parquet file but received ${file}`,
    );
  }
  if (delimiter !== undefined && format.delimiter === undefined) {
    throw new InvalidArgumentError(`expected a .csv or .tsv file beside the option delimiter but received ${file}`);
  }
  return () => reading(file, format.read(file, delimiter ?? format.delimiter ?? ''));
}

async function* reading(file: string, rows: AsyncIterable<FileRow>): AsyncGenerator<FileRow, void, undefined> {
  try {
    await access(file);
    yield* rows;
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

async function* readJsonArray(file: string): AsyncGenerator<FileRow> {
  let number = 1;
  try {
    for await (const element of readJsonElements(openText(file))) {
      yield { place: `row ${number}`, row: JSON.parse(element) };
      ++number;
    }
  } catch (error) {
    throw damaged(`${file}, row ${number}`, error);
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

async function* readSeparated(file: string, delimiter: string, quote: string | null): AsyncGenerator<FileRow> {
  const { parse } = await importCsvParse();
  const parser = parse({
    columns: true,
    delimiter,
    bom: true,
    quote,
    max_record_size: mostRowBytes, // an unclosed quote would make one record of all that follows it
    info: true,
  });
  const rows: AsyncIterable<SeparatedRow> = pipeline(openText(file, csvChunkBytes), parser, leaveToReader);
  try {
    for await (const { record, info } of rows) yield { place: `line ${info.lines}`, row: record, textOnly: true };
  } catch (error) {
    throw damaged(`${file}, line ${parser.info.lines}`, error);
  }
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
