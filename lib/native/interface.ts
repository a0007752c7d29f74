import type { TableDtype } from './dtypes.js';

/**
 * What the rest of lib/ is written to: the exports of the addon, as native/binding/ defines them. Everything here takes
 * arguments that are already checked and complete; the classes around it give them names and defaults.
 */
export interface Native {
  readonly info: () => NativeInfo;
  /** From now on the addon throws what `toPublic` makes of its errors. Those of aborted calls stay as they are. */
  readonly setErrorType: (toPublic: (error: Error) => unknown) => void;
  /** Whether a step of a tokenizer may look for the regular expression. */
  supportsPattern(regex: string): boolean;
  readonly Tokenizer: new (
    joined: readonly string[],
    count: number,
    vocabulary: readonly string[],
    config: NativeTokenizerConfig,
  ) => NativeTokenizer;
  readonly Table: {
    /** `scalesOffset` is where the f32 scales of an I8 table begin, or null. */
    load(
      path: string,
      byteOffset: number,
      dtype: string,
      rows: number,
      dim: number,
      scalesOffset: number | null,
      mayMap: boolean,
    ): Promise<NativeTable>;
    random(rows: number, dim: number, seed: number): Promise<NativeTable>;
  };
  readonly RowBuffer: new (rows: number, rowBytes: number) => NativeRowBuffer;
  readonly Cancellation: new () => NativeCancellation;
  /** Whether the addon's threads may read the array: whether it lies in memory that a RowBuffer gave out. */
  isShared(array: NativeRows): boolean;
  readonly Encoder: new (tokenizer: NativeTokenizer | null, table: NativeTable, pooling: NativePooling) => NativeEncoder;
  readonly TokenColumn: new () => NativeTokenColumn;
  readonly WordVectors: new (limit: number) => NativeWordVectors;
  readonly WordBags: new (
    joined: readonly string[],
    count: number,
    stopWords: readonly string[],
  ) => NativeWordBags;
  readonly Bm25: new (settings: NativeBm25Settings) => NativeBm25;
  readonly TrainingRun: new (
    table: NativeTable,
    sources: readonly NativeSource[],
    losses: readonly NativeLoss[],
    config: NativeTrainingConfig,
  ) => NativeTrainingRun;
  /** In how many texts of all columns each of the first `tokens` ids stands. The columns are unchangeable from now on. */
  documentFrequencies(
    columns: readonly NativeTokenColumn[],
    tokens: number,
    cancellation: NativeCancellation,
  ): Promise<Float64Array>;
  /** The mean of the losses of a dataset's batches, which are in its order. */
  evaluateLoss(
    table: NativeTable,
    source: NativeSource,
    loss: NativeLoss,
    batches: NativeLossBatches,
    cancellation: NativeCancellation,
  ): Promise<number>;
  /** Sixteen digits that differ where bytes do. */
  checksum(bytes: Uint8Array): string;
  /** The same of what a file has from `byteOffset` on. */
  checksumFile(path: string, byteOffset: number): Promise<string>;
  /** What follows is done when the call returns; what ends in Async is done by threads, from memory that they may read. */
  similarity(...call: [...NativePair<NativeRows>, out: Float32Array]): void;
  similarityAsync(
    ...call: [...NativePair<NativeSharedRows>, out: NativeRowBuffer, cancellation: NativeCancellation]
  ): Promise<void>;
  similarityPairwise(...call: [...NativePair<NativeRows>, out: Float32Array]): void;
  similarityPairwiseAsync(
    ...call: [...NativePair<NativeSharedRows>, out: NativeRowBuffer, cancellation: NativeCancellation]
  ): Promise<void>;
  topK(
    queries: NativeRows,
    queryPrecision: string,
    corpus: NativeRows,
    corpusPrecision: string,
    dim: number,
    request: NativeSearchRequest,
  ): NativeHits;
  topKAsync(
    queries: NativeSharedRows,
    queryPrecision: string,
    corpus: NativeSharedRows,
    corpusPrecision: string,
    dim: number,
    request: NativeSearchRequest,
    cancellation: NativeCancellation,
  ): Promise<NativeHits>;
  communities(
    embeddings: NativeRows,
    precision: string,
    dim: number,
    threshold: number,
    least: number,
  ): NativeCommunities;
  communitiesAsync(
    embeddings: NativeSharedRows,
    precision: string,
    dim: number,
    threshold: number,
    least: number,
    cancellation: NativeCancellation,
  ): Promise<NativeCommunities>;
  /** The best k of equally many candidates a query, which are rows of the corpus. */
  rescore(...call: [...NativePair<NativeRows>, candidates: Uint32Array, k: number]): NativeHits;
  rescoreAsync(
    ...call: [
      ...NativePair<NativeSharedRows>,
      candidates: Uint32Array,
      k: number,
      cancellation: NativeCancellation,
    ]
  ): Promise<NativeHits>;
  /**
   * The best documents of each query by the sums of two scores. `first` has some columns, of which `documents` says
   * which are those of documents; `second` has one for each of these.
   */
  fuseAsync(
    first: NativeSharedRows,
    columns: number,
    documents: Uint32Array,
    second: NativeSharedRows,
    request: NativeFusion,
    cancellation: NativeCancellation,
  ): Promise<NativeHits>;
  /** 2 x dim: the least value of each column, and the greatest. */
  columnRanges(embeddings: Float32Array, dim: number): Float32Array;
  columnRangesAsync(embeddings: NativeSharedRows, dim: number): Promise<Float32Array>;
  /** `ranges` as `columnRanges` gives them; empty where bits are made. */
  quantize(
    embeddings: Float32Array,
    dim: number,
    precision: string,
    ranges: Float32Array,
    out: Int8Array | Uint8Array,
  ): void;
  quantizeAsync(
    embeddings: NativeSharedRows,
    dim: number,
    precision: string,
    ranges: Float32Array,
    out: NativeRowBuffer,
  ): Promise<void>;
}

export interface NativeInfo {
  readonly isa: string;
  readonly bestIsa: string;
  readonly bfloat16: boolean;
  readonly threads: number;
}

export type NativePattern = { readonly literal: string } | { readonly regex: string };

export type NativeSplitBehavior = 'Removed' | 'Isolated' | 'MergedWithPrevious' | 'MergedWithNext' | 'Contiguous';

export type NativeNormalizer =
  | {
      readonly type: 'BertNormalizer';
      readonly cleanText: boolean;
      readonly handleChineseChars: boolean;
      readonly stripAccents: boolean | null;
      readonly lowercase: boolean;
    }
  | { readonly type: 'ByteLevel' | 'Lowercase' | 'NFC' | 'NFD' | 'NFKC' | 'NFKD' | 'Nmt' | 'StripAccents' }
  | { readonly type: 'Precompiled'; readonly charsmap: Uint8Array }
  | { readonly type: 'Prepend'; readonly prepend: string }
  | { readonly type: 'Replace'; readonly pattern: NativePattern; readonly content: string }
  | { readonly type: 'Strip'; readonly left: boolean; readonly right: boolean };

export type NativePreTokenizer =
  | {
      readonly type:
        | 'BertPreTokenizer'
        | 'ByteLevelAlphabet'
        | 'ByteLevelPrefix'
        | 'ByteLevelWords'
        | 'Whitespace'
        | 'WhitespaceSplit';
    }
  | { readonly type: 'CharDelimiterSplit'; readonly delimiter: string }
  | { readonly type: 'Digits'; readonly individually: boolean }
  | { readonly type: 'FixedLength'; readonly length: number }
  | {
      readonly type: 'Metaspace';
      readonly replacement: string;
      readonly prependScheme: 'always' | 'first' | 'never';
      readonly split: boolean;
    }
  | { readonly type: 'Punctuation'; readonly behavior: NativeSplitBehavior }
  | {
      readonly type: 'Split';
      readonly pattern: NativePattern;
      readonly behavior: NativeSplitBehavior;
      readonly invert: boolean;
    };

export type NativeTokenizerModel =
  | {
      readonly type: 'BPE';
      /** Of each merge the ids of its two tokens and of what they make. */
      readonly merges: Uint32Array;
      readonly unkToken: string | null;
      readonly continuingSubwordPrefix: string;
      readonly endOfWordSuffix: string;
      readonly byteFallback: boolean;
      readonly fuseUnk: boolean;
      readonly ignoreMerges: boolean;
    }
  | {
      readonly type: 'Unigram';
      readonly scores: Float64Array;
      readonly unkId: number;
      readonly byteFallback: boolean;
    }
  | { readonly type: 'WordLevel'; readonly unkToken: string }
  | {
      readonly type: 'WordPiece';
      readonly unkToken: string;
      readonly continuingSubwordPrefix: string;
      readonly maxInputCharsPerWord: number;
    };

export interface NativeTokenizerConfig {
  readonly normalizers: readonly NativeNormalizer[];
  readonly preTokenizers: readonly NativePreTokenizer[];
  readonly model: NativeTokenizerModel;
  readonly addedTokens: readonly {
    readonly content: string;
    readonly id: number;
    readonly singleWord: boolean;
    readonly lstrip: boolean;
    readonly rstrip: boolean;
    readonly normalized: boolean;
    readonly special: boolean;
  }[];
  readonly truncation: { readonly maxLength: number; readonly fromLeft: boolean } | null;
  readonly selection: {
    readonly droppedId: number | null;
    readonly maxCodePoints: number;
    readonly maxTokens: number;
  } | null;
}

declare const brand: unique symbol;

export interface NativeTokenizer {
  readonly [brand]: 'Tokenizer';
  /** Makes what texts are looked up in; once, before it is of any use. */
  build(): Promise<void>;
}

export interface NativeTable {
  readonly [brand]: 'Table';
  readonly rows: number;
  readonly dim: number;
  readonly dtype: TableDtype;
  readonly byteLength: number;
  readonly mapped: boolean;
  copy(byteOffset: number, target: Uint8Array): void;
  /** The f32 scales of an int8 table's rows, else null. */
  scales(): Float32Array | null;
  convert(dtype: TableDtype): Promise<NativeTable>;
  /** The rows as float32, each times its factor. */
  scaleRows(factors: Float32Array): Promise<NativeTable>;
  /** These rows as float32, in that order, each times its factor. */
  gatherRows(rows: Uint32Array, factors: Float32Array): Promise<NativeTable>;
  /** Lets go of the values at once, but for work in flight. No rows are left. */
  release(): void;
}

/** Rows in memory of the addon's own. */
export interface NativeRowBuffer {
  readonly [brand]: 'RowBuffer';
  /** Copies whole rows of an array into the memory. */
  write(firstRow: number, rows: NativeRows): void;
  /** Copies rows of the memory to an array. */
  read(firstRow: number, rows: NativeRows): void;
  /** The memory as an ArrayBuffer of less than 4 GiB, when no work holds it any more. No rows are left. */
  take(): ArrayBuffer;
  /** Lets go of the memory at once. No rows are left. */
  release(): void;
}

/** The addon's end of an AbortSignal. */
export interface NativeCancellation {
  readonly [brand]: 'Cancellation';
  cancel(): void;
}

/** Rows that the addon's threads may read: see `isShared`. */
export type NativeSharedRows = NativeRowBuffer | NativeRows;

export type NativePair<Rows> = [
  a: Rows,
  aPrecision: string,
  b: Rows,
  bPrecision: string,
  dim: number,
  similarity: string,
];

export interface NativeSearchRequest {
  readonly k: number;
  readonly similarity: string;
  /** Hits of a lower score are none. */
  readonly atLeast: number;
  /** The queries are rows of the corpus, and find only rows before themselves. */
  readonly earlier: boolean;
  /** The queries [begin, end) are looked at. */
  readonly begin: number;
  readonly end: number;
}

export interface NativeFusion {
  readonly normalization: string;
  /** Of the first scores; the second have 1. */
  readonly weight: number;
  readonly k: number;
}

/** Groups of row numbers, one after the other. */
export interface NativeCommunities {
  readonly members: Uint32Array;
  readonly sizes: Uint32Array;
}

/** Queries x k; a place without a hit has the index 2^32 - 1. */
export interface NativeHits {
  readonly indices: Uint32Array;
  readonly scores: Float32Array;
}

/** How the rows of a text's tokens become one: their weighted sum, divided by the sum of the weights. */
export interface NativePooling {
  /** What a token weighs that a text has n times: n, or the root of n. */
  readonly weighting: 'mean' | 'sqrt';
  /** Tokens that count for nothing, as if texts did not have them. */
  readonly excludedIds: Uint32Array;
}

/** What encoding writes for each text. */
export type NativeOutput = 'float32' | 'binary' | 'ubinary';

export interface NativeEncoder {
  readonly [brand]: 'Encoder';
  encode(
    ...call: [...NativeInput, threads: number, buffer: NativeRowBuffer, firstRow: number, ...NativeFinish]
  ): Promise<void>;
  encodeSync(...call: [...NativeInput, ...NativeTarget, ...NativeFinish]): void;
  /** One text at once, to an array that begins with its row and whose type is that of the output. */
  encodeText(
    text: string,
    row: NativeRows,
    prompt: string,
    columns: number,
    normalizeFull: boolean,
    normalize: boolean,
  ): void;
  poolIds(ids: Uint32Array, offsets: Uint32Array, ...target: [...NativeTarget, ...NativeFinish]): void;
  tokenize(...call: NativeInput): { ids: Uint32Array; offsets: Uint32Array };
  /** Lets go of the table and the tokenizer at once, but for work in flight. It encodes nothing any more. */
  release(): void;
}

/**
 * Texts as they cross the border: strings that are the texts joined by NUL, the number of texts, and the array itself,
 * which is read only when a text contains a NUL; or UTF-8 bytes, the number of texts, and one more offsets than that.
 */
export type NativeTexts =
  | [joined: readonly string[], count: number, texts: readonly string[]]
  | [bytes: Uint8Array, count: number, offsets: Int32Array | BigInt64Array];

export type NativeInput = [...texts: NativeTexts, prompt: string];

/** Where rows go: to memory of the addon's, or to an array that is as wide and starts with row `firstRow` 0. */
export type NativeTarget = [memory: NativeRowBuffer | NativeRows, firstRow: number];

/** Floats, or the bytes of binary rows. */
export type NativeRows = Float32Array | Int8Array | Uint8Array;

/** How rows are finished. */
export type NativeFinish = [columns: number, normalizeFull: boolean, normalize: boolean, output: NativeOutput];

export interface NativeTokenColumn {
  readonly [brand]: 'TokenColumn';
  /** Of the texts. */
  readonly count: number;
  /** Of all of them together. */
  readonly tokens: number;
  /** Fills `target` with the ids from number `begin` on. */
  copyIds(begin: number, target: Uint32Array): void;
  /** The same of where each text's ids begin, and of the end. */
  copyOffsets(begin: number, target: BigUint64Array): void;
  /** Takes the column from a file, where `count` + 1 u64 offsets and `tokens` u32 ids below `rows` begin at these bytes. */
  map(path: string, offsetsAt: number, count: number, idsAt: number, tokens: number, rows: number): Promise<void>;
  append(encoder: NativeEncoder, ...call: NativeInput): Promise<void>;
  /** Equal for equal columns, and hardly ever for others. */
  fingerprint(): Promise<string>;
  appendIds(ids: Uint32Array, offsets: Uint32Array): void;
  appendColumn(other: NativeTokenColumn): void;
}

/** A file of word vectors that is read by one append at a time. */
export interface NativeWordVectors {
  readonly [brand]: 'WordVectors';
  /** Whether no more bytes are needed. */
  append(bytes: Uint8Array): Promise<boolean>;
  /** The words, with a line feed after each. */
  finish(): Promise<Uint8Array>;
  /** The vectors, which are given up, and `more` rows of zeros. */
  takeTable(more: number): Promise<NativeTable>;
}

/** Texts as bags of words, filled by one append at a time. */
export interface NativeWordBags {
  readonly [brand]: 'WordBags';
  /** Splits texts into words. */
  append(...texts: NativeTexts): Promise<void>;
  /** Texts whose words are known: text i has the words [offsets[i], offsets[i + 1]). */
  appendWords(joined: readonly string[], count: number, words: readonly string[], offsets: Uint32Array): void;
  /** The same with a tokenizer's ids as the words. */
  appendIds(ids: Uint32Array, offsets: Uint32Array): void;
  /** The texts of other bags, which are unchangeable from now on. */
  appendBags(other: NativeWordBags): Promise<void>;
}

export interface NativeBm25Settings {
  readonly method: string;
  readonly k1: number;
  readonly b: number;
  readonly delta: number;
}

/** How much of everything a file of an index has, and at which byte each part begins. */
export interface NativeBm25Layout {
  readonly words: number;
  readonly documents: number;
  readonly postings: number;
  readonly wordBytes: number;
  readonly wordOffsetsAt: number;
  readonly startsAt: number;
  readonly documentsAt: number;
  readonly countsAt: number;
  readonly lengthsAt: number;
  readonly wordsAt: number;
}

export type NativeBm25Part = 'word_offsets' | 'starts' | 'documents' | 'counts' | 'lengths' | 'words';

/** Documents by number, in the order in which they were added. One change at a time. */
export interface NativeBm25 {
  readonly [brand]: 'Bm25';
  load(path: string, layout: NativeBm25Layout): Promise<void>;
  add(bags: NativeWordBags): Promise<void>;
  /** Those behind the removed documents move up. */
  remove(numbers: Uint32Array): Promise<void>;
  /** As many hits a text of `bags` as there are documents, or k. */
  search(bags: NativeWordBags, k: number, cancellation: NativeCancellation): Promise<NativeHits>;
  /** Fills `out` with the scores of every text of `bags` with every document. */
  scores(bags: NativeWordBags, out: NativeRowBuffer, cancellation: NativeCancellation): Promise<void>;
  byteLength(part: NativeBm25Part): number;
  /** Fills `target` with the bytes of a part from `byteOffset` on. */
  copy(part: NativeBm25Part, byteOffset: number, target: Uint8Array): void;
  /** Lets go of the documents at once, but for work in flight. */
  release(): void;
}

/** What the addon computes for one part of a loss: `kind` says which formula, the rest are its settings. */
export interface NativeObjective {
  readonly kind: string;
  readonly [setting: string]: number | string | boolean | readonly string[];
}

export interface NativeLossTerm {
  readonly objective: NativeObjective;
  readonly weight: number;
  /** Ascending; empty for the full width. */
  readonly matryoshkaDims: readonly number[];
  readonly matryoshkaWeights: readonly number[];
  /** 0 for all dims in each step. */
  readonly dimsPerStep: number;
}

/** A sum of terms. */
export type NativeLoss = readonly NativeLossTerm[];

/** Numbers that a dataset has for each of its rows: rows x width. */
export interface NativeRowValues {
  readonly values: NativeSharedRows;
  readonly width: number;
}

/** A dataset that a run draws batches from. */
export interface NativeSource {
  /** For errors. */
  readonly name: string;
  readonly columns: readonly NativeTokenColumn[];
  readonly labels: NativeRowValues | null;
  /** One a column, for each term of its loss: none for a term without a guide. */
  readonly guides: readonly (readonly NativeRowValues[])[];
  /** The number of its loss. */
  readonly loss: number;
}

export interface NativeLossBatches {
  readonly batchSize: number;
  readonly precision: 'float32' | 'bfloat16';
  readonly pooling: NativePooling;
}

export interface NativeTrainingConfig {
  readonly seed: number;
  readonly batchSize: number;
  readonly batchSampler: string;
  readonly multiDatasetBatchSampler: string;
  readonly dropLast: boolean;
  readonly precision: 'float32' | 'bfloat16';
  readonly optimizer: string;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number | null;
  readonly pooling: NativePooling;
}

export interface NativeRunState {
  readonly lastSteps: Uint32Array;
  readonly learningRates: Float64Array;
  /** What the losses have learned themselves. */
  readonly losses: Float64Array;
  readonly historyBegin: number;
  /** A 64-bit number, in decimal. */
  readonly randomState: string;
  readonly epoch: number;
  /** Steps of the epoch that were taken: with the seed they say which batches are left. */
  readonly stepsOfEpoch: number;
}

/** The steps that were taken, in order: one value for each in every array. */
export interface NativeSteps {
  readonly loss: Float64Array;
  /** Global L2 norm of the gradient, before clipping. */
  readonly gradNorm: Float64Array;
  /** Of the batch. */
  readonly rows: Float64Array;
  /** The number of the source that its batch is of. */
  readonly dataset: Float64Array;
  readonly epoch: Float64Array;
  /** Epochs once it was taken, with the share of its own that is done: a whole number where that ends. */
  readonly epochsDone: Float64Array;
  /** The seconds of a step's stages, from here on. */
  readonly sampling: Float64Array;
  readonly index: Float64Array;
  readonly catchUp: Float64Array;
  readonly pooling: Float64Array;
  readonly lossSeconds: Float64Array;
  readonly update: Float64Array;
}

export interface NativeTrainingRun {
  readonly [brand]: 'TrainingRun';
  /** Copies the table and looks at the texts; once, before all that follows. */
  build(): Promise<void>;
  /** How many steps the first `epochs` epochs hold, of all datasets, or `most` where they are more. */
  countSteps(epochs: number, most: number): Promise<number>;
  /** Takes one step a learning rate, until they, the epochs or the time are used up or `stop` is called. */
  advance(learningRates: Float64Array, epochs: number, milliseconds: number): Promise<NativeSteps>;
  stop(): void;
  /** The table as it stands. */
  snapshot(): Promise<NativeTable>;
  /** The same, in the run's own memory, and so without a wait for more. It can do nothing any more. */
  finish(): Promise<NativeTable>;
  /** All that the next steps depend on but the three tables, which `copyState` gives. */
  state(): NativeRunState;
  /** Fills `target` with the values of a table from number `begin` on. */
  copyState(table: 'weights' | 'firstMoment' | 'secondMoment', begin: number, target: Float32Array): void;
  restore(weights: NativeTable, firstMoment: NativeTable, secondMoment: NativeTable, state: NativeRunState): Promise<void>;
  /** The loss of a batch of the first source and its gradient, nothing updated. */
  gradient(rows: Uint32Array, out: Float32Array): number;
  /** Lets go of tables and texts at once, but for work in flight. It can do nothing any more. */
  release(): void;
}
