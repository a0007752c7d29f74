import { stat } from 'node:fs/promises';
import path from 'node:path';

import { fromNative } from './errors.js';
import { resolveModelFolder } from './formats/hub.js';
import { readModelFolder, writeModelFolder, type FileDtype, type ModelSettings } from './formats/model-folder.js';
import { loadTokenizer, type LoadedTokenizer } from './formats/tokenizer.js';
import { native, type NativeTable, type TableDtype } from './native.js';
import { StaticModel } from './static-model.js';
import { makeTokenizer } from './texts.js';

/** A model, and what `save` needs besides its table to write it again. */
export interface ModelSource {
  readonly model: StaticModel;
  readonly settings: ModelSettings;
  readonly tokenizerJson: Uint8Array;
}

export interface OpenSettings {
  readonly localFilesOnly: boolean;
  /** Convert the table to it; undefined keeps the file's. */
  readonly tableDtype: TableDtype | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Loads a model folder, or the one that an id stands for. */
export async function openModel(
  folderOrId: string,
  { localFilesOnly, tableDtype, signal }: OpenSettings,
): Promise<ModelSource> {
  signal?.throwIfAborted();
  const folder = await readModelFolder(await resolveModelFolder(folderOrId, { localFilesOnly, signal }));
  signal?.throwIfAborted();
  const { file, byteOffset, dtype, rows, dim, scalesOffset } = folder.table;
  const loadTable = async (): Promise<NativeTable> => {
    const table = await native.Table.load(file, byteOffset, dtype, rows, dim, scalesOffset);
    return tableDtype === undefined || tableDtype === table.dtype ? table : table.convert(tableDtype);
  };
  return assemble(folder.tokenizer, loadTable, folder);
}

/** Makes an untrained model for a tokenizer.json, or for the folder that has one. */
export async function createModel(
  tokenizerPath: string,
  dim: number,
  seed: number,
  signal: AbortSignal | undefined,
): Promise<ModelSource> {
  signal?.throwIfAborted();
  const isFolder = await stat(tokenizerPath).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  const tokenizer = await loadTokenizer(isFolder ? path.join(tokenizerPath, 'tokenizer.json') : tokenizerPath);
  signal?.throwIfAborted();
  return assemble(tokenizer, () => native.Table.random(tokenizer.vocabSize, dim, seed), {
    normalize: false,
    prompts: { query: '', document: '' },
    defaultPromptName: null,
    similarityFnName: 'cosine',
    truncateDim: null,
  });
}

async function assemble(
  tokenizer: LoadedTokenizer,
  makeTable: () => Promise<NativeTable>,
  settings: ModelSettings,
): Promise<ModelSource> {
  try {
    const table = await makeTable();
    const tokenizes = tokenizer.kind === 'wordpiece' ? makeTokenizer(tokenizer.description) : tokenizer.tokenizer;
    const model = new StaticModel(tokenizes, table, settings.normalize);
    return { model, settings, tokenizerJson: tokenizer.json };
  } catch (error) {
    throw fromNative(error);
  }
}

/** Bytes handed over at a time when a table is written. */
const chunkBytes = 1 << 22;

const fileDtypes: Readonly<Record<TableDtype, FileDtype>> = {
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int8: 'I8',
};

export async function saveModel(
  folder: string,
  { tokenizerJson }: ModelSource,
  table: NativeTable,
  settings: ModelSettings,
): Promise<void> {
  const { rows, dim, dtype } = table;
  await writeModelFolder(folder, {
    ...settings,
    tokenizer: tokenizerJson,
    table: { dtype: fileDtypes[dtype], rows, dim, chunks: tableChunks(table), scales: table.scales() },
  });
}

function* tableChunks(table: NativeTable): Generator<Uint8Array> {
  for (let offset = 0; offset < table.byteLength; offset += chunkBytes) {
    const chunk = new Uint8Array(Math.min(chunkBytes, table.byteLength - offset));
    table.copy(offset, chunk);
    yield chunk;
  }
}
