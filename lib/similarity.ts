import { InvalidArgumentError } from './errors.js';
import { Matrix, type MatrixLike } from './matrix.js';
import { native } from './native/index.js';
import type { SimilarityFunction } from './similarity-functions.js';
import { describe, invalidArgument } from './validate.js';

/** One or more float32 embeddings: what `encode` gave, one vector, or an array of vectors of one length. */
export type EmbeddingsInput = MatrixLike | Float32Array | readonly (Float32Array | readonly number[])[];

/** The k nearest corpus rows of each query, nearest first; fewer than k columns when the corpus is smaller. */
export interface TopK {
  /** queries x k */
  readonly indices: Uint32Array;
  /** queries x k */
  readonly scores: Float32Array;
  readonly k: number;
}

type FloatMatrix = MatrixLike<Float32Array>;

function asMatrix(option: string, input: unknown): FloatMatrix {
  if (input instanceof Float32Array) return { data: input, shape: [1, input.length] };
  if (isMatrix(input)) {
    if (input.data instanceof Float32Array) return { data: input.data, shape: input.shape };
    throw new InvalidArgumentError(`expected float32 embeddings for ${option} but received quantized ones`);
  }
  if (!Array.isArray(input)) throw invalidArgument(option, 'Embeddings, a Float32Array or an array of vectors', input);
  const vectors = input as readonly unknown[];
  const columns = vectorLength(vectors[0]) ?? 0;
  const data = new Float32Array(vectors.length * columns);
  for (const [row, vector] of vectors.entries()) {
    if (vectorLength(vector) !== columns) {
      throw new InvalidArgumentError(
        `expected a vector of ${columns} numbers for ${option}[${row}] but received ${describe(vector)}`,
      );
    }
    data.set(vector as ArrayLike<number>, row * columns);
  }
  return { data, shape: [vectors.length, columns] };
}

function isMatrix(input: unknown): input is MatrixLike {
  return typeof input === 'object' && input !== null && 'data' in input && 'shape' in input;
}

function vectorLength(vector: unknown): number | undefined {
  return vector instanceof Float32Array || Array.isArray(vector) ? vector.length : undefined;
}

/** Both sides as matrices of one width. */
function pair(
  a: EmbeddingsInput,
  b: EmbeddingsInput,
  nameA: string,
  nameB: string,
): [FloatMatrix, FloatMatrix, number] {
  const left = asMatrix(nameA, a);
  const right = asMatrix(nameB, b);
  const dim = left.shape[1];
  if (dim !== right.shape[1]) {
    throw new InvalidArgumentError(
      `expected ${nameA} and ${nameB} of one dimension but received ${dim} and ${right.shape[1]}`,
    );
  }
  return [left, right, dim];
}

/** The similarity of every row of `a` with every row of `b`: |a| x |b|. */
export function similarityMatrix(a: EmbeddingsInput, b: EmbeddingsInput, name: SimilarityFunction): Matrix {
  const [left, right, dim] = pair(a, b, 'embeddings1', 'embeddings2');
  return new Matrix(native.similarity(left.data, right.data, dim, name), left.shape[0], right.shape[0]);
}

/** The similarity of row i of `a` with row i of `b`. */
export function pairwiseSimilarity(a: EmbeddingsInput, b: EmbeddingsInput, name: SimilarityFunction): Float32Array {
  const [left, right, dim] = pair(a, b, 'embeddings1', 'embeddings2');
  if (left.shape[0] !== right.shape[0]) {
    throw new InvalidArgumentError(
      `expected as many embeddings1 as embeddings2 but received ${left.shape[0]} and ${right.shape[0]}`,
    );
  }
  return native.similarityPairwise(left.data, right.data, dim, name);
}

/** Exact search: the `k` rows of `corpus` most similar to each query. Equal scores keep the order of the corpus. */
export function topK(queries: EmbeddingsInput, corpus: EmbeddingsInput, k: number, name: SimilarityFunction): TopK {
  const [left, right, dim] = pair(queries, corpus, 'queries', 'corpus');
  const kept = Math.min(k, right.shape[0]);
  return { ...native.topK(left.data, right.data, dim, kept, name), k: kept };
}
