import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What a searcher is told: this library's or a peer's. Files are read by both. */
export type SearchTask = SemanticSearchTask | MiningTask;

export interface SemanticSearchTask {
  readonly op: 'search';
  /** Rows of f32, in native byte order. */
  readonly queries: string;
  readonly corpus: string;
  readonly dim: number;
  readonly topK: number;
}

export interface MiningTask {
  readonly op: 'mine';
  /** A model folder. */
  readonly model: string;
  /** Pairs of texts, an array of arrays in a JSON file. */
  readonly data: string;
  readonly numNegatives: number;
}

export interface SearchReply {
  readonly seconds: number;
  readonly peakRss: number;
  /** Of the first queries what was found: row numbers, or texts. Proof that both do the same. */
  readonly sample: readonly (readonly (number | string)[])[];
  readonly version: string;
}

/** Queries whose hits are compared. */
export const sampleSize = 200;

/** Writes rows of independent N(0, 1) values, the same for the same seed. */
export function writeNormalRows(file: string, rows: number, dim: number, seed: number): void {
  const handle = openSync(file, 'w');
  try {
    const next = uniform(seed);
    const block = new Float32Array(1024 * dim);
    for (let begin = 0; begin < rows; begin += 1024) {
      const values = block.subarray(0, Math.min(1024, rows - begin) * dim);
      for (let i = 0; i < values.length; i += 2) {
        // Box and Muller's transform gives two at a time.
        const [radius, angle] = [Math.sqrt(-2 * Math.log(next())), 2 * Math.PI * next()];
        values[i] = radius * Math.cos(angle);
        if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
      }
      writeSync(handle, values);
    }
  } finally {
    closeSync(handle);
  }
}

/** Numbers in (0, 1), of xorshift32. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
}

export function readFloats(file: string): Float32Array {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** The share of what one found that the other found as well. */
export function agreement(a: SearchReply | undefined, b: SearchReply | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  let [same, all] = [0, 0];
  for (const [query, found] of a.sample.entries()) {
    const others = new Set(b.sample[query]);
    same += found.filter((hit) => others.has(hit)).length;
    all += found.length;
  }
  return same / all;
}
