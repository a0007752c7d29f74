import { untilAborted } from '../abort.js';
import { InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import type { NativeRowValues } from '../native/index.js';
import { invalidArgument } from '../validate.js';
import { rowBuffer } from '../rows.js';
import { asVectors, type EmbeddingsInput, type Vectors } from '../vectors.js';
import type { TrainingColumns } from './dataset.js';

/** A model that tells a loss which texts are alike. `SentenceTransformer` is one. */
export interface Guide {
  /** Embeddings of float32, one a text; all of one width. */
  encode(texts: readonly string[]): EmbeddingsInput | Promise<EmbeddingsInput>;
}

/** @throws InvalidArgumentError for what has no `encode`. */
export function checkGuide(guide: unknown): Guide {
  const isGuide =
    typeof guide === 'object' && guide !== null && 'encode' in guide && typeof guide.encode === 'function';
  if (!isGuide) throw invalidArgument('guide', 'a model, or an object with an encode(texts)', guide);
  return guide as Guide;
}

/** Texts that a guide is given at a time. */
const textsAtOnce = 1 << 14;

/**
 * What the guides of a loss make of a dataset's texts, which pass by in parts: asked once for each text of a part,
 * however often it stands there, and kept where the addon's threads read.
 */
export class GuideEmbeddings {
  readonly #terms: readonly (readonly ColumnEmbeddings[])[];

  /**
   * @param guides - One for each term of the loss, undefined for a term without.
   * @param option - The dataset's name in errors.
   */
  constructor(guides: readonly (Guide | undefined)[], columns: readonly string[], option: string) {
    this.#terms = guides.map((guide) =>
      guide === undefined ? [] : columns.map((name) => new ColumnEmbeddings(guide, `${option}.${name}`)),
    );
  }

  /** @throws InvalidArgumentError naming the column, for what are no embeddings of its texts. */
  async add({ columns }: TrainingColumns, signal?: AbortSignal): Promise<void> {
    for (const term of this.#terms) {
      for (const [c, embeddings] of term.entries()) await embeddings.add(columns[c]?.texts ?? [], signal);
    }
  }

  /** One a column, for each term: none for a term without a guide. No more can be added. */
  async take(): Promise<readonly (readonly NativeRowValues[])[]> {
    const taken: NativeRowValues[][] = [];
    for (const term of this.#terms) {
      const columns: NativeRowValues[] = [];
      for (const embeddings of term) columns.push(await embeddings.take());
      taken.push(columns);
    }
    return taken;
  }
}

class ColumnEmbeddings {
  readonly #blocks: Float32Array[] = [];
  #rows = 0;
  #width = 0;

  constructor(
    private readonly guide: Guide,
    private readonly column: string,
  ) {}

  async add(texts: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    for (let begin = 0; begin < texts.length; begin += textsAtOnce) {
      await this.#addBlock(texts.slice(begin, begin + textsAtOnce), signal);
    }
  }

  async take(): Promise<NativeRowValues> {
    const values = rowBuffer({ count: this.#rows, columns: this.#width, precision: 'float32' });
    const pause = new Pause();
    let row = 0;
    for (let block = this.#blocks.shift(); block !== undefined; block = this.#blocks.shift()) {
      values.write(row, block);
      row += block.length / this.#width;
      await pause.ifDue();
    }
    return { values, width: this.#width };
  }

  async #addBlock(texts: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const distinct = [...new Set(texts)];
    const embeddings = await untilAborted(Promise.resolve(this.guide.encode(distinct)), signal);
    const vectors = asVectors(`what the guide makes of ${this.column}`, embeddings);
    this.#check(vectors, distinct);
    const values = vectors.block(0, vectors.rows);
    const rowOf = new Map(distinct.map((text, row) => [text, row]));
    const width = this.#width;
    const block = new Float32Array(texts.length * width);
    for (const [i, text] of texts.entries()) {
      const row = rowOf.get(text) ?? 0;
      block.set(values.subarray(row * width, (row + 1) * width), i * width);
    }
    this.#blocks.push(block);
    this.#rows += texts.length;
  }

  #check({ rows, dim }: Vectors, texts: readonly string[]): void {
    if (this.#rows === 0) this.#width = dim;
    if (rows !== texts.length || dim !== this.#width || dim === 0) {
      throw new InvalidArgumentError(
        `expected ${texts.length} embeddings of ${this.#width || 'one or more'} numbers from guide.encode for ` +
          `${this.column} but received ${rows} of ${dim}`,
      );
    }
  }
}
