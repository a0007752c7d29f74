import { ModelFormatError } from '../errors.js';
import { readTensorBytes, type TensorInfo } from './safetensors.js';

/** The tensors `mapping` and `weights` of a Model2Vec model whose vocabulary is quantised; either may be absent. */
export interface TokenRowTensors {
  readonly file: string;
  readonly mapping: TensorInfo | undefined;
  readonly weights: TensorInfo | undefined;
  /** How many tokens they are for. */
  readonly tokens: number;
}

/** Of each token its row in the table, and the factor that the row is multiplied by. */
export interface TokenRows {
  readonly rows: Uint32Array;
  readonly factors: Float32Array;
}

const mappingReaders = {
  I32: (bytes: ArrayBuffer) => Float64Array.from(new Int32Array(bytes)),
  I64: (bytes: ArrayBuffer) => Float64Array.from(new BigInt64Array(bytes), Number),
} as const;

const weightReaders = {
  F64: (bytes: ArrayBuffer) => Float32Array.from(new Float64Array(bytes)),
  F32: (bytes: ArrayBuffer) => new Float32Array(bytes),
  F16: (bytes: ArrayBuffer) => Float32Array.from(new Uint16Array(bytes), fromHalf),
} as const;

/** The value of 16 bits of an IEEE half. */
function fromHalf(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function readerOf<T>(file: string, tensor: TensorInfo, readers: Readonly<Record<string, T>>): T {
  const reader = Object.hasOwn(readers, tensor.dtype) ? readers[tensor.dtype] : undefined;
  if (reader !== undefined && tensor.shape.length === 1) return reader;
  throw new ModelFormatError(
    `${file}: expected ${Object.keys(readers).join(', ')} [tokens] for ${tensor.name} but received ${tensor.dtype} ` +
      `[${tensor.shape.join(', ')}]`,
  );
}

/** Null where the table has a row for each token. */
export function tokenRowTensors(
  file: string,
  mapping: TensorInfo | undefined,
  weights: TensorInfo | undefined,
): TokenRowTensors | null {
  const [first, second] = [mapping, weights].filter((tensor) => tensor !== undefined);
  if (first === undefined) return null;
  const tokens = first.shape[0] ?? 0;
  if (second !== undefined && second.shape[0] !== tokens) {
    throw new ModelFormatError(`${file}: mapping is for ${tokens} tokens, but weights is for ${second.shape[0] ?? 0}`);
  }
  return { file, mapping, weights, tokens };
}

/**
 * Which row each token has: a token's vector is `weights[id]` x row `mapping[id]`, as Model2Vec's `encode` reads it.
 *
 * @param tableRows - Rows of the table.
 * @throws ModelFormatError naming the file for another dtype, a row that is not there, or a weight that is not finite.
 */
export async function readTokenRows(tensors: TokenRowTensors, tableRows: number): Promise<TokenRows> {
  const { file, mapping, weights, tokens } = tensors;
  const rows = Uint32Array.from({ length: tokens }, (_, id) => id);
  if (mapping !== undefined) {
    const read = readerOf(file, mapping, mappingReaders)(await readTensorBytes(file, mapping));
    for (const [id, row] of read.entries()) {
      if (row < 0 || row >= tableRows) {
        throw new ModelFormatError(`${file}: mapping gives token ${id} row ${row} of a table of ${tableRows}`);
      }
      rows[id] = row;
    }
  } else if (tokens > tableRows) {
    throw new ModelFormatError(`${file}: weights is for ${tokens} tokens, but the table has ${tableRows} rows`);
  }
  const factors =
    weights === undefined
      ? new Float32Array(tokens).fill(1)
      : readerOf(file, weights, weightReaders)(await readTensorBytes(file, weights));
  const wrong = factors.findIndex((factor) => !Number.isFinite(factor));
  if (wrong !== -1)
    throw new ModelFormatError(`${file}: weights gives token ${wrong} the weight ${factors[wrong] ?? 0}`);
  return { rows, factors };
}
