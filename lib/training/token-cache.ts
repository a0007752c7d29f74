import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';

import { checkData, readSafetensorsHeader, writeSafetensors, type TensorSource } from '../formats/safetensors.js';
import { removeAbandoned, Staging } from '../formats/staging.js';
import { native, type NativeTokenColumn } from '../native/index.js';
import type { ColumnLayout, ColumnNeeds } from './columns.js';
import type { Dataset } from './dataset.js';
import { DatasetFile } from './dataset-files.js';
import type { TokenizedDataset } from './tokenize-dataset.js';

/** Smaller files are tokenized in less time than a reader would wonder about a new file beside them. */
const leastBytes = 64 << 20;

/** Values that are copied at a time. */
const valuesAtOnce = 1 << 20;

/** The token ids of a dataset file, in a safetensors file beside it: `offsets.I` and `ids.I` of column I. */
export class TokenCache {
  readonly #file: string;

  private constructor(
    private readonly dataset: DatasetFile,
    private readonly tokenizerJson: Uint8Array,
    private readonly needs: ColumnNeeds,
    private readonly key: string,
  ) {
    this.#file = `${dataset.file}.stillvec-tokens`;
  }

  /** That of a dataset, or undefined where none shall be kept. */
  static async of(dataset: Dataset, tokenizerJson: Uint8Array, needs: ColumnNeeds): Promise<TokenCache | undefined> {
    if (!(dataset instanceof DatasetFile) || dataset.tokenCache === false) return undefined;
    const state = await stateOf(dataset.file);
    if (state === undefined || (dataset.tokenCache === undefined && state.size < leastBytes)) return undefined;
    return new TokenCache(dataset, tokenizerJson, needs, keyOf(dataset, state, tokenizerJson, needs));
  }

  /**
   * The columns, or undefined where there is no cache, or one of another dataset or tokenizer, or a damaged one.
   *
   * @param vocabSize - What every id is below.
   */
  async load(vocabSize: number): Promise<TokenizedDataset | undefined> {
    try {
      const header = await readSafetensorsHeader(this.#file);
      if (header.metadata['key'] !== this.key) return undefined;
      await checkData(this.#file, header);
      const { tensors, metadata } = header;
      const layout = JSON.parse(metadata['layout'] ?? '') as ColumnLayout;
      const columns: NativeTokenColumn[] = [];
      for (;;) {
        const offsets = tensors.find(({ name }) => name === `offsets.${columns.length}`);
        const ids = tensors.find(({ name }) => name === `ids.${columns.length}`);
        if (offsets === undefined || ids === undefined) break;
        const column = new native.TokenColumn();
        const [count = 0, tokens = 0] = [offsets.shape[0], ids.shape[0]];
        await column.map(this.#file, offsets.byteOffset, count - 1, ids.byteOffset, tokens, vocabSize);
        columns.push(column);
      }
      const rows = columns[0]?.count ?? 0;
      return columns.length === layout.texts.length ? { columns, layout, rows } : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Writes the columns; the file appears under its name when it is complete.
   *
   * @throws IoError where it was asked for and cannot be written.
   */
  async save({ columns, layout }: TokenizedDataset, signal?: AbortSignal): Promise<void> {
    // The dataset may have changed while it was read.
    const state = await stateOf(this.dataset.file);
    if (state === undefined || keyOf(this.dataset, state, this.tokenizerJson, this.needs) !== this.key) return;
    const [folder, name] = [path.dirname(this.#file), path.basename(this.#file)];
    let files: Staging | undefined;
    try {
      await removeAbandoned(folder, `${name}-`);
      files = await Staging.begin(folder, `${name}-`, this.#file);
      await files.write(name, (handle, file) =>
        writeSafetensors(handle, file, tensorsOf(columns), {
          metadata: { key: this.key, layout: JSON.stringify(layout) },
          signal,
        }),
      );
      await files.place(name, this.#file);
    } catch (error) {
      signal?.throwIfAborted();
      if (this.dataset.tokenCache === true) throw error;
    } finally {
      await files?.discard();
    }
  }
}

interface FileState {
  readonly size: number;
  readonly modified: string;
}

async function stateOf(file: string): Promise<FileState | undefined> {
  try {
    const { size, mtimeNs } = await stat(file, { bigint: true });
    return { size: Number(size), modified: `${mtimeNs}` };
  } catch {
    return undefined; // whoever reads the dataset says why
  }
}

function keyOf({ columns }: DatasetFile, state: FileState, tokenizerJson: Uint8Array, needs: ColumnNeeds): string {
  const tokenizer = createHash('sha256').update(tokenizerJson).digest('hex');
  return JSON.stringify({ version: 2, tokenizer, needs, columns: columns ?? null, ...state });
}

/** Offsets before ids: both are then aligned to their size. */
function tensorsOf(columns: readonly NativeTokenColumn[]): TensorSource[] {
  const offsets = columns.map((column, i): TensorSource => {
    const length = column.count + 1;
    const chunks = chunksOf(length, BigUint64Array, (begin, part) => {
      column.copyOffsets(begin, part);
    });
    return { name: `offsets.${i}`, dtype: 'U64', shape: [length], chunks };
  });
  const ids = columns.map((column, i): TensorSource => {
    const chunks = chunksOf(column.tokens, Uint32Array, (begin, part) => {
      column.copyIds(begin, part);
    });
    return { name: `ids.${i}`, dtype: 'U32', shape: [column.tokens], chunks };
  });
  return [...offsets, ...ids];
}

function* chunksOf<A extends BigUint64Array | Uint32Array>(
  length: number,
  type: new (length: number) => A,
  fill: (begin: number, part: A) => void,
): Generator<Uint8Array> {
  for (let begin = 0; begin < length; begin += valuesAtOnce) {
    const part = new type(Math.min(valuesAtOnce, length - begin));
    fill(begin, part);
    yield new Uint8Array(part.buffer);
  }
}
