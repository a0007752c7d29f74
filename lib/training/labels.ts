import { invalidArgument } from '../validate.js';
import type { LabelNeeds, LabelShape } from './label-needs.js';

/** A vector that a row has as its label. */
export type LabelVector = readonly number[] | Float32Array | Float64Array | Int32Array | Int8Array | Uint8Array;

/** What a row has as its label: a number, numbers or a vector, or one vector a text column. */
export type Label = number | LabelVector | readonly LabelVector[];

/** What the labels of a dataset are checked against. */
export interface LabelTarget {
  readonly needs: LabelNeeds;
  /** Text columns of the dataset. */
  readonly texts: number;
  /** Width of the model. */
  readonly dim: number;
}

/** Room for that many numbers is made at a time, or for more. */
const leastLength = 1024;

/** Checks labels one after the other, and packs them: rows x (vectors * width) floats. The first one gives the shape. */
export class LabelPacker {
  #shape: LabelShape | undefined;
  #values = new Float32Array(0);
  #length = 0;
  #rows = 0;

  /** @param place - Where the label of a row stands, in errors. */
  constructor(
    private readonly place: (row: number) => string,
    private readonly target: LabelTarget,
  ) {}

  /** Undefined before the first label. */
  get shape(): LabelShape | undefined {
    return this.#shape;
  }

  /**
   * @param expected - How many labels there will be from this one on, as far as that is known.
   * @throws InvalidArgumentError naming the row, and the number where it is about one.
   */
  add(label: unknown, expected = 1): void {
    const vectors = vectorsOf(label);
    this.#shape ??= this.#firstShape(vectors, label);
    if (vectors.length !== this.#shape.vectors) throw this.#unlikeFirst('', label);
    this.#reserve(vectors.length * this.#shape.width, expected);
    for (const [i, vector] of vectors.entries()) {
      const isWhole = isArrayLike(vector) && vector.length === this.#shape.width;
      if (!isWhole) throw this.#unlikeFirst(vectors.length > 1 ? `[${i}]` : '', label);
      for (let k = 0; k < vector.length; ++k) {
        if (!this.#push(vector[k])) throw this.#unfit(vectors.length > 1 ? `[${i}][${k}]` : `[${k}]`, label, vector[k]);
      }
    }
    ++this.#rows;
  }

  /** The labels since the last part. */
  takePart(): Float32Array {
    const part = this.#values.subarray(0, this.#length);
    this.#values = new Float32Array(0);
    this.#length = 0;
    return part;
  }

  #firstShape(vectors: readonly unknown[], label: unknown): LabelShape {
    const { needs, texts, dim } = this.target;
    const [first] = vectors;
    const shape = { vectors: vectors.length, width: isArrayLike(first) ? first.length : 0 };
    const expected = needs.misfit(shape, texts, dim);
    if (expected !== undefined) throw invalidArgument(this.place(0), expected, label);
    return shape;
  }

  #push(value: unknown): boolean {
    const isFit = typeof value === 'number' && this.target.needs.accepts(value) && Number.isFinite(Math.fround(value));
    if (isFit) this.#values[this.#length++] = value;
    return isFit;
  }

  #unfit(at: string, label: unknown, value: unknown): Error {
    const place = this.place(this.#rows);
    return invalidArgument(isArrayLike(label) ? `${place}${at}` : place, this.target.needs.expected, value);
  }

  #unlikeFirst(at: string, label: unknown): Error {
    const { vectors, width } = this.#shape ?? { vectors: 0, width: 0 };
    const each = width === 1 ? 'a number' : `${width} numbers`;
    const expected = vectors > 1 ? `${vectors} vectors of ${each}` : each;
    return invalidArgument(`${this.place(this.#rows)}${at}`, `${expected} (as the first row has)`, label);
  }

  #reserve(length: number, times: number): void {
    if (this.#length + length <= this.#values.length) return;
    const values = new Float32Array(Math.max(2 * this.#length, this.#length + length * times, leastLength));
    values.set(this.#values.subarray(0, this.#length));
    this.#values = values;
  }
}

function isArrayLike(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}

/** A plain number is one vector of it. */
function vectorsOf(label: unknown): readonly unknown[] {
  if (!isArrayLike(label)) return [[label]];
  return isArrayLike(label[0]) ? Array.from(label) : [label];
}
