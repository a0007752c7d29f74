import { untilAborted } from './abort.js';
import { Embeddings, outputColumns, type EmbeddingArray, type Precision } from './embeddings.js';
import { fromNative } from './errors.js';
import { Pause } from './event-loop.js';
import {
  native,
  type NativeEncoder,
  type NativeFinish,
  type NativePooling,
  type NativeRowBuffer,
  type NativeTable,
  type NativeTokenColumn,
  type NativeTokenizer,
} from './native/index.js';
import { rowArray, rowBuffer, toArray, type RowShape } from './rows.js';
import type { Texts } from './texts.js';

/** How the rows of a call are finished, complete and checked but for what depends on how many they are. */
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

/** Token ids of several texts: those of text i are `ids.subarray(offsets[i], offsets[i + 1])`. */
export interface TokenizedTexts {
  readonly ids: Uint32Array;
  /** One more than there are texts. */
  readonly offsets: Uint32Array;
}

/** What a long call listens to and reports. */
export interface CallSettings {
  /** Threads that may work for the call; 0 is all of the pool. */
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Texts that are encoded at once without leaving the calling thread: waking another one takes longer. */
export const smallCall = 4096;

/** Runs handed to the pool ahead of the one that is awaited: enough to keep it busy, few enough to stop soon. */
const runsInFlight = 4;

/**
 * A token table with its tokenizer: text to rows, no names and no defaults. Immutable; training makes another one.
 */
export class StaticModel {
  readonly table: NativeTable;
  readonly pooling: NativePooling;
  readonly #tokenizer: NativeTokenizer;
  readonly #normalizeFull: boolean;
  readonly #encoder: NativeEncoder;
  #uses = 0;
  #isRetired = false;

  /** @param normalizeFull - The folder has a Normalize module: rows are normalized before they are truncated. */
  constructor(tokenizer: NativeTokenizer, table: NativeTable, pooling: NativePooling, normalizeFull: boolean) {
    this.table = table;
    this.pooling = pooling;
    this.#tokenizer = tokenizer;
    this.#normalizeFull = normalizeFull;
    this.#encoder = new native.Encoder(tokenizer, table, pooling);
  }

  withTable(table: NativeTable): StaticModel {
    return new StaticModel(this.#tokenizer, table, this.pooling, this.#normalizeFull);
  }

  /** Works on the table, which stays for as long as that takes. */
  async use<T>(work: (table: NativeTable) => Promise<T>): Promise<T> {
    ++this.#uses;
    try {
      return await work(this.table);
    } finally {
      --this.#uses;
      this.#letGo();
    }
  }

  /** Another model takes the place of this one: its memory goes with its last use, and not when V8 comes upon it. */
  retire(): void {
    this.#isRetired = true;
    this.#letGo();
  }

  #letGo(): void {
    if (!this.#isRetired || this.#uses > 0) return;
    this.#encoder.release();
    this.table.release();
  }

  /** One text, to the beginning of `row`. */
  encodeTextSync(text: string, settings: RowSettings, row: EmbeddingArray<Precision>): void {
    const { prompt, columns, normalize } = settings;
    try {
      this.#encoder.encodeText(text, row, prompt, columns, this.#normalizeFull, normalize);
    } catch (error) {
      throw fromNative(error);
    }
  }

  encodeSync<P extends Precision>(texts: Texts, rows: RowSettings<P>): Embeddings<P> {
    try {
      const shape = shapeOf(texts.count, rows);
      const written = writtenShape(shape);
      const array = rowArray(written);
      this.#encoder.encodeSync(...texts.run(0, texts.count), rows.prompt, array, 0, ...this.#finishing(rows));
      return embeddingsOf(isQuantized(rows.precision) ? quantize(array as Float32Array, shape) : array, shape);
    } catch (error) {
      throw fromNative(error);
    }
  }

  async encode<P extends Precision>(texts: Texts, rows: RowSettings<P>, call: CallSettings): Promise<Embeddings<P>> {
    const { signal, onProgress } = call;
    signal?.throwIfAborted();
    if (texts.size(smallCall) + texts.count * rows.prompt.length <= smallCall) {
      const embeddings = this.encodeSync(texts, rows);
      onProgress?.(texts.count, texts.count);
      return embeddings;
    }
    try {
      const encoding = this.use(() => this.#encodeOnPool(texts, rows, call));
      return await untilAborted(encoding, signal);
    } catch (error) {
      throw fromNative(error, signal);
    }
  }

  tokenize(texts: Texts): TokenizedTexts {
    try {
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
    const take = (run: NativeTokenColumn, end: number): void => {
      column.appendColumn(run);
      onProgress?.(end, texts.count);
    };
    await inRuns(texts, signal, (start, end) => this.#tokenizeRun(texts, start, end), take);
  }

  /** The ids of texts [start, end). */
  async #tokenizeRun(texts: Texts, start: number, end: number): Promise<NativeTokenColumn> {
    const run = new native.TokenColumn();
    await run.append(this.#encoder, ...texts.run(start, end), '');
    return run;
  }

  async #encodeOnPool<P extends Precision>(
    texts: Texts,
    rows: RowSettings<P>,
    { threads, signal, onProgress }: CallSettings,
  ): Promise<Embeddings<P>> {
    const shape = shapeOf(texts.count, rows);
    const buffer = rowBuffer(writtenShape(shape));
    try {
      await inRuns(
        texts,
        signal,
        (start, end) =>
          this.#encoder.encode(...texts.run(start, end), rows.prompt, threads, buffer, start, ...this.#finishing(rows)),
        (_, end) => onProgress?.(end, texts.count),
      );
      return embeddingsOf(await finished(buffer, shape), shape);
    } finally {
      buffer.release();
    }
  }

  #finishing({ columns, normalize, precision }: RowSettings): NativeFinish {
    const output = precision === 'binary' || precision === 'ubinary' ? precision : 'float32';
    return [columns, this.#normalizeFull, normalize, output];
  }
}

/** Works off texts run by run, some of them at a time, and gives each run's result to `take` in its turn. */
async function inRuns<T>(
  texts: Texts,
  signal: AbortSignal | undefined,
  work: (start: number, end: number) => Promise<T>,
  take: (result: T, end: number) => void,
): Promise<void> {
  // Short runs would otherwise follow each other without a turn for anybody else.
  const pause = new Pause();
  const pending: { readonly run: Promise<T>; readonly end: number }[] = [];
  const settleOne = async (): Promise<void> => {
    const oldest = pending.shift();
    if (oldest === undefined) return;
    take(await oldest.run, oldest.end);
    signal?.throwIfAborted();
  };
  for (let start = 0; start < texts.count;) {
    const end = texts.runEnd(start);
    const run = work(start, end);
    // It is awaited in its turn, and may fail before an older one is done.
    run.catch(() => undefined);
    pending.push({ run, end });
    if (pending.length === runsInFlight) await settleOne();
    await pause.ifDue();
    start = end;
  }
  while (pending.length > 0) await settleOne();
}

function shapeOf<P extends Precision>(count: number, { columns, precision, out }: RowSettings<P>): RowShape<P> {
  return { count, columns: outputColumns(precision, columns), precision, out };
}

/** Whether values are steps of the range that a column has over all rows. */
export function isQuantized(precision: Precision): precision is 'int8' | 'uint8' {
  return precision === 'int8' || precision === 'uint8';
}

/**
 * What the addon writes first: int8 and uint8 depend on the range of each column over all rows, so they are made from
 * the finished floats.
 */
function writtenShape(shape: RowShape): RowShape {
  return isQuantized(shape.precision) ? { ...shape, precision: 'float32', out: undefined } : shape;
}

function quantize<P extends Precision>(floats: Float32Array, shape: RowShape<P>): EmbeddingArray<P> {
  const array = rowArray(shape);
  const ranges = native.columnRanges(floats, shape.columns);
  native.quantize(floats, shape.columns, shape.precision, ranges, array as Int8Array | Uint8Array);
  return array;
}

/** The array of what threads have written. */
async function finished<P extends Precision>(written: NativeRowBuffer, shape: RowShape<P>): Promise<EmbeddingArray<P>> {
  if (!isQuantized(shape.precision)) return toArray(written, shape);
  const quantized = rowBuffer(shape);
  const ranges = await native.columnRangesAsync(written, shape.columns);
  await native.quantizeAsync(written, shape.columns, shape.precision, ranges, quantized);
  written.release();
  return toArray(quantized, shape);
}

function embeddingsOf<P extends Precision>(array: EmbeddingArray<Precision>, shape: RowShape<P>): Embeddings<P> {
  return new Embeddings<P>(array as EmbeddingArray<P>, shape.count, shape.columns, shape.precision);
}
