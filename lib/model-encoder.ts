import { embeddingArrays, outputColumns, type EmbeddingArray, type Embeddings, type Precision } from './embeddings.js';
import { InvalidArgumentError } from './errors.js';
import type { PreparedEncoder, TextInput } from './prepared-encoder.js';
import { RowSupply } from './row-supply.js';
import { rowArray } from './rows.js';
import { isQuantized, smallCall, type CallSettings, type RowSettings, type StaticModel } from './static-model.js';
import { asTexts, type Texts, type Utf8Column } from './texts.js';
import { invalidArgument } from './validate.js';

const plainCall: CallSettings = { threads: 0 };

/** Every call of `encode` and `encodeSync` goes through one of these, for that call or prepared for many. */
export class ModelEncoder<P extends Precision> implements PreparedEncoder<P> {
  readonly #model: () => StaticModel;
  readonly #settings: RowSettings<P>;
  readonly #columns: number;
  readonly #supply: RowSupply<P> | undefined;

  /**
   * @param model - Gives the model at each call, since training puts another in its place.
   * @param isReused - Whether many calls are to come, whose results may lie beside each other.
   */
  constructor(model: () => StaticModel, settings: RowSettings<P>, isReused = false) {
    this.#model = model;
    this.#settings = settings;
    this.#columns = outputColumns(settings.precision, settings.columns);
    this.#supply = isReused ? new RowSupply(this.#columns, settings.precision) : undefined;
  }

  encodeSync(text: string): EmbeddingArray<P>;
  encodeSync(texts: readonly string[] | Utf8Column): Embeddings<P>;
  encodeSync(texts: TextInput): EmbeddingArray<P> | Embeddings<P>;
  encodeSync(texts: TextInput): EmbeddingArray<P> | Embeddings<P> {
    if (typeof texts === 'string') return this.#encodeText(texts);
    return this.#model().encodeSync(this.#checked(texts), this.#settings);
  }

  encode(text: string, call?: CallSettings): Promise<EmbeddingArray<P>>;
  encode(texts: readonly string[] | Utf8Column, call?: CallSettings): Promise<Embeddings<P>>;
  encode(texts: TextInput, call?: CallSettings): Promise<EmbeddingArray<P> | Embeddings<P>>;
  async encode(texts: TextInput, call: CallSettings = plainCall): Promise<EmbeddingArray<P> | Embeddings<P>> {
    if (typeof texts !== 'string') return this.#model().encode(this.#checked(texts), this.#settings, call);
    if (texts.length + this.#settings.prompt.length > smallCall) {
      return (await this.#model().encode(this.#checked([texts]), this.#settings, call)).data;
    }
    call.signal?.throwIfAborted();
    const row = this.#encodeText(texts);
    call.onProgress?.(1, 1);
    return row;
  }

  #encodeText(text: string): EmbeddingArray<P> {
    const { precision, out } = this.#settings;
    this.#checkCount(1);
    const shape = { count: 1, columns: this.#columns, precision, out };
    const row = out === undefined && this.#supply !== undefined ? this.#supply.take() : rowArray(shape);
    this.#model().encodeTextSync(text, this.#settings, row);
    return row;
  }

  #checked(texts: readonly string[] | Utf8Column): Texts {
    const many = asTexts('texts', texts);
    this.#checkCount(many.count);
    return many;
  }

  #checkCount(count: number): void {
    const { precision, out } = this.#settings;
    if (isQuantized(precision)) checkRanges(precision, count);
    if (out !== undefined) checkOut(out, precision, count * this.#columns);
  }
}

/** A single row has no ranges: all its values would be the lowest. */
function checkRanges(precision: Precision, count: number): void {
  if (count !== 1) return;
  throw new InvalidArgumentError(
    `expected several texts, better 100 or more, for precision ${precision} but received one: its steps are those of ` +
      'the range that each dimension has over the texts of a call; quantizeEmbeddings takes the ranges of others, and ' +
      'float32, binary and ubinary suit single texts',
  );
}

/** @throws InvalidArgumentError for an `out` of another precision or without room. */
export function checkOut(out: unknown, precision: Precision, length: number): void {
  const type = embeddingArrays[precision];
  if (out instanceof type && out.length >= length) return;
  throw invalidArgument('out', `a ${type.name} of at least ${length} elements`, out);
}
