import { InvalidArgumentError, ModelFormatError } from '../errors.js';
import { onPool } from '../native-call.js';
import { native } from '../native/index.js';
import { similarityMatrixAsync } from '../similarity.js';
import {
  abortSignal,
  finiteNumber,
  invalidArgument,
  knownOptions,
  nonEmptyString,
  object,
  oneOf,
  positiveInteger,
  stringArray,
  type OptionAdvice,
} from '../validate.js';
import { allRows, asVectors } from '../vectors.js';
import { BM25Index, type Bm25LoadOptions } from './bm25-index.js';
import type { EncodesQueries } from './mine-hard-negatives.js';
import { wordSources } from './bm25-words.js';
import { GrowingRows } from './growing-rows.js';
import {
  normalizations,
  readHybridIndex,
  versionIn,
  writeHybridIndex,
  type HybridState,
  type Normalization,
} from './hybrid-index-files.js';
import type { RetrievedDocument, Retriever } from './retriever.js';
import { Turns } from './turns.js';

export interface HybridIndexOptions {
  /** What embeds queries (`encodeQuery`) and documents (`encodeDocument`), and says how they are compared. */
  readonly model: EncodesQueries;
  /** The half that looks at words, without documents: the index gives it all of them. Default: `new BM25Index()`. */
  readonly bm25?: BM25Index;
  /** Of the embeddings, at least 0, where that of the words is 1. Default: 0.5. */
  readonly weight?: number;
  /**
   * What is done with both scores of a document before they are added, over the scores of all documents for the query:
   * `minmax` scales them to 0 ... 1, `zscore` to mean 0 and deviation 1, and `rrf` takes 1 / (60 + rank) for them, where
   * equal scores share a rank. Default: `minmax`.
   */
  readonly normalization?: Normalization;
}

export interface HybridLoadOptions extends Omit<Bm25LoadOptions, 'signal'> {
  /** The model that the documents were embedded with. */
  readonly model: EncodesQueries;
}

export interface HybridCallOptions {
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
}

const advice: OptionAdvice = {
  alpha: 'its name is weight: of the embeddings, where that of the words is 1',
  fusion: 'its name is normalization',
  topK: 'search takes it: search(queries, k)',
};

/** Values of both sides that are there at a time; a query takes one for every document. */
const mostScores = 1 << 23;

/** Readers meet a save now and then, but hardly at every attempt. */
const mostAttempts = 100;

/**
 * Documents that are found by their words and by their embeddings. The score of a document is n(BM25) + weight x
 * n(similarity), where n normalizes each side over the scores of all documents for the query; the k best by
 * that sum are exact, and not picked among the best of either side. Calls work one after the other.
 *
 * @example
 * const index = new HybridIndex({ model });
 * await index.add(['a', 'b'], ['Abort a request with a signal.', 'Install it with npm.']);
 * const [[best]] = await index.search(['stop a request'], 1); // { id: 'a', score: 1.5 }
 */
export class HybridIndex implements Retriever {
  readonly weight: number;
  readonly normalization: Normalization;
  readonly #model: EncodesQueries;
  readonly #bm25: BM25Index;
  readonly #turns = new Turns();
  #rows: GrowingRows | undefined;
  /** The row of each document, in the order of adding. Rows of removed ones stay until they are as many. */
  #rowOf = new Map<string, number>();

  /** @throws InvalidArgumentError naming the option. */
  constructor(options: HybridIndexOptions) {
    object('options', options, 'an object such as { model }');
    knownOptions('HybridIndex', options, ['model', 'bm25', 'weight', 'normalization'], advice);
    this.#model = checkEncoder(options.model);
    this.#bm25 = checkLexical(options.bm25 ?? new BM25Index());
    this.weight = finiteNumber('weight', options.weight ?? 0.5, { min: 0 });
    this.normalization = oneOf('normalization', options.normalization ?? 'minmax', normalizations);
  }

  /**
   * Reads what `save` has written.
   *
   * @throws ModelFormatError (`ERR_MODEL_NOT_FOUND`, `ERR_MODEL_CORRUPT`), InvalidArgumentError for a model of another
   * dimension, IoError.
   */
  static async load(folder: string, options: HybridLoadOptions): Promise<HybridIndex> {
    nonEmptyString('folder', folder);
    object('options', options, 'an object such as { model }');
    knownOptions('HybridIndex.load', options, ['model', ...wordSources], {
      weight: 'it is saved with the index',
      normalization: 'it is saved with the index',
      bm25: 'it is saved with the index',
    });
    const { model, ...words } = options;
    checkEncoder(model);
    for (let attempt = 1; ; ++attempt) {
      const version = await versionIn(folder);
      try {
        return await HybridIndex.#read(folder, model, words);
      } catch (error) {
        // Someone has saved another one meanwhile, and removed the files of this one.
        if (attempt < mostAttempts && version !== (await versionIn(folder))) continue;
        throw error;
      }
    }
  }

  static async #read(folder: string, model: EncodesQueries, words: Bm25LoadOptions): Promise<HybridIndex> {
    const { state, lexical } = await readHybridIndex(folder);
    const { weight, normalization, ids, rows } = state;
    const dim = await dimOf(model);
    if (dim !== rows.dim) {
      throw new InvalidArgumentError(
        `expected a model of ${rows.dim} dimensions for the index of ${folder} but received one of ${dim}`,
      );
    }
    const bm25 = await BM25Index.load(lexical, words);
    if (bm25.size !== ids.length) {
      throw new ModelFormatError(`${lexical}: expected ${ids.length} documents but received ${bm25.size}`);
    }
    const index = new HybridIndex({ model, bm25, weight, normalization });
    index.#rows = rows;
    index.#rowOf = new Map(ids.map((id, row) => [id, row]));
    return index;
  }

  /** Documents. */
  get size(): number {
    return this.#rowOf.size;
  }

  /**
   * Adds documents, all or none.
   *
   * @throws InvalidArgumentError naming the id that is there already, or the text that is none.
   */
  async add(ids: readonly string[], texts: readonly string[], options: HybridCallOptions = {}): Promise<void> {
    const signal = signalOf('add', options);
    stringArray('ids', ids);
    stringArray('texts', texts);
    if (ids.length !== texts.length) {
      throw new InvalidArgumentError(`expected as many ids as texts but received ${ids.length} and ${texts.length}`);
    }
    return this.#turns.take(async () => {
      this.#checkHalves();
      this.#checkNew(ids);
      if (ids.length === 0) return;
      const embeddings = asVectors('embeddings', await this.#model.encodeDocument(texts, { ...signal }));
      const rows = this.#rows ?? new GrowingRows(embeddings.dim);
      rows.reserve(rows.rows + ids.length);
      await this.#bm25.add(ids, texts, { ...signal });
      for (const [i, id] of ids.entries()) this.#rowOf.set(id, rows.rows + i);
      rows.append(allRows(embeddings));
      this.#rows = rows;
    });
  }

  #checkHalves(): void {
    if (this.#bm25.size === this.size) return;
    throw new InvalidArgumentError(
      `expected the ${this.size} documents of the index in bm25 but received ${this.#bm25.size}: give it none before, and ` +
        'add and remove documents by the index',
    );
  }

  #checkNew(ids: readonly string[]): void {
    const seen = new Set<string>();
    for (const [i, id] of ids.entries()) {
      const isThere = this.#rowOf.has(id);
      if (isThere || seen.has(id)) {
        const why = isThere ? 'which is in the index: remove it first' : 'which is among them twice';
        throw new InvalidArgumentError(`expected a new id for ids[${i}] but received ${JSON.stringify(id)}, ${why}`);
      }
      seen.add(id);
    }
  }

  /**
   * Removes documents, all or none.
   *
   * @throws InvalidArgumentError naming the id that is not there.
   */
  async remove(ids: readonly string[]): Promise<void> {
    stringArray('ids', ids);
    return this.#turns.take(async () => {
      for (const [i, id] of ids.entries()) {
        if (!this.#rowOf.has(id)) throw invalidArgument(`ids[${i}]`, 'the id of a document in the index', id);
      }
      const removed = [...new Set(ids)];
      await this.#bm25.remove(removed);
      for (const id of removed) this.#rowOf.delete(id);
      this.#compact(2);
    });
  }

  /** Lets go of the rows of removed documents where there are `factor` times as many rows as documents. */
  #compact(factor: number): void {
    if (this.#rows === undefined || this.#rows.rows < factor * this.size || this.#rows.rows === this.size) return;
    this.#rows = this.#rows.pick([...this.#rowOf.values()]);
    this.#rowOf = new Map([...this.#rowOf.keys()].map((id, row) => [id, row]));
  }

  /**
   * The `k` best documents of each query, the best first, of equal scores the one first that was added first; fewer where
   * the index has not as many.
   *
   * @returns One array of documents a query.
   */
  async search(queries: readonly string[], k: number, options: HybridCallOptions = {}): Promise<RetrievedDocument[][]> {
    const signal = signalOf('search', options);
    stringArray('queries', queries);
    positiveInteger('k', k);
    return this.#turns.take(async () => {
      signal?.signal.throwIfAborted();
      this.#checkHalves();
      const ids = [...this.#rowOf.keys()];
      const found: RetrievedDocument[][] = [];
      const together = Math.max(1, Math.floor(mostScores / Math.max(1, this.#rows?.rows ?? 0)));
      for (let begin = 0; begin < queries.length; begin += together) {
        found.push(...(await this.#searchSome(queries.slice(begin, begin + together), k, ids, signal)));
      }
      return found;
    });
  }

  async #searchSome(
    queries: readonly string[],
    k: number,
    ids: readonly string[],
    signal: { signal: AbortSignal } | undefined,
  ): Promise<RetrievedDocument[][]> {
    const rows = this.#rows;
    if (rows === undefined || ids.length === 0) return queries.map(() => []);
    const columns = Uint32Array.from(this.#rowOf.values());
    const { similarityFnName } = this.#model;
    const embeddings = await this.#model.encodeQuery(queries, { ...signal });
    const similarities = await similarityMatrixAsync(embeddings, rows.matrix, similarityFnName, signal?.signal);
    const words = await this.#bm25.scores(queries, { ...signal });
    const request = { normalization: this.normalization, weight: this.weight, k: Math.min(k, ids.length) };
    const sides = [asVectors('similarities', similarities), asVectors('words', words)] as const;
    const hits = await onPool(sides, signal?.signal, ([first, second], cancellation) =>
      native.fuseAsync(first, rows.rows, columns, second, request, cancellation),
    );
    return queries.map((_, query) =>
      Array.from({ length: request.k }, (__, i) => {
        const at = query * request.k + i;
        return { id: ids[hits.indices[at] ?? 0] ?? '', score: hits.scores[at] ?? 0 };
      }),
    );
  }

  /**
   * Writes the index into a folder: whoever reads it meanwhile finds the one that was there or this one. The model is
   * not part of it.
   *
   * @throws IoError when the folder cannot be written.
   */
  async save(folder: string): Promise<void> {
    nonEmptyString('folder', folder);
    return this.#turns.take(async () => {
      this.#checkHalves();
      this.#compact(1);
      const { weight, normalization } = this;
      const ids = [...this.#rowOf.keys()];
      const rows = this.#rows ?? new GrowingRows(await dimOf(this.#model));
      const state: HybridState = { weight, normalization, ids, rows };
      await writeHybridIndex(folder, state, (lexical) => this.#bm25.save(lexical));
    });
  }
}

async function dimOf(model: EncodesQueries): Promise<number> {
  return (await model.encodeQuery([''])).shape[1];
}

function checkEncoder(model: unknown): EncodesQueries {
  const methods = ['encodeQuery', 'encodeDocument'];
  if (typeof model === 'object' && model !== null && methods.every((name) => name in model)) {
    return model as EncodesQueries;
  }
  throw invalidArgument('model', 'a SentenceTransformer', model);
}

function checkLexical(bm25: unknown): BM25Index {
  if (bm25 instanceof BM25Index) return bm25;
  throw invalidArgument('bm25', 'a BM25Index', bm25);
}

function signalOf(method: string, options: HybridCallOptions): { signal: AbortSignal } | undefined {
  knownOptions(`HybridIndex.${method}`, options, ['signal']);
  const signal = abortSignal('signal', options.signal);
  return signal && { signal };
}
