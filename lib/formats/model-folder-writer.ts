import { readFile, rm, rmdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { IoError, systemCode } from '../errors.js';
import { native } from '../native/index.js';
import { isWeighted } from '../pooling.js';
import type { TrainingCardData } from './card-data.js';
import { modelCard, modelCardMark } from './model-card.js';
import {
  cardFile,
  legacySource,
  modulesFile,
  normalizeFolder,
  poolingChecksum,
  poolingFile,
  scalesName,
  settingsChecksum,
  settingsFile,
  tableFile,
  tableName,
  tokenizerChecksum,
  tokenizerFile,
  weightedTableName,
} from './model-files.js';
import type { FileDtype } from './model-folder.js';
import type { ModelSettings } from './model-settings.js';
import { sourceOf, versionPrefix } from './model-version.js';
import { poolingJson } from './pooling-file.js';
import { pythonFile, pythonModule, weightedModuleType } from './python-module.js';
import { writeSafetensors, type TensorSource } from './safetensors.js';
import { Staging, stagings } from './staging.js';

/** A model to write. */
export interface ModelContent extends ModelSettings {
  /** Of the run that trained it; null where none did. */
  readonly training: TrainingCardData | null;
  /** The bytes of tokenizer.json, written as they are. */
  readonly tokenizer: Uint8Array;
  readonly table: {
    readonly dtype: FileDtype;
    readonly rows: number;
    readonly dim: number;
    /** The values, row-major and little-endian, in pieces of any size. */
    readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
    /** One a row, for an I8 table whose values are multiples of them. */
    readonly scales?: Float32Array | null;
  };
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

const modulePackage = 'sentence_transformers.sentence_transformer.modules';

function modulesJson(model: ModelSettings, source: string): string {
  const type = isWeighted(model) ? weightedModuleType : `${modulePackage}.static_embedding.StaticEmbedding`;
  const modules = [{ idx: 0, name: '0', path: source, type }];
  if (model.normalize) {
    modules.push({
      idx: 1,
      name: '1',
      path: normalizeFolder,
      type: 'sentence_transformers.base.modules.normalize.Normalize',
    });
  }
  return toJson(modules);
}

function settingsJson(model: ModelSettings): string {
  return toJson({
    model_type: 'SentenceTransformer',
    prompts: model.prompts,
    default_prompt_name: model.defaultPromptName,
    similarity_fn_name: model.similarityFnName,
    ...(model.truncateDim === null ? {} : { truncate_dim: model.truncateDim }),
    // Model2Vec reads `normalize` here, and not modules.json.
    ...(model.tokenRules === 'model2vec' ? { token_rules: model.tokenRules, normalize: model.normalize } : {}),
  });
}

/** The files that are written beside the table, and where its metadata has the checksum of each. */
function filesBeside(model: ModelContent): { name: string; content: Uint8Array; checksum: string }[] {
  const files = [
    { name: tokenizerFile, content: model.tokenizer, checksum: tokenizerChecksum },
    { name: settingsFile, content: Buffer.from(settingsJson(model)), checksum: settingsChecksum },
  ];
  if (!isWeighted(model)) return files;
  return [...files, { name: poolingFile, content: Buffer.from(poolingJson(model)), checksum: poolingChecksum }];
}

function tensorsOf(model: ModelContent): TensorSource[] {
  const { dtype, rows, dim, chunks, scales } = model.table;
  const name = isWeighted(model) ? weightedTableName : tableName;
  const tensors: TensorSource[] = [{ name, dtype, shape: [rows, dim], chunks }];
  if (scales !== undefined && scales !== null) {
    const bytes = new Uint8Array(scales.buffer, scales.byteOffset, scales.byteLength);
    tensors.push({ name: scalesName, dtype: 'F32', shape: [rows], chunks: [bytes] });
  }
  return tensors;
}

/**
 * Writes a model in the layout of Sentence Transformers 6. Whoever reads the folder, at any moment and also after the
 * writer was killed, finds the model that was there or the new one:
 *
 * - In a folder without a model, the table comes last: without it nothing loads.
 * - Where only the table is another, it takes the place of the old one in one rename.
 * - Otherwise the new files stay in a folder of their own, which modules.json names from one rename on.
 *
 * @throws IoError naming the folder when it cannot be written; what was there before is untouched.
 */
export async function writeModelFolder(
  folder: string,
  model: ModelContent,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  signal?.throwIfAborted();
  await removeStale(folder);
  const files = await Staging.begin(folder, versionPrefix);
  try {
    await stage(files, model, signal);
    signal?.throwIfAborted();
    if (model.normalize) await placeNormalize(folder, files);
    if (isWeighted(model)) await placeCopy(folder, files, pythonFile, pythonModule);
    const source = await sourceOf(folder);
    const isPlaced =
      source === undefined ? await placeFirst(folder, files, model) : await placeTable(folder, files, source, model);
    if (!isPlaced) await placeVersion(folder, files);
    await unlessReplaced(() => placeRootCopies(folder, files, model));
    await removeStale(folder);
  } finally {
    await files.discard();
  }
}

async function stage(files: Staging, model: ModelContent, signal: AbortSignal | undefined): Promise<void> {
  // The first one: while it is here, what else is here is on its way, and no model that another one has replaced.
  await files.writeContent(modulesFile, modulesJson(model, basename(files.folder)));
  const metadata: Record<string, string> = { format: 'pt' };
  for (const { name, content, checksum } of filesBeside(model)) {
    await files.writeContent(name, content);
    metadata[checksum] = native.checksum(content);
  }
  await files.write(tableFile, (handle, path) =>
    writeSafetensors(handle, path, tensorsOf(model), { metadata, signal }),
  );
}

/** Sentence Transformers writes this file, and reads it in some versions; it is always the same. */
async function placeNormalize(folder: string, files: Staging): Promise<void> {
  const target = join(folder, normalizeFolder, 'config.json');
  if (await exists(target)) return;
  await files.writeContent(
    'normalize.json',
    toJson({ module_input_name: 'sentence_embedding', module_output_name: 'sentence_embedding' }),
  );
  await files.place('normalize.json', target);
}

/** Puts the files into the root of a folder without a model; false where someone else has begun to. */
async function placeFirst(folder: string, files: Staging, model: ModelContent): Promise<boolean> {
  await files.writeContent('first.json', modulesJson(model, ''));
  if (!(await files.placeNew('first.json', join(folder, modulesFile)))) return false;
  for (const { name } of filesBeside(model)) await files.place(name, join(folder, name));
  await files.place(tableFile, join(folder, tableFile));
  return true;
}

/** Replaces the table, where nothing else is another; false where something is. */
async function placeTable(folder: string, files: Staging, source: string, model: ModelContent): Promise<boolean> {
  const path = source === '.' ? '' : source;
  const others: [string, string | Uint8Array][] = [
    [modulesFile, modulesJson(model, path)],
    [settingsFile, settingsJson(model)],
    ...filesBeside(model).map(({ name, content }): [string, string | Uint8Array] => [join(path, name), content]),
  ];
  for (const [name, content] of others) {
    if ((await contentOf(join(folder, name)))?.equals(Buffer.from(content)) !== true) return false;
  }
  return unlessReplaced(() => files.place(tableFile, join(folder, path, tableFile)));
}

/** Has modules.json name the files where they are. */
async function placeVersion(folder: string, files: Staging): Promise<void> {
  await files.sync();
  await files.place(modulesFile, join(folder, modulesFile));
  files.keep();
}

/** What is in the root for people, and for Sentence Transformers, which reads the settings there. */
async function placeRootCopies(folder: string, files: Staging, model: ModelContent): Promise<void> {
  const copies: [string, string][] = [[settingsFile, settingsJson(model)]];
  if (!(await hasCardOfPerson(folder))) copies.push([cardFile, modelCard(model, model.training)]);
  for (const [name, content] of copies) await placeCopy(folder, files, name, content);
}

/** Puts a file into the root, where it has another content. */
async function placeCopy(folder: string, files: Staging, name: string, content: string): Promise<void> {
  if ((await contentOf(join(folder, name)))?.equals(Buffer.from(content)) === true) return;
  await files.writeContent(`root-${name}`, content);
  await files.place(`root-${name}`, join(folder, name));
}

/** False where another save has replaced the model meanwhile, and removed it. */
async function unlessReplaced(action: () => Promise<void>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (error instanceof IoError && systemCode(error.cause) === 'ENOENT') return false;
    throw error;
  }
}

/** Removes what killed saves have left, and models that were replaced. Who reads one of these just now reads again. */
async function removeStale(folder: string): Promise<void> {
  // What cannot be removed, as open files on some systems, is in nobody's way.
  const remove = (name: string): Promise<void> =>
    rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
  for (const { name, isAbandoned } of await stagings(folder, versionPrefix)) {
    const wasNamed = !(await exists(join(folder, name, modulesFile))) && (await exists(join(folder, name, tableFile)));
    // Read last: whatever was named, or whose writer is no more, will not be named again.
    if ((wasNamed || isAbandoned) && name !== (await sourceOf(folder))) await remove(name);
  }
  const source = (await sourceOf(folder)) ?? '.';
  for (const other of ['.', legacySource]) {
    if (other === source) continue;
    for (const name of [tableFile, tokenizerFile, poolingFile]) await remove(join(other, name));
    if (other !== '.') await rmdir(join(folder, other)).catch(() => undefined);
  }
}

/** The card of a person stays; one that was written here is renewed. */
async function hasCardOfPerson(folder: string): Promise<boolean> {
  const present = await contentOf(join(folder, cardFile));
  return present !== undefined && !present.includes(modelCardMark);
}

async function contentOf(file: string): Promise<Buffer | undefined> {
  return readFile(file).catch(() => undefined);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
