import { InvalidArgumentError } from './errors.js';
import { Matrix } from './matrix.js';
import { native } from './native/index.js';
import { rowArray, rowBuffer, toArray, type RowShape } from './rows.js';
import type { SimilarityFunction } from './similarity-functions.js';
import { atOnce, isSmall, onPool } from './native-call.js';
import { allRows, asAnyVectors, checkDimensions, type AnyEmbeddingsInput, type Vectors } from './vectors.js';
import type { Precision } from './embeddings.js';

type AnyVectors = Vectors<Precision>;

/** The similarity of every row of `a` with every row of `b`: |a| x |b|. */
export function similarityMatrix(a: AnyEmbeddingsInput, b: AnyEmbeddingsInput, name: SimilarityFunction): Matrix {
  const [left, right] = pair(a, b, 'embeddings1', 'embeddings2');
  return atOnce(() => {
    const out = rowArray(floats(left.rows, right.rows));
    native.similarity(allRows(left), left.precision, allRows(right), right.precision, left.dim, name, out);
    return new Matrix(out, left.rows, right.rows);
  });
}

export async function similarityMatrixAsync(
  a: AnyEmbeddingsInput,
  b: AnyEmbeddingsInput,
  name: SimilarityFunction,
  signal?: AbortSignal,
): Promise<Matrix> {
  const [left, right] = pair(a, b, 'embeddings1', 'embeddings2');
  if (isSmall(left, right)) return similarityMatrix(a, b, name);
  return onPool([left, right], signal, async ([x, y], cancellation) => {
    const shape = floats(left.rows, right.rows);
    const buffer = rowBuffer(shape);
    await native.similarityAsync(x, left.precision, y, right.precision, left.dim, name, buffer, cancellation);
    return new Matrix(await toArray(buffer, shape), left.rows, right.rows);
  });
}

/** The similarity of row i of `a` with row i of `b`. */
export function pairwiseSimilarity(
  a: AnyEmbeddingsInput,
  b: AnyEmbeddingsInput,
  name: SimilarityFunction,
): Float32Array {
  const [left, right] = rowPair(a, b);
  return atOnce(() => {
    const out = rowArray(floats(left.rows, 1));
    native.similarityPairwise(allRows(left), left.precision, allRows(right), right.precision, left.dim, name, out);
    return out;
  });
}

export async function pairwiseSimilarityAsync(
  a: AnyEmbeddingsInput,
  b: AnyEmbeddingsInput,
  name: SimilarityFunction,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const [left, right] = rowPair(a, b);
  if (isSmall(left)) return pairwiseSimilarity(a, b, name);
  return onPool([left, right], signal, async ([x, y], cancellation) => {
    const shape = floats(left.rows, 1);
    const buffer = rowBuffer(shape);
    await native.similarityPairwiseAsync(x, left.precision, y, right.precision, left.dim, name, buffer, cancellation);
    return toArray(buffer, shape);
  });
}

/** Both sides as vectors of one length. */
function pair(a: AnyEmbeddingsInput, b: AnyEmbeddingsInput, nameA: string, nameB: string): [AnyVectors, AnyVectors] {
  const [left, right] = [asAnyVectors(nameA, a), asAnyVectors(nameB, b)];
  checkDimensions(left, right, nameA, nameB);
  return [left, right];
}

function rowPair(a: AnyEmbeddingsInput, b: AnyEmbeddingsInput): [AnyVectors, AnyVectors] {
  const [left, right] = pair(a, b, 'embeddings1', 'embeddings2');
  if (left.rows === right.rows) return [left, right];
  throw new InvalidArgumentError(
    `expected as many embeddings1 as embeddings2 but received ${left.rows} and ${right.rows}`,
  );
}

function floats(count: number, columns: number): RowShape<'float32'> {
  return { count, columns, precision: 'float32', out: undefined };
}
