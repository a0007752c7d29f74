import { untilAborted } from '../abort.js';
import { InvalidArgumentError } from '../errors.js';
import { describe, invalidArgument } from '../validate.js';
import { asVectors, type EmbeddingsInput } from '../vectors.js';
import type { TextColumn, TrainingColumns } from './dataset.js';
import { RowValueBuilder, type RowValues } from './row-values.js';

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
  constructor(guides: readonly (Guide | undefined)[], columns: readonly TextColumn[], option: string) {
    this.#terms = guides.map((guide) =>
      guide === undefined ? [] : columns.map(({ name }) => new ColumnEmbeddings(guide, `${option}.${name}`)),
    );
  }

  /** @throws InvalidArgumentError naming the column, for what are no embeddings of its texts. */
  async add({ columns }: TrainingColumns, signal?: AbortSignal): Promise<void> {
    for (const term of this.#terms) {
      for (const [c, embeddings] of term.entries()) await embeddings.add(columns[c]?.texts ?? [], signal);
    }
  }

  /** One a column, for each term: none for a term without a guide. No more can be added. */
  async take(): Promise<readonly (readonly RowValues[])[]> {
    const taken: RowValues[][] = [];
    for (const term of this.#terms) {
      const columns: RowValues[] = [];
      for (const embeddings of term) columns.push(await embeddings.take());
      taken.push(columns);
    }
    return taken;
  }
}

/** Of one column. */
class ColumnEmbeddings {
  #builder: RowValueBuilder | undefined;
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

  take(): Promise<RowValues> {
    return (this.#builder ?? new RowValueBuilder(1)).take();
  }

  async #addBlock(texts: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const distinct = [...new Set(texts)];
    const embeddings = await untilAborted(Promise.resolve(this.guide.encode(distinct)), signal);
    const vectors = asVectors(`what the guide makes of ${this.column}`, embeddings);
    this.#builder ??= new RowValueBuilder((this.#width = vectors.dim));
    const width = this.#width;
    if (vectors.rows !== distinct.length || vectors.dim !== width || width === 0) {
      throw new InvalidArgumentError(
        `expected ${distinct.length} embeddings of ${width > 0 ? width : 'some'} numbers for ${this.column} from the ` +
          `guide but received ${vectors.rows} of ${vectors.dim}`,
      );
    }
    const values = vectors.block(0, vectors.rows);
    const broken = values.findIndex((value) => !Number.isFinite(value));
    if (broken !== -1) {
      const text = distinct[Math.floor(broken / width)];
      throw invalidArgument(
        `the guide's embedding of ${describe(text)} (${this.column})`,
        'finite numbers',
        values[broken],
      );
    }
    const rowOf = new Map(distinct.map((text, row) => [text, row]));
    const block = new Float32Array(texts.length * width);
    for (const [i, text] of texts.entries()) {
      const begin = (rowOf.get(text) ?? 0) * width;
      block.set(values.subarray(begin, begin + width), i * width);
    }
    this.#builder.add(block);
  }
}
