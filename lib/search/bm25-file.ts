import path from 'node:path';

import { fromNative, messageOf, ModelFormatError, StillvecError } from '../errors.js';
import { JsonFields, parseJson } from '../formats/json-fields.js';
import {
  checkData,
  readSafetensorsHeader,
  readTensorBytes,
  writeSafetensors,
  type SafetensorsDtype,
  type SafetensorsHeader,
  type TensorInfo,
  type TensorSource,
} from '../formats/safetensors.js';
import { removeAbandoned, Staging } from '../formats/staging.js';
import type { NativeBm25, NativeBm25Part } from '../native/index.js';

/** The one file of an index: its parts as tensors, its settings in the metadata. */
const fileName = 'bm25.safetensors';
const stagingPrefix = '.bm25-';

const version = 1;

/** Bytes that are copied at a time. */
const bytesAtOnce = 1 << 22;
const idsAtOnce = 1 << 14;

/** What is kept of an index beside the addon's parts. */
export interface Bm25Content {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly ids: readonly string[];
}

/** @throws IoError naming the folder. */
export async function saveBm25(
  folder: string,
  index: NativeBm25,
  { settings, ids }: Bm25Content,
  signal: AbortSignal | undefined,
): Promise<void> {
  await removeAbandoned(folder, stagingPrefix);
  const files = await Staging.begin(folder, stagingPrefix, folder);
  try {
    const metadata = { bm25: JSON.stringify({ version, ...settings }) };
    await files.write(fileName, (handle, file) =>
      writeSafetensors(handle, file, tensorsOf(index, ids), { metadata, signal }),
    );
    await files.place(fileName, path.join(folder, fileName));
  } finally {
    await files.discard();
  }
}

/** Values of eight bytes before those of four and one: each part is then aligned to its own. */
function tensorsOf(index: NativeBm25, ids: readonly string[]): TensorSource[] {
  const offsets = new BigUint64Array(ids.length + 1);
  for (const [i, id] of ids.entries()) offsets[i + 1] = (offsets[i] ?? 0n) + BigInt(Buffer.byteLength(id));
  const part = (name: NativeBm25Part, dtype: SafetensorsDtype, bytes: number): TensorSource => ({
    name,
    dtype,
    shape: [index.byteLength(name) / bytes],
    chunks: chunksOf(index, name),
  });
  return [
    part('word_offsets', 'U64', 8),
    part('starts', 'U64', 8),
    { name: 'id_offsets', dtype: 'U64', shape: [offsets.length], chunks: [new Uint8Array(offsets.buffer)] },
    part('documents', 'U32', 4),
    part('counts', 'U32', 4),
    part('lengths', 'U32', 4),
    part('words', 'U8', 1),
    { name: 'ids', dtype: 'U8', shape: [Number(offsets[ids.length])], chunks: idChunks(ids) },
  ];
}

function* chunksOf(index: NativeBm25, name: NativeBm25Part): Generator<Uint8Array> {
  const size = index.byteLength(name);
  for (let begin = 0; begin < size; begin += bytesAtOnce) {
    const chunk = new Uint8Array(Math.min(bytesAtOnce, size - begin));
    index.copy(name, begin, chunk);
    yield chunk;
  }
}

function* idChunks(ids: readonly string[]): Generator<Uint8Array> {
  for (let begin = 0; begin < ids.length; begin += idsAtOnce) {
    yield Buffer.from(ids.slice(begin, begin + idsAtOnce).join(''));
  }
}

/** An index file that has been looked at, but whose parts have not been read. */
export class Bm25File {
  private constructor(
    private readonly file: string,
    private readonly header: SafetensorsHeader,
    /** As they were saved. */
    readonly settings: JsonFields,
  ) {}

  /** @throws ModelFormatError, IoError naming the file. */
  static async open(folder: string): Promise<Bm25File> {
    const file = path.join(folder, fileName);
    const header = await readSafetensorsHeader(file);
    await checkData(file, header);
    const json = header.metadata['bm25'];
    if (json === undefined) throw new ModelFormatError(`${file}: expected an index that BM25Index has saved`);
    const settings = new JsonFields(file, 'bm25', parseJson(file, json));
    if (settings.integer('version') !== version) throw settings.invalid('version', String(version));
    return new Bm25File(file, header, settings);
  }

  /** The error for what contradicts itself in the file. */
  corrupt(error: unknown): ModelFormatError {
    return new ModelFormatError(`${this.file}: ${messageOf(error)}`, { cause: error });
  }

  /** Reads the documents' ids, and their words to `index`. */
  async read(index: NativeBm25): Promise<readonly string[]> {
    const wordOffsets = this.#tensor('word_offsets', 'U64');
    const starts = this.#tensor('starts', 'U64');
    const documents = this.#tensor('documents', 'U32');
    const counts = this.#tensor('counts', 'U32');
    const lengths = this.#tensor('lengths', 'U32');
    const words = this.#tensor('words', 'U8');
    if (wordOffsets.size < 1 || starts.size !== wordOffsets.size || counts.size !== documents.size) {
      throw this.corrupt(new Error('the sizes of its tensors contradict each other'));
    }
    try {
      await index.load(this.file, {
        words: wordOffsets.size - 1,
        documents: lengths.size,
        postings: documents.size,
        wordBytes: words.size,
        wordOffsetsAt: wordOffsets.byteOffset,
        startsAt: starts.byteOffset,
        documentsAt: documents.byteOffset,
        countsAt: counts.byteOffset,
        lengthsAt: lengths.byteOffset,
        wordsAt: words.byteOffset,
      });
    } catch (error) {
      const failure = fromNative(error);
      throw failure instanceof ModelFormatError ? this.corrupt(failure) : failure;
    }
    return this.#readIds(lengths.size);
  }

  async #readIds(count: number): Promise<readonly string[]> {
    const [offsetsTensor, bytesTensor] = [this.#tensor('id_offsets', 'U64'), this.#tensor('ids', 'U8')];
    if (offsetsTensor.size !== count + 1) throw this.corrupt(new Error(`expected ${count} ids`));
    const offsets = new BigUint64Array(await readTensorBytes(this.file, offsetsTensor));
    const bytes = Buffer.from(await readTensorBytes(this.file, bytesTensor));
    const ids: string[] = [];
    for (let i = 0, begin = 0; i < count; ++i) {
      const end = Number(offsets[i + 1]);
      if (!(end >= begin && end <= bytes.length)) throw this.corrupt(new Error('the ids do not fill their bytes'));
      ids.push(bytes.toString('utf8', begin, end));
      begin = end;
    }
    if (new Set(ids).size !== count) throw this.corrupt(new Error('an id is there twice'));
    return ids;
  }

  #tensor(name: string, dtype: SafetensorsDtype): TensorInfo & { readonly size: number } {
    const tensor = this.header.tensors.find((candidate) => candidate.name === name);
    if (tensor?.dtype !== dtype || tensor.shape.length !== 1) {
      throw this.corrupt(new Error(`expected a tensor ${name} of one dimension of ${dtype}`));
    }
    return { ...tensor, size: tensor.shape[0] ?? 0 };
  }
}

/** Reads a setting, whose error then names the file. */
export function readSetting<T>(file: Bm25File, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof StillvecError ? file.corrupt(error) : error;
  }
}
