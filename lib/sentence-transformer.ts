import { untilAborted } from './abort.js';
import { encodeBatches, type TextSource } from './encode-stream.js';
import { outputColumns, precisions, type Embeddings, type EmbeddingArray, type Precision } from './embeddings.js';
import { InvalidArgumentError, UnsupportedError } from './errors.js';
import { encodeAdvice, encodeStreamAdvice, encodeSyncAdvice, modelAdvice, prepareAdvice } from './foreign-options.js';
import type { TrainingCardData } from './formats/card-data.js';
import type { LoadProgress } from './formats/model-reader.js';
import type { ModelSettings } from './formats/model-settings.js';
import type { Matrix } from './matrix.js';
import { checkOut, ModelEncoder } from './model-encoder.js';
import { createModel, openModel, saveModel, type ModelSource, type SavedTokenizer } from './model-source.js';
import { native, tableDtypes, type NativeTable, type TableDtype } from './native/index.js';
import { poolingOptionNames, poolingOptions, type Pooling, type PoolingOptions } from './pooling.js';
import type { PreparedEncoder, TextInput } from './prepared-encoder.js';
import { rescoreOptionNames, search, searchAsync, type RescoreOptions } from './search/rescored-top-k.js';
import type { SearchRequest, TopK } from './search/top-k.js';
import { similarityFunctions, type SimilarityFunction } from './similarity-functions.js';
import { pairwiseSimilarity, pairwiseSimilarityAsync, similarityMatrix, similarityMatrixAsync } from './similarity.js';
import { isQuantized, StaticModel, type RowSettings } from './static-model.js';
import { asTexts, type Utf8Column } from './texts.js';
import type { RunDescription } from './training/describe-run.js';
import type { FitOptions } from './training/fit-options.js';
import type { FitResult } from './training/fit-result.js';
import { fit } from './training/fit.js';
import {
  checkInitialRows,
  type IdfRows,
  type InitialRows,
  type InitialRowsProgress,
} from './training/initial-rows-options.js';
import { initialTable } from './training/initial-rows.js';
import type { AnyEmbeddingsInput } from './vectors.js';
import {
  abortSignal,
  boolean,
  callback,
  describe,
  integer,
  invalidArgument,
  knownOptions,
  nonEmptyString,
  object,
  oneOf,
  positiveInteger,
  string,
} from './validate.js';

/** Texts that stand before every text of one kind, by name. */
export type Prompts = Readonly<Record<string, string>>;

export interface ModelOptions extends PoolingOptions {
  /** Keep only the first columns of every embedding; a Matryoshka model loses little by it. Default: all. */
  readonly truncateDim?: number;
  /** Named prompts, over those of the folder. Default: `{ query: '', document: '' }`. */
  readonly prompts?: Prompts;
  /** The prompt that `encode` uses when the call names none. Default: none. */
  readonly defaultPromptName?: string;
  /** What `similarity` computes. Default: the folder's, else `cosine`. */
  readonly similarity?: SimilarityFunction;
}

export interface LoadOptions extends ModelOptions {
  /**
   * Never ask the network: an id must be in the local Hugging Face cache. Default: what the variable `HF_HUB_OFFLINE`
   * says, else false.
   */
  readonly localFilesOnly?: boolean;
  /**
   * How the table is kept in memory, and saved: fewer bytes a value are faster to read. Default: as in the file.
   * `float16` and `bfloat16` halve it, `int8` (with a scale a row) quarters it.
   */
  readonly tableDtype?: TableDtype;
  /**
   * Use the table's file where it lies, so that loading takes no time and processes share one copy. The file must then
   * stay as it is: where a program cuts it short, the next `encode` of a process that has it mapped ends that process
   * (SIGBUS). False reads it into memory, for folders that others write to. Default: true.
   */
  readonly mmap?: boolean;
  /**
   * Compare the files with the checksums that a saved model has of them. False loads one whose settings or tokenizer
   * were changed by hand. Default: true.
   */
  readonly verify?: boolean;
  /** Of a file of word vectors: read so many words, the first and mostly the most frequent. Default: all. */
  readonly limit?: number;
  /**
   * Of a file of word vectors: a tokenizer.json, or a folder that has one, whose tokens take the vectors of the words that
   * they are. Default: one is made that takes words and punctuation for tokens.
   */
  readonly tokenizer?: string;
  /** Of a file of word vectors: called as its bytes are read. */
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CreateOptions extends ModelOptions {
  /** A tokenizer.json, or a folder that has one. */
  readonly tokenizer: string;
  /** Width of the table. Default: 1024. */
  readonly dim?: number;
  /** Seed of the random rows, independent N(0, 1) values. Default: 42. */
  readonly seed?: number;
  /**
   * How long the rows are: `normal` (default) leaves them as they are drawn, `{ idf: texts, scale: 5 }` makes those of rare
   * words longer, for retrieval.
   */
  readonly initialRows?: InitialRows;
  /** Called about ten times a second while the texts of `initialRows` are tokenized. */
  readonly onProgress?: (progress: InitialRowsProgress) => void;
  readonly signal?: AbortSignal;
}

export interface EncodeSyncOptions<P extends Precision = Precision> {
  /** A prompt of the model, by name. Default: the model's `defaultPromptName`. */
  readonly promptName?: string;
  /** Put before every text; wins over `promptName`. */
  readonly prompt?: string;
  /**
   * `float32` (default); `int8` and `uint8` quantize each dimension over the range that it has in this call, so give
   * them 100 texts or more (one is refused); `binary` and `ubinary` keep the sign of each dimension, eight to a byte.
   */
  readonly precision?: P;
  /** Scale every embedding to length 1. Default: false. */
  readonly normalizeEmbeddings?: boolean;
  /** Keep only the first columns. Default: the model's `truncateDim`. */
  readonly truncateDim?: number;
  /** Write the rows here, from its beginning, instead of to new memory. The result is a view of it. */
  readonly out?: EmbeddingArray<P>;
}

export interface EncodeOptions<P extends Precision = Precision> extends EncodeSyncOptions<P> {
  /** Threads that may work for this call. Default: all of the pool (`STILLVEC_THREADS`, or the CPUs of the process). */
  readonly threads?: number;
  /** Rejects with `signal.reason` soon after it is aborted. */
  readonly signal?: AbortSignal;
  /** Called as texts are done. */
  readonly onProgress?: (progress: EncodeProgress) => void;
}

/** `int8` and `uint8` need the range of all embeddings, which a stream has only at its end. */
export type StreamPrecision = Exclude<Precision, 'int8' | 'uint8'>;

export interface EncodeStreamOptions<P extends StreamPrecision = StreamPrecision> extends Omit<
  EncodeOptions<P>,
  'out' | 'onProgress'
> {
  /** Texts a batch. Default: 1024. */
  readonly batchSize?: number;
  /** Called as batches are done, with the texts encoded so far. */
  readonly onProgress?: (progress: { readonly done: number }) => void;
}

export interface SimilarityOptions {
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
}

export interface SearchOptions extends RescoreOptions, SimilarityOptions {}

export interface EncodeProgress {
  readonly done: number;
  readonly total: number;
}

/** What runs a model here, for bug reports and benchmarks. */
export interface ModelInfo {
  readonly dim: number;
  readonly vocabSize: number;
  /** How the table is stored: `float32`, `float16`, `bfloat16` or `int8`. */
  readonly dtype: string;
  /** Bytes of the table. */
  readonly bytes: number;
  /** Whether the table is the file itself, mapped, shared with other processes that map it. */
  readonly mapped: boolean;
  /** The instruction set in use; capped by `STILLVEC_MAX_ISA`. */
  readonly isa: string;
  /** Threads of the pool. */
  readonly threads: number;
}

const modelOptionNames = ['truncateDim', 'prompts', 'defaultPromptName', 'similarity', ...poolingOptionNames];
const loadOptionNames = [
  'localFilesOnly',
  'tableDtype',
  'mmap',
  'verify',
  'limit',
  'tokenizer',
  'onProgress',
  'signal',
];
const createOptionNames = [...modelOptionNames, 'tokenizer', 'dim', 'seed', 'initialRows', 'onProgress', 'signal'];
const encodeSyncOptionNames = ['promptName', 'prompt', 'precision', 'normalizeEmbeddings', 'truncateDim', 'out'];
const encodeOptionNames = [...encodeSyncOptionNames, 'threads', 'signal', 'onProgress'];
const streamOptionNames = [...encodeOptionNames.filter((name) => name !== 'out'), 'batchSize'];
const streamPrecisions = precisions.filter((name): name is StreamPrecision => !isQuantized(name));
const maxThreads = 1024;

/** Rows of a table are numbered in 32 bits. */
const maxRows = 2 ** 32 - 2;

/**
 * A static embedding model: an embedding is the mean of its tokens' rows in a table, or weighs them as `pooling` says.
 * Named and used like the class of the same name in Sentence Transformers, whose folders it reads and writes.
 *
 * @example
 * const model = await SentenceTransformer.load('models/retrieval');
 * const [query, ...documents] = await model.encode(['how do I abort a request', 'Pass an AbortSignal.', 'Install it.']);
 * model.similarity(query, documents).data; // 1 x 2
 */
export class SentenceTransformer {
  #model: StaticModel;
  #isTraining = false;
  #lastFit: FitResult | undefined;
  #training: TrainingCardData | null = null;
  readonly #tokenizer: SavedTokenizer;
  readonly #settings: ModelSettings;
  readonly #hubId: string | null;
  readonly #current = (): StaticModel => this.#model;

  private constructor(source: ModelSource, options: ModelOptions) {
    checkSource(source);
    this.#model = source.model;
    this.#tokenizer = source.tokenizer;
    this.#hubId = source.hubId;
    this.#settings = mergeSettings(source, options);
  }

  /**
   * Loads a model folder: Sentence Transformers (any version) or Model2Vec. The table is memory-mapped where its dtype
   * allows.
   *
   * @param folderOrId - A folder, or an id such as `sentence-transformers/static-retrieval-mrl-en-v1`.
   * @throws ModelFormatError (`ERR_MODEL_NOT_FOUND`, `ERR_MODEL_CORRUPT`), UnsupportedError, IoError,
   * InvalidArgumentError.
   */
  static async load(folderOrId: string, options: LoadOptions = {}): Promise<SentenceTransformer> {
    knownOptions('load', options, [...modelOptionNames, ...loadOptionNames], modelAdvice);
    const signal = abortSignal('signal', options.signal);
    const localFilesOnly =
      options.localFilesOnly === undefined ? undefined : boolean('localFilesOnly', options.localFilesOnly);
    const tableDtype =
      options.tableDtype === undefined ? undefined : oneOf('tableDtype', options.tableDtype, tableDtypes);
    const mmap = boolean('mmap', options.mmap ?? true);
    const verify = boolean('verify', options.verify ?? true);
    const folder = nonEmptyString('folderOrId', folderOrId);
    const limit = options.limit === undefined ? undefined : positiveInteger('limit', options.limit, maxRows);
    const tokenizer = options.tokenizer === undefined ? undefined : nonEmptyString('tokenizer', options.tokenizer);
    const onProgress = callback('onProgress', options.onProgress);
    const pooling = poolingOptions(options);
    const opening = openModel(folder, {
      localFilesOnly,
      tableDtype,
      mmap,
      verify,
      limit,
      tokenizer,
      onProgress,
      pooling,
      signal,
    });
    const source = await untilAborted(opening, signal);
    return new SentenceTransformer(source, options);
  }

  /**
   * Makes an untrained model: a tokenizer and a table of random rows, to be trained with `fit`.
   *
   * @throws ModelFormatError for a broken tokenizer.json, InvalidArgumentError.
   */
  static async create(options: CreateOptions): Promise<SentenceTransformer> {
    object('options', options, "an object such as { tokenizer: 'tokenizer.json' }");
    knownOptions('create', options, createOptionNames, modelAdvice);
    const signal = abortSignal('signal', options.signal);
    const dim = options.dim === undefined ? 1024 : positiveInteger('dim', options.dim, maxDim);
    const seed = options.seed === undefined ? 42 : integer('seed', options.seed, { min: 0 });
    const rows = checkInitialRows('initialRows', options.initialRows);
    const onProgress = callback('onProgress', options.onProgress);
    const tokenizer = nonEmptyString('tokenizer', options.tokenizer);
    const making = createModel(tokenizer, dim, seed, poolingOptions(options), signal);
    const created = new SentenceTransformer(await untilAborted(making, signal), options);
    if (rows !== undefined) await created.#initialize(rows, signal, onProgress);
    return created;
  }

  async #initialize(
    rows: Required<IdfRows>,
    signal: AbortSignal | undefined,
    onProgress: ((progress: InitialRowsProgress) => void) | undefined,
  ): Promise<void> {
    const call = { tokenizerKey: this.#tokenizer.key, signal, onProgress };
    this.#replaceTable(await this.#model.use(() => initialTable(this.#model, rows, call)));
  }

  #replaceTable(table: NativeTable): void {
    const before = this.#model;
    this.#model = before.withTable(table);
    before.retire();
  }

  /** Dimensions of an embedding. */
  get dim(): number {
    return this.#settings.truncateDim ?? this.#model.table.dim;
  }

  /** Rows of the table, one a token. */
  get vocabSize(): number {
    return this.#model.table.rows;
  }

  get prompts(): Prompts {
    return this.#settings.prompts;
  }

  get defaultPromptName(): string | null {
    return this.#settings.defaultPromptName;
  }

  get similarityFnName(): SimilarityFunction {
    return this.#settings.similarityFnName;
  }

  /** How the rows of a text's tokens are weighed. */
  get pooling(): Pooling {
    return this.#settings.pooling;
  }

  /** The tokens that weigh nothing, as tokenizer.json writes them. */
  get excludeTokens(): readonly string[] {
    return this.#settings.excludeTokens;
  }

  /**
   * Embeds a text, or many at once.
   *
   * @returns One vector of `dim` values for a string; one row a text, in their order, for an array. A text without
   * tokens gives zeros.
   * @throws InvalidArgumentError for anything that is not a string, unknown options or prompts; `signal.reason`.
   */
  encode<P extends Precision = 'float32'>(text: string, options?: EncodeOptions<P>): Promise<EmbeddingArray<P>>;
  encode<P extends Precision = 'float32'>(
    texts: readonly string[] | Utf8Column,
    options?: EncodeOptions<P>,
  ): Promise<Embeddings<P>>;
  encode<P extends Precision = 'float32'>(
    texts: TextInput,
    options?: EncodeOptions<P>,
  ): Promise<EmbeddingArray<P> | Embeddings<P>>;
  async encode<P extends Precision = 'float32'>(
    texts: TextInput,
    options: EncodeOptions<P> = {},
  ): Promise<EmbeddingArray<P> | Embeddings<P>> {
    return this.#encode('encode', texts, options, undefined);
  }

  /** As `encode`, with the prompt named `query` unless the options name another. */
  encodeQuery<P extends Precision = 'float32'>(text: string, options?: EncodeOptions<P>): Promise<EmbeddingArray<P>>;
  encodeQuery<P extends Precision = 'float32'>(
    texts: readonly string[] | Utf8Column,
    options?: EncodeOptions<P>,
  ): Promise<Embeddings<P>>;
  encodeQuery<P extends Precision = 'float32'>(
    texts: TextInput,
    options?: EncodeOptions<P>,
  ): Promise<EmbeddingArray<P> | Embeddings<P>>;
  async encodeQuery<P extends Precision = 'float32'>(
    texts: TextInput,
    options: EncodeOptions<P> = {},
  ): Promise<EmbeddingArray<P> | Embeddings<P>> {
    return this.#encode('encodeQuery', texts, options, ['query']);
  }

  /** As `encode`, with the first of the prompts `document`, `passage` and `corpus` unless the options name another. */
  encodeDocument<P extends Precision = 'float32'>(text: string, options?: EncodeOptions<P>): Promise<EmbeddingArray<P>>;
  encodeDocument<P extends Precision = 'float32'>(
    texts: readonly string[] | Utf8Column,
    options?: EncodeOptions<P>,
  ): Promise<Embeddings<P>>;
  encodeDocument<P extends Precision = 'float32'>(
    texts: TextInput,
    options?: EncodeOptions<P>,
  ): Promise<EmbeddingArray<P> | Embeddings<P>>;
  async encodeDocument<P extends Precision = 'float32'>(
    texts: TextInput,
    options: EncodeOptions<P> = {},
  ): Promise<EmbeddingArray<P> | Embeddings<P>> {
    return this.#encode('encodeDocument', texts, options, ['document', 'passage', 'corpus']);
  }

  /** As `encode`, on the calling thread: the quickest way for one short text, and it blocks for many. */
  encodeSync<P extends Precision = 'float32'>(text: string, options?: EncodeSyncOptions<P>): EmbeddingArray<P>;
  encodeSync<P extends Precision = 'float32'>(
    texts: readonly string[] | Utf8Column,
    options?: EncodeSyncOptions<P>,
  ): Embeddings<P>;
  encodeSync<P extends Precision = 'float32'>(
    texts: TextInput,
    options?: EncodeSyncOptions<P>,
  ): EmbeddingArray<P> | Embeddings<P>;
  encodeSync<P extends Precision = 'float32'>(
    texts: TextInput,
    options: EncodeSyncOptions<P> = {},
  ): EmbeddingArray<P> | Embeddings<P> {
    knownOptions('encodeSync', options, encodeSyncOptionNames, encodeSyncAdvice);
    return new ModelEncoder(this.#current, this.#rowSettings(options, undefined)).encodeSync(texts);
  }

  /**
   * Checks the options of `encode` once, for many calls: the quickest way for short texts that come one by one. What it
   * gives encodes with the table that the model has at each call: also with one that `fit` makes later.
   *
   * The vectors of single texts are views of a buffer that several share, of up to 64 KiB, which stays as long as one of
   * them does: `vector.slice()` has memory of its own. With `out` all calls write to the same place, and none takes new
   * memory.
   *
   * @throws InvalidArgumentError for unknown options or prompts, or an `out` without room for a row.
   * @example
   * const queries = model.prepare({ promptName: 'query', truncateDim: 256, normalizeEmbeddings: true });
   * const vector = queries.encodeSync('how do I abort a request');
   */
  prepare<P extends Precision = 'float32'>(options: EncodeSyncOptions<P> = {}): PreparedEncoder<P> {
    knownOptions('prepare', options, encodeSyncOptionNames, prepareAdvice);
    const rows = this.#rowSettings(options, undefined);
    const { columns, precision, out } = rows;
    if (out !== undefined) checkOut(out, precision, outputColumns(precision, columns));
    return new ModelEncoder(this.#current, rows, true);
  }

  /**
   * Embeds texts as they come, in batches: memory stays bounded, and the source is read no faster than the batches are
   * taken.
   *
   * @example
   * for await (const embeddings of model.encodeStream(lines, { batchSize: 4096 })) index.add(embeddings);
   */
  encodeStream<P extends StreamPrecision = 'float32'>(
    source: TextSource,
    options: EncodeStreamOptions<P> = {},
  ): AsyncGenerator<Embeddings<P>, void, undefined> {
    knownOptions('encodeStream', options, streamOptionNames, encodeStreamAdvice);
    if (options.precision !== undefined) oneOf('precision', options.precision, streamPrecisions);
    if (!isIterable(source)) throw invalidArgument('source', 'an (async) iterable of strings', source);
    const { batchSize = 1024, onProgress, ...rest } = options;
    const report = callback('onProgress', onProgress);
    let done = 0;
    const signal = abortSignal('signal', options.signal);
    return encodeBatches(source, positiveInteger('batchSize', batchSize), signal, async (texts) => {
      const embeddings = await this.encode<P>(texts, rest as EncodeOptions<P>);
      done += texts.length;
      report?.({ done });
      return embeddings;
    });
  }

  /**
   * The token ids that `encode` pools, without special tokens.
   *
   * @returns `ids` of all texts, one after the other; those of text i stand at [offsets[i], offsets[i + 1]).
   */
  tokenize(texts: readonly string[] | Utf8Column): { ids: Uint32Array; offsets: Uint32Array } {
    return this.#model.tokenize(asTexts('texts', texts));
  }

  /**
   * The similarity of every row of one with every row of the other: |embeddings1| x |embeddings2|. Either may be
   * quantized; the values of `binary` rows are 1 and -1, so that h bits that differ of d are the cosine 1 - 2h / d, the
   * dot product d - 2h and the Manhattan distance 2h. Blocks until it is done: `similarityAsync` is for many.
   */
  similarity(embeddings1: AnyEmbeddingsInput, embeddings2: AnyEmbeddingsInput): Matrix {
    return similarityMatrix(embeddings1, embeddings2, this.#settings.similarityFnName);
  }

  /** As `similarity`, on the threads of the pool. */
  async similarityAsync(
    embeddings1: AnyEmbeddingsInput,
    embeddings2: AnyEmbeddingsInput,
    options: SimilarityOptions = {},
  ): Promise<Matrix> {
    const signal = similaritySignal('similarityAsync', options);
    return similarityMatrixAsync(embeddings1, embeddings2, this.#settings.similarityFnName, signal);
  }

  /** The similarity of row i of one with row i of the other. Blocks: `similarityPairwiseAsync` is for many. */
  similarityPairwise(embeddings1: AnyEmbeddingsInput, embeddings2: AnyEmbeddingsInput): Float32Array {
    return pairwiseSimilarity(embeddings1, embeddings2, this.#settings.similarityFnName);
  }

  /** As `similarityPairwise`, on the threads of the pool. */
  async similarityPairwiseAsync(
    embeddings1: AnyEmbeddingsInput,
    embeddings2: AnyEmbeddingsInput,
    options: SimilarityOptions = {},
  ): Promise<Float32Array> {
    const signal = similaritySignal('similarityPairwiseAsync', options);
    return pairwiseSimilarityAsync(embeddings1, embeddings2, this.#settings.similarityFnName, signal);
  }

  /**
   * The `k` rows of `corpus` most similar to each query, nearest first: an exact search, unless `rescore` asks for a
   * quicker one, on the threads of the pool. A corpus that came from `encode` is searched where it lies, any other is
   * copied first; neither may change meanwhile.
   */
  async searchTopK(
    queries: AnyEmbeddingsInput,
    corpus: AnyEmbeddingsInput,
    k: number,
    options: SearchOptions = {},
  ): Promise<TopK> {
    const signal = similaritySignal('searchTopK', options, rescoreOptionNames);
    return searchAsync(queries, corpus, this.#searchRequest(k), options, { signal });
  }

  /** As `searchTopK`, and blocks until it is done. */
  searchTopKSync(
    queries: AnyEmbeddingsInput,
    corpus: AnyEmbeddingsInput,
    k: number,
    options: RescoreOptions = {},
  ): TopK {
    knownOptions('searchTopKSync', options, rescoreOptionNames);
    return search(queries, corpus, this.#searchRequest(k), options);
  }

  #searchRequest(k: number): SearchRequest {
    return { k: positiveInteger('k', k), similarity: this.#settings.similarityFnName };
  }

  /**
   * Trains the table on pairs, triplets or wider rows. Embeddings made while it runs are those of the table as it was
   * at the start or at the last evaluation; afterwards, also when it was aborted, the model is the trained one.
   *
   * @throws InvalidArgumentError naming the option, or the row and column of the dataset; `signal.reason`.
   */
  async fit(options: FitOptions): Promise<FitResult> {
    if (this.#isTraining) {
      throw new UnsupportedError(
        'fit is at work on this model, and a second run would undo what it learns: await the first one, or load the model anew',
      );
    }
    this.#isTraining = true;
    try {
      return await this.#fit(options);
    } finally {
      this.#isTraining = false;
    }
  }

  async #fit(options: FitOptions): Promise<FitResult> {
    const publish = (table: NativeTable): void => {
      this.#replaceTable(table);
    };
    const save = (folder: string): Promise<void> => this.save(folder);
    const keep = (result: FitResult, description: RunDescription): void => {
      this.#lastFit = result;
      this.#training = { ...description, baseModel: this.#hubId };
    };
    return fit(this, this.#model, options, publish, save, this.#tokenizer.key, keep);
  }

  /**
   * What the last `fit` has done, also where it was aborted or failed on the way and so gave nothing; undefined before
   * one has begun to take steps.
   */
  get lastFit(): FitResult | undefined {
    return this.#lastFit;
  }

  /**
   * Writes the model as a Sentence Transformers folder. A folder that holds a good model holds one at every moment. Its
   * README.md tells of the last `fit`; one that a person wrote stays as it is.
   *
   * @throws IoError when the folder cannot be written.
   */
  async save(folder: string): Promise<void> {
    nonEmptyString('folder', folder);
    await this.#model.use((table) => saveModel(folder, this.#tokenizer, table, this.#settings, this.#training));
  }

  info(): ModelInfo {
    const { table } = this.#model;
    const { isa, threads } = native.info();
    return {
      dim: this.dim,
      vocabSize: table.rows,
      dtype: table.dtype,
      bytes: table.byteLength,
      mapped: table.mapped,
      isa,
      threads,
    };
  }

  async #encode<P extends Precision>(
    method: string,
    texts: TextInput,
    options: EncodeOptions<P>,
    prompts: readonly string[] | undefined,
  ): Promise<EmbeddingArray<P> | Embeddings<P>> {
    knownOptions(method, options, encodeOptionNames, encodeAdvice);
    const rows = this.#rowSettings(options, prompts);
    const report = callback('onProgress', options.onProgress);
    const call = {
      threads: options.threads === undefined ? 0 : positiveInteger('threads', options.threads, maxThreads),
      signal: abortSignal('signal', options.signal),
      onProgress: (done: number, total: number) => {
        report?.({ done, total });
      },
    };
    return new ModelEncoder(this.#current, rows).encode(texts, call);
  }

  #rowSettings<P extends Precision>(
    options: EncodeSyncOptions<P>,
    roles: readonly string[] | undefined,
  ): RowSettings<P> {
    const { truncateDim = this.dim, normalizeEmbeddings = false, out } = options;
    const columns = positiveInteger('truncateDim', truncateDim, this.#model.table.dim);
    const precision = oneOf('precision', options.precision ?? 'float32', precisions) as P;
    return {
      prompt: this.#prompt(options, roles),
      columns,
      normalize: boolean('normalizeEmbeddings', normalizeEmbeddings),
      precision,
      out,
    };
  }

  /** `prompt` wins over `promptName`, that over the role of the method, that over the model's default. */
  #prompt({ prompt, promptName }: EncodeSyncOptions, roles: readonly string[] | undefined): string {
    if (prompt !== undefined) return string('prompt', prompt);
    const { prompts, defaultPromptName } = this.#settings;
    if (promptName !== undefined) return promptOf('promptName', promptName, prompts);
    const role = roles?.find((name) => Object.hasOwn(prompts, name));
    if (role !== undefined) return prompts[role] ?? '';
    return defaultPromptName === null ? '' : (prompts[defaultPromptName] ?? '');
  }
}

/** Wider tables than this are a mistake in an argument, not a model. */
const maxDim = 1 << 20;

function isIterable(source: unknown): source is TextSource {
  if (typeof source !== 'object' || source === null) return false;
  return Symbol.iterator in source || Symbol.asyncIterator in source;
}

function similaritySignal(
  method: string,
  options: SimilarityOptions,
  more: readonly string[] = [],
): AbortSignal | undefined {
  knownOptions(method, options, ['signal', ...more]);
  const signal = abortSignal('signal', options.signal);
  signal?.throwIfAborted();
  return signal;
}

/** JavaScript can call a private constructor. */
function checkSource(source: unknown): void {
  if (typeof source === 'object' && source !== null && 'model' in source && source.model instanceof StaticModel) return;
  const name = typeof source === 'string' ? describe(source) : 'a folder or an id';
  throw new InvalidArgumentError(
    `new SentenceTransformer is not for use: await SentenceTransformer.load(${name}), or for a new model ` +
      "await SentenceTransformer.create({ tokenizer: 'tokenizer.json' })",
  );
}

function promptOf(option: string, name: string, prompts: Prompts): string {
  const prompt = Object.hasOwn(prompts, string(option, name)) ? prompts[name] : undefined;
  if (prompt === undefined) {
    const known = Object.keys(prompts).map((known) => `'${known}'`);
    throw invalidArgument(option, `one of the prompts ${known.join(', ')}`, name);
  }
  return prompt;
}

/** What the folder says, and over it what the caller says. */
function mergeSettings({ settings, model }: ModelSource, options: ModelOptions): ModelSettings {
  const given = options.prompts === undefined ? {} : object('prompts', options.prompts);
  // From entries, since an assignment to the name __proto__ would make no prompt.
  const prompts = Object.fromEntries([
    ...Object.entries(settings.prompts),
    ...Object.entries(given).map(([name, prompt]) => [name, string(`prompts.${name}`, prompt)] as const),
  ]);
  const { dim } = model.table;
  const { defaultPromptName = settings.defaultPromptName, similarity, truncateDim } = options;
  if (defaultPromptName !== null) promptOf('defaultPromptName', defaultPromptName, prompts);
  const savedDim = settings.truncateDim === null ? null : Math.min(settings.truncateDim, dim);
  return {
    ...settings,
    prompts,
    defaultPromptName,
    similarityFnName:
      similarity === undefined ? settings.similarityFnName : oneOf('similarity', similarity, similarityFunctions),
    truncateDim: truncateDim === undefined ? savedDim : positiveInteger('truncateDim', truncateDim, dim),
  };
}
