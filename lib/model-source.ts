import { stat } from 'node:fs/promises';
import path from 'node:path';

import { fromNative } from './errors.js';
import type { TrainingCardData } from './formats/card-data.js';
import { resolveModelFolder } from './formats/hub.js';
import { tokenizerFile } from './formats/model-files.js';
import { writeModelFolder } from './formats/model-folder-writer.js';
import { readModelFolder, type FileDtype, type ModelSettings } from './formats/model-folder.js';
import { readUnchanged, sourceOf } from './formats/model-version.js';
import { loadTokenizer, type LoadedTokenizer } from './formats/tokenizer.js';
import { native, type NativeTable, type TableDtype } from './native/index.js';
import { StaticModel } from './static-model.js';
import { makeTokenizer } from './texts.js';

/** A model that was loaded or made. */
export interface ModelSource {
  readonly model: StaticModel;
  readonly settings: ModelSettings;
  readonly tokenizer: SavedTokenizer;
  /** The id on the hub that it was loaded by; null for a folder and a new model. */
  readonly hubId: string | null;
}

/** What `save` needs of a tokenizer to write it again. */
export interface SavedTokenizer {
  /** The bytes of tokenizer.json. */
  readonly json: Uint8Array;
  /** All that token ids depend on: with equal ones, equal texts have equal ids. */
  readonly key: Uint8Array;
  /** An id that no text has, though its tokenizer gives it. */
  readonly droppedId: number | null;
}

export interface OpenSettings {
  readonly localFilesOnly: boolean | undefined;
  /** Convert the table to it; undefined keeps the file's. */
  readonly tableDtype: TableDtype | undefined;
  readonly mmap: boolean;
  readonly verify: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Loads a model folder, or the one that an id stands for. */
export async function openModel(
  folderOrId: string,
  { localFilesOnly, tableDtype, mmap, verify, signal }: OpenSettings,
): Promise<ModelSource> {
  signal?.throwIfAborted();
  const folder = await resolveModelFolder(folderOrId, { localFilesOnly, signal });
  return readUnchanged(folder, async () => {
    const model = await readModelFolder(folder, { verify });
    signal?.throwIfAborted();
    const { file, byteOffset, dtype, rows, dim, scalesOffset } = model.table;
    const loadTable = async (): Promise<NativeTable> => {
      const table = await native.Table.load(file, byteOffset, dtype, rows, dim, scalesOffset, mmap);
      return tableDtype === undefined || tableDtype === table.dtype ? table : table.convert(tableDtype);
    };
    return assemble(model.tokenizer, loadTable, model, folder === folderOrId ? null : folderOrId);
  });
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
  const tokenizer = await readUnchanged(tokenizerPath, async () => {
    const file = isFolder
      ? path.join(tokenizerPath, (await sourceOf(tokenizerPath)) ?? '.', tokenizerFile)
      : tokenizerPath;
    return loadTokenizer(file, 'sentence-transformers');
  });
  signal?.throwIfAborted();
  return assemble(tokenizer, () => native.Table.random(tokenizer.vocabSize, dim, seed), {
    normalize: false,
    prompts: { query: '', document: '' },
    defaultPromptName: null,
    similarityFnName: 'cosine',
    truncateDim: null,
    tokenRules: 'sentence-transformers',
  });
}

async function assemble(
  tokenizer: LoadedTokenizer,
  makeTable: () => Promise<NativeTable>,
  settings: ModelSettings,
  hubId: string | null = null,
): Promise<ModelSource> {
  try {
    const table = await makeTable();
    const { json, selection } = tokenizer;
    const tokenizes =
      tokenizer.kind === 'wordpiece' ? await makeTokenizer(tokenizer.description, selection) : tokenizer.tokenizer;
    return {
      model: new StaticModel(tokenizes, table, settings.normalize),
      settings,
      tokenizer: {
        json,
        key: selection === null ? json : Buffer.concat([json, Buffer.from(JSON.stringify(selection))]),
        droppedId: selection?.droppedId ?? null,
      },
      hubId,
    };
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
  { json, droppedId }: SavedTokenizer,
  table: NativeTable,
  settings: ModelSettings,
  training: TrainingCardData | null,
): Promise<void> {
  const { rows, dim, dtype } = table;
  await writeModelFolder(folder, {
    ...settings,
    training,
    tokenizer: json,
    table: { dtype: fileDtypes[dtype], rows, dim, chunks: tableChunks(table, droppedId), scales: table.scales() },
  });
}

/**
 * The bytes of a table. Nothing reads the row of a dropped id here; it is written as zeros, so that Sentence
 * Transformers, which drops nothing, pools vectors of the same direction.
 */
function* tableChunks(table: NativeTable, droppedId: number | null): Generator<Uint8Array> {
  const rowBytes = table.byteLength / table.rows;
  const dropped = droppedId === null ? table.byteLength : droppedId * rowBytes;
  for (let offset = 0; offset < table.byteLength; offset += chunkBytes) {
    const chunk = new Uint8Array(Math.min(chunkBytes, table.byteLength - offset));
    table.copy(offset, chunk);
    chunk.fill(0, Math.max(0, dropped - offset), Math.max(0, dropped + rowBytes - offset));
    yield chunk;
  }
}
