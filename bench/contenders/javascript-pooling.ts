import { readFileSync } from 'node:fs';
import path from 'node:path';

import { readSafetensorsHeader } from '../../lib/formats/safetensors.js';

/** The f32 table of a model folder, as one would read it in JavaScript. */
export interface Table {
  readonly values: Float32Array;
  readonly dim: number;
}

export async function readTable(folder: string): Promise<Table> {
  const file = path.join(folder, 'model.safetensors');
  const header = await readSafetensorsHeader(file);
  const tensor = header.tensors.find(({ name }) => name === 'embedding.weight');
  const [, dim] = tensor?.shape ?? [];
  if (tensor?.dtype !== 'F32' || dim === undefined) throw new Error(`${file} has no f32 embedding.weight`);
  const bytes = readFileSync(file).subarray(tensor.byteOffset, tensor.byteOffset + tensor.byteLength);
  return { values: new Float32Array(Uint8Array.from(bytes).buffer), dim };
}

/** Writes the mean of the rows of `ids`, its first `columns` columns, to `out`. */
export function pool({ values, dim }: Table, ids: readonly number[], columns: number, out: Float32Array): void {
  for (const id of ids) {
    const begin = id * dim;
    for (let c = 0; c < columns; ++c) out[c] = (out[c] ?? 0) + (values[begin + c] ?? 0);
  }
  const share = ids.length === 0 ? 0 : 1 / ids.length;
  for (let c = 0; c < columns; ++c) out[c] = (out[c] ?? 0) * share;
}

/** One embedding a row, pooled from the ids of each text. */
export function poolAll(table: Table, ids: Iterable<readonly number[]>, count: number, columns: number): Float32Array {
  const out = new Float32Array(count * columns);
  let row = 0;
  for (const idsOfText of ids) {
    pool(table, idsOfText, columns, out.subarray(row * columns, (row + 1) * columns));
    ++row;
  }
  return out;
}
