import { readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { ModelFormatError, systemCode } from '../errors.js';
import { JsonFields, parseJson } from '../formats/json-fields.js';
import {
  checkBytes,
  checkData,
  readSafetensorsHeader,
  readTensorBytes,
  readTensorParts,
  tensorOf,
  writeSafetensors,
} from '../formats/safetensors.js';
import { Staging, stagings } from '../formats/staging.js';
import { native } from '../native/index.js';
import { describe } from '../validate.js';
import { GrowingRows } from './growing-rows.js';

export const normalizations = ['minmax', 'zscore', 'rrf'] as const;

/** How two scores of a document become comparable. */
export type Normalization = (typeof normalizations)[number];

/** What is saved beside the lexical index. */
export interface HybridState {
  readonly weight: number;
  readonly normalization: Normalization;
  readonly ids: readonly string[];
  readonly rows: GrowingRows;
}

/** Says where the files of the index are, and is replaced by the next one in one rename. */
const indexFile = 'hybrid_index.json';
const dataFile = 'embeddings.safetensors';
const lexicalFolder = 'bm25';
const versionPrefix = 'index-';
/** As `Staging` names folders. */
const versionPattern = /^index-[\w-]+$/;
const formatVersion = 1;

/** Metadata of the embeddings: the checksum of the file that names them. */
const idsChecksum = 'stillvec.ids';

/** Bytes of embeddings read at a time. */
const partBytes = 1 << 22;

/**
 * Writes an index, whose files lie in a folder of their own that `hybrid_index.json` names from one rename on: whoever
 * reads meanwhile finds the index before or this one.
 *
 * @param saveLexical - Writes the lexical index into a folder.
 * @throws IoError naming the folder.
 */
export async function writeHybridIndex(
  folder: string,
  { weight, normalization, ids, rows }: HybridState,
  saveLexical: (folder: string) => Promise<void>,
): Promise<void> {
  const before = await versionIn(folder);
  const files = await Staging.begin(folder, versionPrefix);
  try {
    await saveLexical(files.path(lexicalFolder));
    const idBytes = Buffer.from(JSON.stringify(ids));
    const { data } = rows.matrix;
    await files.write(dataFile, (handle, file) =>
      writeSafetensors(
        handle,
        file,
        [
          { name: 'embeddings', dtype: 'F32', shape: [rows.rows, rows.dim], chunks: [bytesOf(data)] },
          { name: 'ids', dtype: 'U8', shape: [idBytes.length], chunks: [idBytes] },
        ],
        { metadata: { [idsChecksum]: native.checksum(idBytes) } },
      ),
    );
    const description = {
      version: formatVersion,
      path: basename(files.folder),
      size: ids.length,
      weight,
      normalization,
    };
    await files.writeContent(indexFile, `${JSON.stringify(description, undefined, 2)}\n`);
    await files.sync();
    await files.place(indexFile, join(folder, indexFile));
    files.keep();
  } finally {
    await files.discard();
  }
  await removeOthers(folder, before);
}

/** Removes the version that was replaced, and those that writers who were killed have left. */
async function removeOthers(folder: string, replaced: string | undefined): Promise<void> {
  for (const { name, isAbandoned } of await stagings(folder, versionPrefix)) {
    if (name === (await versionIn(folder))) continue;
    if (isAbandoned || name === replaced) await rm(join(folder, name), { recursive: true, force: true });
  }
}

/** The version that is read from a folder, and undefined where there is none. Differs once another one was saved. */
export async function versionIn(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, indexFile), 'utf8').catch(() => '');
  return /"path": "(index-[\w-]+)"/.exec(text)?.[1];
}

/**
 * What `writeHybridIndex` has written, and the folder of its lexical index.
 *
 * @throws ModelFormatError naming the file and the field that is not as it was written.
 */
export async function readHybridIndex(folder: string): Promise<{ state: HybridState; lexical: string }> {
  const file = join(folder, indexFile);
  const fields = new JsonFields(file, '', parseJson(file, await readIndexFile(folder, file)));
  const version = fields.integer('version');
  if (version !== formatVersion) {
    throw new ModelFormatError(`${file}: expected version ${formatVersion} but received ${version}: update stillvec`);
  }
  const path = fields.string('path');
  if (!versionPattern.test(path)) throw fields.invalid('path', `the name of a folder beside it, ${versionPrefix}...`);
  const size = fields.integer('size');
  const weight = fields.get('weight');
  if (typeof weight !== 'number' || !(weight >= 0)) throw fields.invalid('weight', 'a number of at least 0');
  const normalization = normalizations.find((name) => name === fields.get('normalization'));
  if (normalization === undefined) throw fields.invalid('normalization', normalizations.join(', '));
  const data = join(folder, path, dataFile);
  return {
    state: { weight, normalization, ...(await readData(data, size)) },
    lexical: join(folder, path, lexicalFolder),
  };
}

async function readIndexFile(folder: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    throw new ModelFormatError(`${folder} holds no hybrid index: it has no ${indexFile}`, {
      code: 'ERR_MODEL_NOT_FOUND',
      cause: error,
    });
  }
}

async function readData(file: string, size: number): Promise<Pick<HybridState, 'ids' | 'rows'>> {
  const header = await readSafetensorsHeader(file);
  await checkData(file, header);
  const idBytes = Buffer.from(await readTensorBytes(file, tensorOf(file, header, 'ids', 'U8', [null])));
  checkBytes(file, idBytes, header.metadata[idsChecksum]);
  const ids = checkedIds(file, parseJson(file, idBytes.toString('utf8')), size);
  const tensor = tensorOf(file, header, 'embeddings', 'F32', [size, null]);
  const [, dim = 0] = tensor.shape;
  if (dim === 0) throw new ModelFormatError(`${file}: expected embeddings of some dimensions but received none`);
  const rows = new GrowingRows(dim);
  rows.reserve(size);
  const rowBytes = 4 * dim;
  for await (const part of readTensorParts(file, tensor, rowBytes * Math.max(1, Math.floor(partBytes / rowBytes)))) {
    const values = new Float32Array(part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength));
    if (!values.every(Number.isFinite)) throw new ModelFormatError(`${file}: expected finite embeddings`);
    rows.append(values);
  }
  return { ids, rows };
}

function checkedIds(file: string, ids: unknown, size: number): readonly string[] {
  const isWhole = Array.isArray(ids) && ids.length === size && ids.every((id) => typeof id === 'string');
  if (isWhole && new Set(ids).size === size) return ids;
  throw new ModelFormatError(`${file}: expected ${size} different strings for ids but received ${describe(ids)}`);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
