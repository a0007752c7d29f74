import { Embeddings, outputColumns, type Precision } from './embeddings.js';
import { InvalidArgumentError } from './errors.js';
import { Matrix } from './matrix.js';
import { atOnce, isSmall, onPool } from './native-call.js';
import { native } from './native/index.js';
import { rowArray, rowBuffer, toArray, type RowShape } from './rows.js';
import { abortSignal, knownOptions, object, oneOf, type OptionAdvice } from './validate.js';
import { allRows, asVectors, checkDimensions, type EmbeddingsInput, type Vectors } from './vectors.js';

/** Every precision but that of the embeddings that `encode` gives by default. */
export type QuantizedPrecision = Exclude<Precision, 'float32'>;

export const quantizedPrecisions = ['int8', 'uint8', 'binary', 'ubinary'] as const satisfies readonly Precision[];

export interface QuantizeOptions<P extends QuantizedPrecision = QuantizedPrecision> {
  /**
   * `int8` and `uint8` keep 256 steps of the range of each dimension, `binary` and `ubinary` whether a value is above 0,
   * eight dimensions to a byte.
   */
  readonly precision: P;
  /**
   * The least and the greatest value of each dimension, 2 x dim, as `quantizationRanges` gives them; values beyond are
   * taken for these. Only int8 and uint8 have ranges. Default: those of `calibration`.
   */
  readonly ranges?: EmbeddingsInput;
  /** Embeddings whose ranges are used, such as the corpus. Default: the embeddings themselves. */
  readonly calibration?: EmbeddingsInput;
}

export interface QuantizeAsyncOptions<P extends QuantizedPrecision = QuantizedPrecision> extends QuantizeOptions<P> {
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
}

const optionNames = ['precision', 'ranges', 'calibration'];
const advice: OptionAdvice = { calibrationEmbeddings: 'its name is calibration' };

/**
 * The embeddings at a lower precision, as `encode` gives them with the option `precision`: each value of int8 and uint8
 * is floor((x - min) / step), at least 0 and at most 255, where step = (max - min) / 255 of the dimension's range; int8
 * is 128 less. Give later documents and queries the ranges of the corpus, so that equal numbers mean equal values.
 * Blocks until it is done.
 *
 * @example
 * const ranges = quantizationRanges(corpus);
 * const query = quantizeEmbeddings(await model.encode('one question'), { precision: 'int8', ranges });
 * @throws InvalidArgumentError naming the option, the vector or the value.
 */
export function quantizeEmbeddings<P extends QuantizedPrecision>(
  embeddings: EmbeddingsInput,
  options: QuantizeOptions<P>,
): Embeddings<P> {
  checkOptions('quantizeEmbeddings', options, {
    ...advice,
    signal: 'quantizeEmbeddings blocks and cannot be interrupted; quantizeEmbeddingsAsync has it',
  });
  const { vectors, precision, ranges } = settings(embeddings, options);
  return atOnce(() => {
    const shape = shapeOf(vectors, precision);
    const array = rowArray(shape);
    native.quantize(allRows(vectors), vectors.dim, precision, isVectors(ranges) ? rangesAtOnce(ranges) : ranges, array);
    return new Embeddings(array, shape.count, shape.columns, precision);
  });
}

/** As `quantizeEmbeddings`, on the threads of the pool while the calling thread goes on. */
export async function quantizeEmbeddingsAsync<P extends QuantizedPrecision>(
  embeddings: EmbeddingsInput,
  options: QuantizeAsyncOptions<P>,
): Promise<Embeddings<P>> {
  checkOptions('quantizeEmbeddingsAsync', options, advice, ['signal']);
  const { signal, ...rest } = options;
  abortSignal('signal', signal)?.throwIfAborted();
  const { vectors, precision, ranges } = settings(embeddings, rest);
  if (isSmall(vectors) && !(isVectors(ranges) && !isSmall(ranges))) return quantizeEmbeddings(embeddings, rest);
  const steps = isVectors(ranges)
    ? await onPool([ranges], signal, async ([rows]) => native.columnRangesAsync(rows, ranges.dim))
    : ranges;
  const shape = shapeOf(vectors, precision);
  return onPool([vectors], signal, async ([rows]) => {
    const buffer = rowBuffer(shape);
    await native.quantizeAsync(rows, vectors.dim, precision, steps, buffer);
    return new Embeddings(await toArray(buffer, shape), shape.count, shape.columns, precision);
  });
}

/**
 * The least and the greatest value of each dimension over the embeddings, as two rows: the `ranges` of
 * `quantizeEmbeddings`. NaN is passed over.
 */
export function quantizationRanges(embeddings: EmbeddingsInput): Matrix {
  const vectors = asVectors('embeddings', embeddings);
  if (vectors.rows === 0) throw new InvalidArgumentError('expected at least one embedding but received none');
  return atOnce(() => new Matrix(rangesAtOnce(vectors), 2, vectors.dim));
}

function rangesAtOnce(vectors: Vectors): Float32Array {
  return native.columnRanges(allRows(vectors), vectors.dim);
}

/** `ranges` are embeddings where they are still to be found in these. */
function settings<P extends QuantizedPrecision>(
  embeddings: EmbeddingsInput,
  options: QuantizeOptions<P>,
): { vectors: Vectors; precision: P; ranges: Float32Array | Vectors } {
  const vectors = asVectors('embeddings', embeddings);
  const precision = oneOf('precision', options.precision, quantizedPrecisions) as P;
  const { ranges, calibration } = options;
  if (ranges !== undefined && calibration !== undefined) {
    throw new InvalidArgumentError('expected ranges or calibration but received both: the ranges of either are used');
  }
  if (ranges !== undefined) {
    const given = givenRanges(asVectors('ranges', ranges), vectors.dim);
    return { vectors, precision, ranges: hasRanges(precision) ? given : noRanges };
  }
  const source = calibration === undefined ? vectors : asVectors('calibration', calibration);
  if (source.rows > 0) checkDimensions(vectors, source, 'embeddings', 'calibration');
  if (!hasRanges(precision)) return { vectors, precision, ranges: noRanges };
  if (calibration !== undefined && source.rows === 0) {
    throw new InvalidArgumentError('expected at least one embedding for calibration but received none');
  }
  if (calibration === undefined && vectors.rows === 1) {
    throw new InvalidArgumentError(
      `expected ranges or calibration for one embedding at precision ${precision} but received neither: a single ` +
        'embedding has no ranges, and all its values would be the lowest; give it those of the corpus',
    );
  }
  return { vectors, precision, ranges: source };
}

function givenRanges(ranges: Vectors, dim: number): Float32Array {
  const values = ranges.rows === 2 && ranges.dim === dim ? allRows(ranges) : undefined;
  if (values === undefined) {
    throw new InvalidArgumentError(
      `expected 2 x ${dim} values for ranges, the least of each dimension and the greatest, but received ` +
        `${ranges.rows} x ${ranges.dim}`,
    );
  }
  for (let column = 0; column < dim; ++column) {
    const [min = NaN, max = NaN] = [values[column], values[dim + column]];
    // Of an infinity and of NaN, the difference is no finite number either.
    if (min <= max && Number.isFinite(max - min)) continue;
    throw new InvalidArgumentError(
      `expected a finite least and greatest value of column ${column} for ranges but received ${min} and ${max}`,
    );
  }
  return values;
}

function hasRanges(precision: QuantizedPrecision): boolean {
  return precision === 'int8' || precision === 'uint8';
}

const noRanges = new Float32Array(0);

function isVectors(ranges: Float32Array | Vectors): ranges is Vectors {
  return !(ranges instanceof Float32Array);
}

function shapeOf<P extends QuantizedPrecision>({ rows, dim }: Vectors, precision: P): RowShape<P> {
  return { count: rows, columns: outputColumns(precision, dim), precision, out: undefined };
}

function checkOptions(where: string, options: unknown, advised: OptionAdvice, more: readonly string[] = []): void {
  object('options', options, "an object such as { precision: 'int8' }");
  knownOptions(where, options, [...optionNames, ...more], advised);
}
