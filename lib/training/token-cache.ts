import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';

import {
  checkData,
  readSafetensorsHeader,
  readTensorParts,
  writeSafetensors,
  type SafetensorsHeader,
  type TensorSource,
} from '../formats/safetensors.js';
import { removeAbandoned, Staging } from '../formats/staging.js';
import { native, type NativeTokenColumn } from '../native/index.js';
import { layOutColumns, type ColumnLayout } from './columns.js';
import type { Dataset, DatasetReading } from './dataset.js';
import { DatasetFile } from './files/dataset-file.js';
import { isPattern, tokenCacheSuffix } from './files/file-names.js';
import type { LabelShape } from './label-needs.js';
import { RowValueBuilder } from './row-values.js';
import type { DatasetLabels, TokenizedDataset } from './tokenized-dataset.js';

/** Smaller files are tokenized in less time than a reader would wonder about a new file beside them. */
const leastBytes = 64 << 20;

/** Values that are copied at a time. */
const valuesAtOnce = 1 << 20;

/** The token ids and labels of dataset files, in a safetensors file beside the first: `offsets.I`, `ids.I`, `labels`. */
export class TokenCache {
  private constructor(
    private readonly file: string,
    private readonly dataset: DatasetFile,
    private readonly tokenizerJson: Uint8Array,
    private readonly key: string,
  ) {}

  /** That of a dataset, or undefined where none shall be kept. */
  static async of(dataset: Dataset, tokenizerJson: Uint8Array): Promise<TokenCache | undefined> {
    if (!(dataset instanceof DatasetFile) || dataset.tokenCache === false) return undefined;
    const states = await statesOf(dataset);
    const bytes = states.reduce((sum, { size }) => sum + size, 0);
    if (states[0] === undefined || (dataset.tokenCache === undefined && bytes < leastBytes)) return undefined;
    const file = cacheFile(states[0].file, dataset);
    return new TokenCache(file, dataset, tokenizerJson, keyOf(dataset, states, tokenizerJson));
  }

  /**
   * What it holds, or undefined where there is no cache, one of another dataset or tokenizer, a damaged one, or one of
   * columns that the taker cannot use: it is told so when the dataset itself is read.
   *
   * @param vocabSize - What every id is below.
   */
  async load(vocabSize: number, reading: DatasetReading): Promise<TokenizedDataset | undefined> {
    try {
      const header = await this.#readHeader();
      const layout = layOutAgain(JSON.parse(header.metadata['layout'] ?? '') as ColumnLayout, reading);
      const columns = await this.#mapColumns(header, vocabSize);
      const labels = await this.#readLabels(header, reading);
      if (columns.length !== layout.texts.length || !fits(labels, columns.length, reading)) return undefined;
      return { columns, labels, guides: [], layout, rows: columns[0]?.count ?? 0 };
    } catch {
      return undefined;
    }
  }

  /** The columns that `save` has just written, so that they need no memory; undefined where they are not there. */
  async loadColumns(vocabSize: number): Promise<readonly NativeTokenColumn[] | undefined> {
    try {
      return await this.#mapColumns(await this.#readHeader(), vocabSize);
    } catch {
      return undefined;
    }
  }

  async #readHeader(): Promise<SafetensorsHeader> {
    const header = await readSafetensorsHeader(this.file);
    if (header.metadata['key'] !== this.key) throw new Error('a cache of something else');
    await checkData(this.file, header);
    return header;
  }

  async #mapColumns({ tensors }: SafetensorsHeader, vocabSize: number): Promise<readonly NativeTokenColumn[]> {
    const columns: NativeTokenColumn[] = [];
    for (;;) {
      const offsets = tensors.find(({ name }) => name === `offsets.${columns.length}`);
      const ids = tensors.find(({ name }) => name === `ids.${columns.length}`);
      if (offsets === undefined || ids === undefined) return columns;
      const column = new native.TokenColumn();
      const [count = 0, tokens = 0] = [offsets.shape[0], ids.shape[0]];
      await column.map(this.file, offsets.byteOffset, count - 1, ids.byteOffset, tokens, vocabSize);
      columns.push(column);
    }
  }

  async #readLabels(
    { tensors, metadata }: SafetensorsHeader,
    { taker }: DatasetReading,
  ): Promise<DatasetLabels | undefined> {
    const tensor = tensors.find(({ name }) => name === 'labels');
    if (tensor === undefined) return undefined;
    const shape = JSON.parse(metadata['labelShape'] ?? '') as LabelShape;
    const width = shape.vectors * shape.width;
    const builder = new RowValueBuilder(width);
    const partLength = rowsIn(width) * width * Float32Array.BYTES_PER_ELEMENT;
    for await (const part of readTensorParts(this.file, tensor, partLength)) {
      const values = new Float32Array(part.length / Float32Array.BYTES_PER_ELEMENT);
      new Uint8Array(values.buffer).set(part);
      if (!values.every((value) => taker.needs.label?.accepts(value))) throw new Error('labels for another loss');
      builder.add(values);
    }
    return { shape, ...(await builder.take()) };
  }

  /**
   * Writes columns and labels; the file appears under its name when it is complete.
   *
   * @throws IoError where it was asked for and cannot be written.
   */
  async save({ columns, labels, layout }: TokenizedDataset, signal?: AbortSignal): Promise<void> {
    // The dataset may have changed while it was read.
    const states = await statesOf(this.dataset);
    if (keyOf(this.dataset, states, this.tokenizerJson) !== this.key) return;
    const [folder, name] = [path.dirname(this.file), path.basename(this.file)];
    let files: Staging | undefined;
    try {
      await removeAbandoned(folder, `${name}-`);
      files = await Staging.begin(folder, `${name}-`, this.file);
      await files.write(name, (handle, file) =>
        writeSafetensors(handle, file, [...tensorsOf(columns), ...tensorOfLabels(labels)], {
          metadata: {
            key: this.key,
            layout: JSON.stringify(layout),
            labelShape: JSON.stringify(labels?.shape ?? null),
          },
          signal,
        }),
      );
      await files.place(name, this.file);
    } catch (error) {
      signal?.throwIfAborted();
      if (this.dataset.tokenCache === true) throw error;
    } finally {
      await files?.discard();
    }
  }
}

interface FileState {
  readonly file: string;
  readonly size: number;
  readonly modified: string;
}

/** Of all files; none where one of them cannot be seen. */
async function statesOf(dataset: DatasetFile): Promise<readonly FileState[]> {
  try {
    const files = await dataset.files();
    return await Promise.all(
      files.map(async (file) => {
        const { size, mtimeNs } = await stat(file, { bigint: true });
        return { file, size: Number(size), modified: `${mtimeNs}` };
      }),
    );
  } catch {
    return []; // whoever reads the dataset says why
  }
}

/** `FILE.stillvec-tokens`; for several files with a hash of how they are named, since they may stand in other lists too. */
function cacheFile(first: string, { names }: DatasetFile): string {
  const [name = ''] = names;
  if (names.length === 1 && !isPattern(name)) return `${first}${tokenCacheSuffix}`;
  const hash = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 8);
  return `${first}.${hash}${tokenCacheSuffix}`;
}

function keyOf({ columns, delimiter }: DatasetFile, files: readonly FileState[], tokenizerJson: Uint8Array): string {
  const tokenizer = createHash('sha256').update(tokenizerJson).digest('hex');
  const reading = { columns: columns ?? null, delimiter: delimiter ?? null };
  const states = files.map(({ size, modified }) => ({ size, modified })); // a path may be relative
  return JSON.stringify({ version: 5, tokenizer, ...reading, states });
}

/** The columns in the roles that they have for this taker, which need not be the one that they were written for. */
function layOutAgain({ texts, label }: ColumnLayout, { option, taker }: DatasetReading): ColumnLayout {
  const names = [...texts.map(({ name }) => name), ...(label === undefined ? [] : [label])];
  return layOutColumns(
    option,
    taker,
    names.map((name) => [name, '']),
  );
}

/** Whether a loss can take the labels; one that cannot says why when the dataset is read. */
function fits(labels: DatasetLabels | undefined, texts: number, { taker, dim }: DatasetReading): boolean {
  const { label } = taker.needs;
  if (labels === undefined || label === undefined) return labels === undefined;
  return label.misfit(labels.shape, texts, dim) === undefined;
}

/** Rows that are copied at a time. */
function rowsIn(width: number): number {
  return Math.max(1, Math.floor(valuesAtOnce / width));
}

function tensorOfLabels(labels: DatasetLabels | undefined): TensorSource[] {
  if (labels === undefined) return [];
  const { width, rows } = labels;
  return [{ name: 'labels', dtype: 'F32', shape: [rows, width], chunks: labelChunks(labels) }];
}

function* labelChunks({ values, width, rows }: DatasetLabels): Generator<Uint8Array> {
  for (let row = 0; row < rows; row += rowsIn(width)) {
    const part = new Float32Array(Math.min(rowsIn(width), rows - row) * width);
    values.read(row, part);
    yield new Uint8Array(part.buffer);
  }
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
