import { rowReader } from '../../formats/rows/row-reader.js';
import { boolean, invalidArgument, knownOptions, nonEmptyString, stringArray } from '../../validate.js';
import type { DatasetRow } from '../dataset.js';
import { findFiles, isPattern } from './file-names.js';
import { checkFileRow, checkSameColumns, withNumericLabel, type FileColumns } from './file-row.js';

export interface DatasetFileOptions {
  /** The columns to read, in the order that gives them their roles. Default: all, in the first file's order. */
  readonly columns?: readonly string[];
  /** What stands between the cells of a CSV or TSV file. Default: a comma in the former, a tab in the latter. */
  readonly delimiter?: string;
  /**
   * Whether `fit` keeps the token ids in a file `*.stillvec-tokens` beside the first file, and takes them from there as
   * long as files and tokenizer are unchanged. Default: for 64 MB of files or more, where the folder can be written.
   */
  readonly tokenCache?: boolean;
}

/** Files of rows; every iteration reads them from their beginning. */
export class DatasetFile implements AsyncIterable<DatasetRow> {
  /**
   * @param names - Files, and patterns of their names.
   * @internal
   */
  constructor(
    readonly names: readonly string[],
    readonly columns: readonly string[] | undefined,
    readonly delimiter: string | undefined,
    readonly tokenCache: boolean | undefined,
  ) {}

  /** The files that there are now, in the order in which they are read. */
  async files(): Promise<readonly string[]> {
    return findFiles(this.names);
  }

  [Symbol.asyncIterator](): AsyncGenerator<DatasetRow, void, undefined> {
    return readRows(this);
  }
}

/**
 * The rows of JSON Lines, JSON (an array of rows), CSV, TSV (each also gzipped) or Parquet files, read as they are asked
 * for: they may be larger than memory. Give the result to `fit` as `trainDataset`, as often as you like. CSV and TSV
 * need the package `csv-parse`, Parquet `hyparquet`.
 *
 * @param files - A file, a pattern such as `data/*.jsonl` (`*`, `?`, `{a,b}`, and `**` for any number of folders; what
 * it matches is read in the order of the names), or a list of these. All files have the same columns.
 * @throws IoError when a file cannot be read, InvalidArgumentError naming file and line for a damaged one, or the
 * pattern that matches none, MissingDependencyError saying what to install.
 */
export function readDatasetFile(files: string | readonly string[], options: DatasetFileOptions = {}): DatasetFile {
  knownOptions('readDatasetFile', options, ['columns', 'delimiter', 'tokenCache']);
  const columns = options.columns && stringArray('columns', options.columns);
  const delimiter = options.delimiter === undefined ? undefined : checkDelimiter(options.delimiter);
  const tokenCache = options.tokenCache === undefined ? undefined : boolean('tokenCache', options.tokenCache);
  const names = typeof files === 'string' ? [nonEmptyString('files', files)] : stringArray('files', files);
  if (names.length === 0) throw invalidArgument('files', 'a file or several', files);
  for (const name of names) if (!isPattern(name)) rowReader(name, delimiter);
  return new DatasetFile([...names], columns, delimiter, tokenCache);
}

function checkDelimiter(value: unknown): string {
  const delimiter = nonEmptyString('delimiter', value);
  if (/["\r\n]/.test(delimiter)) throw invalidArgument('delimiter', 'a string without quotes and line ends', value);
  return delimiter;
}

async function* readRows(dataset: DatasetFile): AsyncGenerator<DatasetRow, void, undefined> {
  const { columns, delimiter } = dataset;
  let first: FileColumns | undefined;
  for (const file of await dataset.files()) {
    let isFirstRow = true;
    for await (const { place, row: unchecked, textOnly } of rowReader(file, delimiter)()) {
      const at = `${file}, ${place}`;
      const row = checkFileRow(at, textOnly === true ? withNumericLabel(unchecked) : unchecked, columns);
      if (isFirstRow) first = checkSameColumns(at, row, first ?? { file, columns: Object.keys(row) });
      isFirstRow = false;
      yield row;
    }
  }
}
