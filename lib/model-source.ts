import { stat } from 'node:fs/promises';

import { fromNative } from './errors.js';
import type { TrainingCardData } from './formats/card-data.js';
import { excludedTokens, tokenIds } from './formats/excluded-tokens.js';
import { resolveModelFolder } from './formats/hub.js';
import { writeModelFolder } from './formats/model-folder-writer.js';
import type { FileDtype } from './formats/model-folder.js';
import type { ReadSettings } from './formats/model-reader.js';
import { readModel } from './formats/model-readers.js';
import { newModelSettings, type ModelSettings } from './formats/model-settings.js';
import { readUnchanged } from './formats/model-version.js';
import type { TokenizerDescription } from './formats/tokenizer/tokenizer-json.js';
import { loadTokenizer, tokenizerFileOf, type LoadedTokenizer } from './formats/tokenizer/load-tokenizer.js';
import { native, type NativePooling, type NativeTable, type TableDtype } from './native/index.js';
import { isWeighted, type PoolingOptions } from './pooling.js';
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
  /** A token that no text has, though its tokenizer gives it. */
  readonly dropped: { readonly id: number; readonly token: string } | null;
}

export interface OpenSettings extends ReadSettings {
  readonly localFilesOnly: boolean | undefined;
  /** Convert the table to it; undefined keeps the file's. */
  readonly tableDtype: TableDtype | undefined;
  /** Over what the model says. */
  readonly pooling: PoolingOptions;
}

/** Loads the model of a folder or a file, or the one that an id stands for. */
export async function openModel(placeOrId: string, settings: OpenSettings): Promise<ModelSource> {
  const { localFilesOnly, tableDtype, pooling, signal } = settings;
  signal?.throwIfAborted();
  const isFile = (await stat(placeOrId).catch(() => undefined))?.isFile() === true;
  const place = isFile ? placeOrId : await resolveModelFolder(placeOrId, { localFilesOnly, signal });
  return readUnchanged(place, async () => {
    const model = await readModel(place, settings);
    signal?.throwIfAborted();
    const makeTable = async (): Promise<NativeTable> => {
      const table = await model.loadTable();
      return tableDtype === undefined || tableDtype === table.dtype ? table : table.convert(tableDtype);
    };
    return assemble(model.tokenizer, makeTable, model.settings, pooling, place === placeOrId ? null : placeOrId);
  });
}

/** Makes an untrained model for a tokenizer.json, or for the folder that has one. */
export async function createModel(
  tokenizerPath: string,
  dim: number,
  seed: number,
  pooling: PoolingOptions,
  signal: AbortSignal | undefined,
): Promise<ModelSource> {
  signal?.throwIfAborted();
  const tokenizer = await readUnchanged(tokenizerPath, async () =>
    loadTokenizer(await tokenizerFileOf(tokenizerPath), 'sentence-transformers'),
  );
  signal?.throwIfAborted();
  return assemble(
    tokenizer,
    () => native.Table.random(tokenizer.description.vocabSize, dim, seed),
    newModelSettings,
    pooling,
  );
}

async function assemble(
  tokenizer: LoadedTokenizer,
  makeTable: () => Promise<NativeTable>,
  saved: ModelSettings,
  pooling: PoolingOptions,
  hubId: string | null = null,
): Promise<ModelSource> {
  const { json, selection, description } = tokenizer;
  const { excludeTokens } = pooling;
  const settings: ModelSettings = {
    ...saved,
    pooling: pooling.pooling ?? saved.pooling,
    excludeTokens: excludeTokens === undefined ? saved.excludeTokens : excludedTokens(description, excludeTokens),
  };
  const droppedId = selection?.droppedId ?? null;
  const dropped = droppedId === null ? null : { id: droppedId, token: description.vocabulary[droppedId] ?? '' };
  const weighed = { ...settings, excludeTokens: withoutWeight(settings, dropped?.token) };
  try {
    const table = await makeTable();
    return {
      model: new StaticModel(
        await makeTokenizer(description, selection),
        table,
        nativePooling(description, weighed),
        settings.normalize,
      ),
      settings,
      tokenizer: {
        json,
        key: selection === null ? json : Buffer.concat([json, Buffer.from(JSON.stringify(selection))]),
        dropped,
      },
      hubId,
    };
  } catch (error) {
    throw fromNative(error);
  }
}

function nativePooling(description: TokenizerDescription, { pooling, excludeTokens }: ModelSettings): NativePooling {
  if (excludeTokens.length === 0) return { weighting: pooling, excludedIds: new Uint32Array() };
  const ids = tokenIds(description);
  // Sorted, since a run may only be gone on with by the same ones.
  return { weighting: pooling, excludedIds: Uint32Array.from(excludeTokens, (token) => ids.get(token) ?? 0).sort() };
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
  { json, dropped }: SavedTokenizer,
  table: NativeTable,
  settings: ModelSettings,
  training: TrainingCardData | null,
): Promise<void> {
  const { rows, dim, dtype } = table;
  const chunks = tableChunks(table, dropped?.id ?? null);
  await writeModelFolder(folder, {
    ...settings,
    excludeTokens: withoutWeight(settings, dropped?.token),
    training,
    tokenizer: json,
    table: { dtype: fileDtypes[dtype], rows, dim, chunks, scales: table.scales() },
  });
}

/**
 * The excluded tokens, and with them the dropped one: with a module of its own, a model can tell Sentence Transformers
 * that it weighs nothing.
 */
function withoutWeight(settings: ModelSettings, dropped: string | undefined): readonly string[] {
  const { excludeTokens } = settings;
  if (dropped === undefined || !isWeighted(settings)) return excludeTokens;
  return [...new Set([...excludeTokens, dropped])];
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
