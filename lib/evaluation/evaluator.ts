import type { SimilarityFunction } from '../formats/model-folder.js';

/** Embeddings as an evaluator sees them: `shape` rows and columns, row-major; packed precisions have 8 bits a byte. */
export interface EmbeddingMatrix {
  readonly data: Float32Array | Int8Array | Uint8Array;
  readonly shape: readonly [rows: number, columns: number];
}

/** The `k` best rows of a corpus for each query, best first, equal scores in corpus order: queries x k, row-major. */
export interface TopK {
  readonly indices: Uint32Array;
  readonly scores: Float32Array;
}

export type EmbeddingPrecision = 'float32' | 'int8' | 'uint8' | 'binary' | 'ubinary';

/** The options of `encode` that evaluators use. */
export interface EvaluationEncodeOptions {
  prompt?: string;
  promptName?: string;
  truncateDim?: number;
  precision?: EmbeddingPrecision;
  normalizeEmbeddings?: boolean;
  signal?: AbortSignal;
}

/** What an evaluator needs of a model. `SentenceTransformer` is one. */
export interface Encodes {
  readonly similarityFnName: SimilarityFunction;
  encode(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<EmbeddingMatrix>;
  encodeQuery(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<EmbeddingMatrix>;
  encodeDocument(texts: readonly string[], options?: EvaluationEncodeOptions): Promise<EmbeddingMatrix>;
  /** `k` is at most the number of rows of `corpus`; scores are those of `similarityFnName`. */
  searchTopK(queries: EmbeddingMatrix, corpus: EmbeddingMatrix, k: number): TopK | Promise<TopK>;
}

/** Texts encoded so far, of all that the evaluation encodes. */
export interface EvaluationProgress {
  readonly done: number;
  readonly total: number;
}

export interface EvaluateOptions {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: EvaluationProgress) => void) | undefined;
}

/** Measures a model. The metrics are numbers by name, and the names begin with the evaluator's own. */
export interface Evaluator {
  readonly name: string;
  /** The metric by which models are compared: greater is better. */
  readonly primaryMetric: string;
  evaluate(model: Encodes, options?: EvaluateOptions): Promise<Record<string, number>>;
}

/** A metric's name with the evaluator's before it. */
export function prefixed(name: string, metric: string): string {
  return name === '' ? metric : `${name}_${metric}`;
}
