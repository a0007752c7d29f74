import { embeddingArrays, Embeddings, type EmbeddingArray, type Precision } from './embeddings.js';
import { fromNative } from './errors.js';
import type { TextTokenizer, TokenizedTexts } from './formats/library-tokenizer.js';
import {
  native,
  type NativeEncoder,
  type NativeFinish,
  type NativeResultBuffer,
  type NativeRows,
  type NativeTable,
  type NativeTokenColumn,
  type NativeTokenizer,
} from './native/index.js';
import type { Texts } from './texts.js';

/** How the rows of a call are finished, complete and checked. */
export interface RowSettings<P extends Precision = Precision> {
  /** Put before every text. */
  readonly prompt: string;
  /** Columns kept, at most the table's. */
  readonly columns: number;
  /** L2-normalize what is kept. */
  readonly normalize: boolean;
  readonly precision: P;
  /** Where the rows shall go instead of new memory; large enough. */
  readonly out: EmbeddingArray<P> | undefined;
}

/** What a long call listens to and reports. */
export interface CallSettings {
  /** Threads that may work for the call; 0 is all of the pool. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Texts that are encoded at once without leaving the calling thread: waking another one takes longer. */
const smallCall = 4096;

/** Runs handed to the pool ahead of the one that is awaited: enough to keep it busy, few enough to stop soon. */
const runsInFlight = 4;

/**
 * A token table with its tokenizer: text to rows, no names and no defaults. Immutable; training makes another one.
 * The tokenizer is native, or a library's that gives ids to the native pooling.
 */
export class StaticModel {
  readonly table: NativeTable;
  readonly #tokenizer: NativeTokenizer | TextTokenizer;
  readonly #normalizeFull: boolean;
  readonly #encoder: NativeEncoder;

  /** @param normalizeFull - The folder has a Normalize module: rows are normalized before they are truncated. */
  constructor(tokenizer: NativeTokenizer | TextTokenizer, table: NativeTable, normalizeFull: boolean) {
    this.table = table;
    this.#tokenizer = tokenizer;
    this.#normalizeFull = normalizeFull;
    this.#encoder = new native.Encoder(isLibrary(tokenizer) ? null : tokenizer, table);
  }

  withTable(table: NativeTable): StaticModel {
    return new StaticModel(this.#tokenizer, table, this.#normalizeFull);
  }

  encodeSync<P extends Precision>(texts: Texts, rows: RowSettings<P>): Embeddings<P> {
    try {
      const written = newRows(texts.count, rows);
      const finish = this.#finishing(rows);
      if (isLibrary(this.#tokenizer)) {
        const { ids, offsets } = this.#tokenizer.encodeBatchSync(withPrompt(texts, 0, texts.count, rows.prompt));
        this.#encoder.poolIds(ids, offsets, written, 0, ...finish);
      } else {
        this.#encoder.encodeSync(...texts.run(0, texts.count), rows.prompt, written, 0, ...finish);
      }
      return finishRows(written, texts.count, rows);
    } catch (error) {
      throw fromNative(error);
    }
  }

  async encode<P extends Precision>(
    texts: Texts,
    rows: RowSettings<P>,
    { threads, signal, onProgress }: CallSettings,
  ): Promise<Embeddings<P>> {
    signal?.throwIfAborted();
    if (texts.size(smallCall) + texts.count * rows.prompt.length <= smallCall) {
      const embeddings = this.encodeSync(texts, rows);
      onProgress?.(texts.count);
      return embeddings;
    }
    const pending: Promise<number>[] = [];
    const settleOne = async (): Promise<void> => {
      onProgress?.((await pending.shift()) ?? 0);
      signal?.throwIfAborted();
    };
    try {
      const { precision, columns } = rows;
      const rowBytes = outputColumns(precision, columns) * writtenArray(precision).BYTES_PER_ELEMENT;
      collectYoungResults();
      const buffer = new native.ResultBuffer(texts.count, rowBytes);
      for (let start = 0; start < texts.count; start = texts.runEnd(start)) {
        pending.push(this.#startRun(texts, start, rows, buffer, threads));
        if (pending.length === runsInFlight) await settleOne();
      }
      while (pending.length > 0) await settleOne();
      return finishRows(takeRows(buffer, texts.count, rows), texts.count, rows);
    } catch (error) {
      // The rows belong to the runs in flight until these are done.
      await Promise.allSettled(pending);
      throw fromNative(error, signal);
    }
  }

  tokenize(texts: Texts): TokenizedTexts {
    try {
      if (isLibrary(this.#tokenizer)) return this.#tokenizer.encodeBatchSync(texts.strings(0, texts.count));
      return this.#encoder.tokenize(...texts.run(0, texts.count), '');
    } catch (error) {
      throw fromNative(error);
    }
  }

  /** Appends the ids of `texts` to a column for training; `onProgress` counts the texts done. */
  async appendTo(
    column: NativeTokenColumn,
    texts: Texts,
    { signal, onProgress }: Pick<CallSettings, 'signal' | 'onProgress'>,
  ): Promise<void> {
    for (let start = 0; start < texts.count;) {
      signal?.throwIfAborted();
      const end = texts.runEnd(start);
      if (isLibrary(this.#tokenizer)) {
        const { ids, offsets } = await this.#tokenizer.encodeBatch(texts.strings(start, end));
        column.appendIds(ids, offsets);
      } else {
        await column.append(this.#encoder, ...texts.run(start, end), '');
      }
      start = end;
      onProgress?.(end);
    }
  }

  /** One run on the pool; resolves with the number of texts that are done when it is. */
  async #startRun(
    texts: Texts,
    start: number,
    rows: RowSettings,
    buffer: NativeResultBuffer,
    threads: number,
  ): Promise<number> {
    const end = texts.runEnd(start);
    const finish = this.#finishing(rows);
    if (isLibrary(this.#tokenizer)) {
      const { ids, offsets } = await this.#tokenizer.encodeBatch(withPrompt(texts, start, end, rows.prompt));
      this.#encoder.poolIds(ids, offsets, buffer, start, ...finish);
    } else {
      await this.#encoder.encode(...texts.run(start, end), rows.prompt, threads, buffer, start, ...finish);
    }
    return end;
  }

  #finishing({ columns, normalize, precision }: RowSettings): NativeFinish {
    const output = precision === 'binary' || precision === 'ubinary' ? precision : 'float32';
    return [columns, this.#normalizeFull, normalize, output];
  }
}

function isLibrary(tokenizer: NativeTokenizer | TextTokenizer): tokenizer is TextTokenizer {
  return 'encodeBatch' in tokenizer;
}

function withPrompt(texts: Texts, start: number, end: number, prompt: string): readonly string[] {
  const strings = texts.strings(start, end);
  return prompt === '' ? strings : strings.map((text) => prompt + text);
}

/** The columns of a finished row: eight dimensions a byte for the binary precisions. */
export function outputColumns(precision: Precision, columns: number): number {
  return precision === 'binary' || precision === 'ubinary' ? Math.ceil(columns / 8) : columns;
}

/**
 * What the addon writes: floats, or the bits of binary rows. int8 and uint8 depend on the range of each column over all
 * rows, so they are made from the finished floats.
 */
function writtenArray(precision: Precision): Float32ArrayConstructor | Int8ArrayConstructor | Uint8ArrayConstructor {
  return precision === 'int8' || precision === 'uint8' ? Float32Array : embeddingArrays[precision];
}

/**
 * V8 counts the addon's memory behind young objects, but looks for dead ones among them, which is quick, only when
 * JavaScript itself allocates a buffer. Without this, results pile up until they force a full collection.
 */
function collectYoungResults(): void {
  new ArrayBuffer(1);
}

/** Memory for the addon to write rows to: the caller's where that is of the type. */
function newRows(count: number, { columns, precision, out }: RowSettings): NativeRows {
  const length = count * outputColumns(precision, columns);
  const type = writtenArray(precision);
  return out instanceof type ? out.subarray(0, length) : new type(length);
}

/** The rows of a buffer that the addon has written. */
function takeRows(buffer: NativeResultBuffer, count: number, rows: RowSettings): NativeRows {
  const type = writtenArray(rows.precision);
  if (!(rows.out instanceof type)) return new type(buffer.take());
  const target = newRows(count, rows);
  buffer.copyTo(target);
  return target;
}

/** The embeddings of the rows that the addon has written. */
function finishRows<P extends Precision>(written: NativeRows, count: number, rows: RowSettings<P>): Embeddings<P> {
  const { columns, precision, out } = rows;
  let data = written as EmbeddingArray<P>;
  if (precision === 'int8' || precision === 'uint8') {
    const floats = written as Float32Array;
    data = (out?.subarray(0, floats.length) ?? new embeddingArrays[precision](floats.length)) as EmbeddingArray<P>;
    native.quantize(floats, columns, native.columnRanges(floats, columns), data as Int8Array | Uint8Array);
  }
  return new Embeddings<P>(data, count, outputColumns(precision, columns), precision);
}
