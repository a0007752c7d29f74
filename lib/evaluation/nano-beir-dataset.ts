import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { InvalidArgumentError, IoError, UnsupportedError } from '../errors.js';
import { resolveFolder } from '../formats/hub-cache.js';
import type { HubRepository } from '../formats/hub-repository.js';
import { rowReader } from '../formats/rows/row-reader.js';
import { invalidArgument, object } from '../validate.js';

/** The datasets of NanoBEIR, by the names that options give them: how their files and metrics call them. */
export const nanoBEIRTitles = {
  climatefever: 'NanoClimateFEVER',
  dbpedia: 'NanoDBPedia',
  fever: 'NanoFEVER',
  fiqa2018: 'NanoFiQA2018',
  hotpotqa: 'NanoHotpotQA',
  msmarco: 'NanoMSMARCO',
  nfcorpus: 'NanoNFCorpus',
  nq: 'NanoNQ',
  quoraretrieval: 'NanoQuoraRetrieval',
  scidocs: 'NanoSCIDOCS',
  arguana: 'NanoArguAna',
  scifact: 'NanoSciFact',
  touche2020: 'NanoTouche2020',
} as const;

export type NanoBEIRDatasetName = keyof typeof nanoBEIRTitles;

/** What one dataset holds, by ids. */
export interface NanoBEIRDataset {
  readonly name: NanoBEIRDatasetName;
  readonly queries: ReadonlyMap<string, string>;
  readonly corpus: ReadonlyMap<string, string>;
  readonly relevantDocs: ReadonlyMap<string, ReadonlySet<string>>;
}

/** The folders of a repository, in each of which every dataset has a file or several. */
const subsets = ['corpus', 'queries', 'qrels'] as const;
type Subset = (typeof subsets)[number];

/** `NanoNQ.parquet`, or parts of it as the hub names them, `NanoNQ-00000-of-00002.parquet`; other kinds of rows, too. */
function fileName(titles: readonly string[]): string {
  return `(?:${titles.join('|')})(?:-\\d+-of-(\\d+))?\\.(?:parquet|(?:jsonl|json|csv|tsv)(?:\\.gz)?)`;
}

async function filesOf(folder: string, subset: Subset, title: string): Promise<readonly string[]> {
  const name = new RegExp(`^${fileName([title])}$`);
  const entries = await readdir(join(folder, subset)).catch(() => []);
  const parts = entries.filter((entry) => name.test(entry)).sort();
  const count = Number(name.exec(parts[0] ?? '')?.[1] ?? 1);
  return parts.length === count ? parts.map((part) => join(folder, subset, part)) : [];
}

/** A repository of which the files of some datasets are needed. */
function repositoryOf(titles: readonly string[]): HubRepository {
  return {
    type: 'dataset',
    files: new RegExp(`^(?:${subsets.join('|')})/${fileName(titles)}$`),

    async isComplete(folder) {
      const files = await Promise.all(
        titles.flatMap((title) => subsets.map((subset) => filesOf(folder, subset, title))),
      );
      return files.every(({ length }) => length > 0);
    },

    checkListed(id, paths) {
      for (const title of titles) {
        for (const subset of subsets) {
          if (!paths.some((path) => path.startsWith(`${subset}/${title}`))) {
            throw new UnsupportedError(`${id} has no ${subset}/${title}-*.parquet, as NanoBEIR has`);
          }
        }
      }
    },

    notFound: (message, options) => new IoError(message, options),
  };
}

/**
 * Reads datasets of a folder, of the local Hugging Face cache, or of the hub, which then puts them there.
 *
 * @throws IoError for what is not there or cannot be read, InvalidArgumentError naming the file and the row for what is
 * damaged, MissingDependencyError saying what to install; `signal.reason`.
 */
export async function readNanoBEIR(
  folderOrId: string,
  names: readonly NanoBEIRDatasetName[],
  signal: AbortSignal | undefined,
): Promise<readonly NanoBEIRDataset[]> {
  const titles = names.map((name) => nanoBEIRTitles[name]);
  const folder = await resolveFolder(repositoryOf(titles), folderOrId, { signal });
  const datasets: NanoBEIRDataset[] = [];
  for (const name of names) datasets.push(await readDataset(folder, name, signal));
  return datasets;
}

async function readDataset(
  folder: string,
  name: NanoBEIRDatasetName,
  signal: AbortSignal | undefined,
): Promise<NanoBEIRDataset> {
  const rowsOf = (subset: Subset): AsyncIterable<PlacedRow> => readRows(folder, subset, nanoBEIRTitles[name], signal);
  const relevantDocs = new Map<string, Set<string>>();
  for await (const row of rowsOf('qrels')) {
    const query = idIn(row, 'query-id');
    const documents = relevantDocs.get(query) ?? new Set();
    const cell = cellIn(row, 'corpus-id');
    const ids = Array.isArray(cell) ? (cell as readonly unknown[]) : [cell];
    for (const id of ids) documents.add(asId(row, 'corpus-id', id));
    relevantDocs.set(query, documents);
  }
  return { name, queries: await textsIn(rowsOf('queries')), corpus: await textsIn(rowsOf('corpus')), relevantDocs };
}

/** Texts by id; an empty one is none. */
async function textsIn(rows: AsyncIterable<PlacedRow>): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for await (const row of rows) {
    const text = cellIn(row, 'text');
    if (typeof text !== 'string') throw invalidArgument(`${row.at}, column "text"`, 'a string', text);
    if (text !== '') texts.set(idIn(row, '_id'), text);
  }
  return texts;
}

/** A row, and the file and line that it stands in. */
interface PlacedRow {
  readonly at: string;
  readonly cells: Readonly<Record<string, unknown>>;
}

async function* readRows(
  folder: string,
  subset: Subset,
  title: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<PlacedRow, void, undefined> {
  const files = await filesOf(folder, subset, title);
  if (files.length === 0) {
    throw new IoError(`expected a file ${subset}/${title}.parquet, or all parts of it, in ${folder} but found none`);
  }
  for (const file of files) {
    for await (const { place, row } of rowReader(file, undefined)()) {
      signal?.throwIfAborted();
      const at = `${file}, ${place}`;
      yield { at, cells: object(at, row, 'a row') };
    }
  }
}

function cellIn({ at, cells }: PlacedRow, column: string): unknown {
  if (Object.hasOwn(cells, column)) return cells[column];
  throw new InvalidArgumentError(`${at}: expected a column "${column}" but found ${Object.keys(cells).join(', ')}`);
}

function idIn(row: PlacedRow, column: string): string {
  return asId(row, column, cellIn(row, column));
}

function asId({ at }: PlacedRow, column: string, id: unknown): string {
  if (typeof id === 'string' || Number.isFinite(id)) return String(id);
  throw invalidArgument(`${at}, column "${column}"`, 'an id', id);
}
