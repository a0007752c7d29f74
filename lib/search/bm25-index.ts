import { cancellable } from '../abort.js';
import { fromNative, InvalidArgumentError } from '../errors.js';
import { Pause } from '../event-loop.js';
import { Matrix } from '../matrix.js';
import { native, type NativeBm25, type NativeWordBags } from '../native/index.js';
import { rowBuffer, toArray } from '../rows.js';
import { asTexts, type Texts, type Utf8Column } from '../texts.js';
import {
  abortSignal,
  callback,
  finiteNumber,
  invalidArgument,
  knownOptions,
  nonEmptyString,
  oneOf,
  positiveInteger,
  stringArray,
  type OptionAdvice,
} from '../validate.js';
import { Bm25File, readSetting, saveBm25 } from './bm25-file.js';
import { wordKinds, Words, wordSources, type WordOptions } from './bm25-words.js';
import { noHit, type SearchProgress } from './top-k.js';

const methods = ['robertson', 'lucene', 'atire', 'bm25l', 'bm25+'] as const;

/** A variant of BM25: see Kamphuis et al., "Which BM25 do you mean?" (ECIR 2020). */
export type Bm25Method = (typeof methods)[number];

export interface Bm25Options extends WordOptions {
  /** Default: `lucene`. */
  readonly method?: Bm25Method;
  /** How soon more of the same word counts no more: at least 0. Default: 1.5. */
  readonly k1?: number;
  /** How much long documents are held back: from 0 to 1. Default: 0.75. */
  readonly b?: number;
  /** What BM25L and BM25+ give each word in advance: at least 0. Default: 0.5. */
  readonly delta?: number;
}

/** A document and its score for a query. */
export interface Bm25Hit {
  readonly id: string;
  readonly score: number;
}

export interface Bm25CallOptions {
  /** Rejects with `signal.reason` as soon as it is aborted; what was to be added or removed then is not. */
  readonly signal?: AbortSignal;
}

export interface Bm25AddOptions extends Bm25CallOptions {
  /** Called as texts are done. */
  readonly onProgress?: (progress: SearchProgress) => void;
}

/** What a saved index cannot hold, and is given again when it is loaded. */
export interface Bm25LoadOptions extends Pick<WordOptions, (typeof wordSources)[number]>, Bm25CallOptions {}

const wordOptionNames = ['stopWords', ...wordSources];
const advice: OptionAdvice = {
  language: 'pass its stopWords and its stemmer',
};

/**
 * Search by words: BM25, with scores equal to those of Python's `bm25s` for the same words. A document's score for a
 * query is the sum, over the query's words, of how rare the word is times how much of the document it is.
 *
 * Words are, unless an `analyzer` or a `tokenizer` is given, runs of at least two letters, marks, digits and underscores, in
 * lower case. Changes are made one after the other, and a search sees all that were asked for before it; the first search
 * after some works them into the index, which takes one pass over it: add and remove many at a time.
 */
export class BM25Index {
  readonly #settings: { readonly method: Bm25Method; readonly k1: number; readonly b: number; readonly delta: number };
  readonly #words: Words;
  readonly #index: NativeBm25;
  #ids: string[] = [];
  /** Of each id its place in `#ids`. */
  #numbers = new Map<string, number>();
  /** The texts of the last ids, which are not in the index yet. */
  #pending: NativeWordBags | undefined;
  #changes: Promise<unknown> = Promise.resolve();
  #isReleased = false;

  /** @throws InvalidArgumentError naming the option. */
  constructor(options: Bm25Options = {}) {
    knownOptions('BM25Index', options, ['method', 'k1', 'b', 'delta', ...wordOptionNames], advice);
    this.#settings = {
      method: oneOf('method', options.method ?? 'lucene', methods),
      k1: finiteNumber('k1', options.k1 ?? 1.5, { min: 0 }),
      b: finiteNumber('b', options.b ?? 0.75, { min: 0, max: 1 }),
      delta: finiteNumber('delta', options.delta ?? 0.5, { min: 0 }),
    };
    this.#words = new Words(options);
    this.#index = new native.Bm25(this.#settings);
  }

  /**
   * Reads an index that `save` has written. The texts' words stay in the file, which is mapped where the system can.
   *
   * @throws ModelFormatError, IoError naming the file; InvalidArgumentError where the index was made with a `stemmer`, an
   * `analyzer` or a `tokenizer` and that is not given.
   */
  static async load(folder: string, options: Bm25LoadOptions = {}): Promise<BM25Index> {
    nonEmptyString('folder', folder);
    knownOptions('BM25Index.load', options, [...wordSources, 'signal'], advice);
    const { signal: given, ...words } = options;
    const signal = abortSignal('signal', given);
    signal?.throwIfAborted();
    const file = await Bm25File.open(folder);
    const { settings } = file;
    const kind = readSetting(file, () => oneOf('words', settings.get('words'), wordKinds));
    for (const name of wordSources) {
      if ((kind === name) !== (words[name] !== undefined)) {
        const expected = kind === name ? 'that with which the index was made' : 'nothing: the index was made without';
        throw invalidArgument(name, expected, words[name]);
      }
    }
    new Words(words); // what is wrong with these is the caller's, what follows the file's
    const index = readSetting(
      file,
      () =>
        new BM25Index({
          method: settings.get('method') as Bm25Method,
          k1: settings.get('k1') as number,
          b: settings.get('b') as number,
          delta: settings.get('delta') as number,
          stopWords: settings.get('stopWords') as string[],
          ...words,
        }),
    );
    await index.#read(file);
    signal?.throwIfAborted();
    return index;
  }

  /** Documents, those included that the next search works in. */
  get size(): number {
    return this.#ids.length;
  }

  /**
   * Adds documents; all of them, or none where it fails.
   *
   * @param ids - Their names, none of them there already.
   * @param texts - As many, as an array or as UTF-8 in one buffer.
   * @throws InvalidArgumentError naming the id or the text.
   */
  async add(
    ids: readonly string[],
    texts: readonly string[] | Utf8Column,
    options: Bm25AddOptions = {},
  ): Promise<void> {
    knownOptions('add', options, ['signal', 'onProgress']);
    const signal = abortSignal('signal', options.signal);
    const onProgress = callback('onProgress', options.onProgress);
    const names = [...stringArray('ids', ids)];
    const all = asTexts('texts', texts);
    if (names.length !== all.count) throw invalidArgument('texts', `${names.length} of them, one an id,`, texts);
    await this.#change(signal, async () => {
      await this.#checkNew(names, 0, signal);
      const bags = this.#words.newBags();
      await this.#words.append(bags, all, signal, (done) => onProgress?.({ done, total: all.count }));
      await this.#commit(names, bags);
    });
  }

  /**
   * As `add`, for documents that come one after the other as [id, text]: those of a stream, of which only the words are
   * kept.
   */
  async addFrom(
    documents: Iterable<readonly [id: string, text: string]> | AsyncIterable<readonly [id: string, text: string]>,
    options: Bm25CallOptions = {},
  ): Promise<void> {
    knownOptions('addFrom', options, ['signal']);
    const signal = abortSignal('signal', options.signal);
    const source: unknown = documents;
    if (
      typeof source !== 'object' ||
      source === null ||
      !(Symbol.iterator in source || Symbol.asyncIterator in source)
    ) {
      throw invalidArgument('documents', 'an iterable or async iterable of [id, text]', documents);
    }
    await this.#change(signal, async () => {
      const ids: string[] = [];
      const bags = this.#words.newBags();
      let texts: string[] = [];
      const flush = async (): Promise<void> => {
        const first = ids.length - texts.length;
        await this.#words.append(bags, asTexts(`documents from ${first} on`, texts), signal);
        texts = [];
      };
      for await (const document of documents) {
        signal?.throwIfAborted();
        const [id, text]: readonly unknown[] = Array.isArray(document) ? document : [];
        if (typeof id !== 'string' || typeof text !== 'string') {
          throw invalidArgument(`documents[${ids.length}]`, 'an array of two strings, [id, text],', document);
        }
        ids.push(id);
        texts.push(text);
        if (texts.length === textsAtOnce) await flush();
      }
      await flush();
      await this.#checkNew(ids, 0, signal);
      await this.#commit(ids, bags);
    });
  }

  /**
   * Removes documents. All that follow move up, so that it takes one pass over the index: remove many at a time.
   *
   * @throws InvalidArgumentError naming an id that is not there; nothing is removed then.
   */
  async remove(ids: readonly string[], options: Bm25CallOptions = {}): Promise<void> {
    knownOptions('remove', options, ['signal']);
    const signal = abortSignal('signal', options.signal);
    const names = [...stringArray('ids', ids)];
    await this.#change(signal, async () => {
      const numbers = new Uint32Array(names.length);
      for (const [i, id] of names.entries()) {
        const number = this.#numbers.get(id);
        if (number === undefined) throw invalidArgument(`ids[${i}]`, 'the id of a document', id);
        numbers[i] = number;
      }
      await this.#settle();
      await this.#index.remove(numbers);
      const removed = new Set(names);
      this.#ids = this.#ids.filter((id) => !removed.has(id));
      this.#numbers = new Map(this.#ids.map((id, number) => [id, number]));
    });
  }

  /**
   * The best `k` documents of each query, best first; equal scores in the order in which the documents were added. Fewer,
   * where fewer have a word of the query.
   *
   * @throws InvalidArgumentError naming the query or the option.
   */
  async search(queries: readonly string[] | Utf8Column, k = 10, options: Bm25CallOptions = {}): Promise<Bm25Hit[][]> {
    positiveInteger('k', k);
    knownOptions('search', options, ['signal']);
    const signal = abortSignal('signal', options.signal);
    const texts = asTexts('queries', queries);
    const bags = await this.#bagsOf(texts, signal);
    const ids = this.#ids; // of this moment, as the index that is searched: removing makes another array
    const hits = await this.#run(signal, (cancellation) => this.#index.search(bags, k, cancellation));
    const width = texts.count === 0 ? 0 : hits.indices.length / texts.count;
    const found: Bm25Hit[][] = [];
    const pause = new Pause(signal);
    for (let query = 0; query < texts.count; ++query) {
      const best: Bm25Hit[] = [];
      for (let i = query * width; i < (query + 1) * width && hits.indices[i] !== noHit; ++i) {
        best.push({ id: ids[hits.indices[i] ?? 0] ?? '', score: hits.scores[i] ?? 0 });
      }
      found.push(best);
      await pause.ifDue();
    }
    return found;
  }

  /**
   * The scores of all documents for each query, queries x documents, in the order in which these were added: what is to be
   * added to other scores of theirs. `search` is for the best.
   */
  async scores(queries: readonly string[] | Utf8Column, options: Bm25CallOptions = {}): Promise<Matrix> {
    knownOptions('scores', options, ['signal']);
    const signal = abortSignal('signal', options.signal);
    const texts = asTexts('queries', queries);
    const bags = await this.#bagsOf(texts, signal);
    const shape = { count: texts.count, columns: this.#ids.length, precision: 'float32', out: undefined } as const;
    return this.#run(signal, async (cancellation) => {
      const buffer = rowBuffer(shape);
      await this.#index.scores(bags, buffer, cancellation);
      return new Matrix(await toArray(buffer, shape), shape.count, shape.columns);
    });
  }

  /** The words of the queries, when all that was asked for before is in the index. */
  async #bagsOf(texts: Texts, signal: AbortSignal | undefined): Promise<NativeWordBags> {
    const bags = this.#words.newBags();
    await this.#words.append(bags, texts, signal);
    await this.#change(signal, () => this.#settle());
    return bags;
  }

  /**
   * Writes the index to a folder, as one file that appears when it is complete. A `stemmer`, `analyzer` or `tokenizer` is not in it.
   *
   * @throws IoError naming the folder.
   */
  async save(folder: string, options: Bm25CallOptions = {}): Promise<void> {
    nonEmptyString('folder', folder);
    knownOptions('save', options, ['signal']);
    const signal = abortSignal('signal', options.signal);
    await this.#change(signal, async () => {
      await this.#settle();
      const { kind, stopWords } = this.#words;
      const settings = { ...this.#settings, words: kind, stopWords };
      await saveBm25(folder, this.#index, { settings, ids: this.#ids }, signal);
    });
  }

  /** Lets go of the documents as soon as the calls that are under way have ended. Nothing can be asked any more. */
  release(): void {
    this.#isReleased = true;
    void this.#changes.then(() => {
      this.#index.release();
      this.#pending = undefined;
      this.#ids = [];
      this.#numbers = new Map();
    });
  }

  async #read(file: Bm25File): Promise<void> {
    this.#ids = [...(await file.read(this.#index))];
    this.#numbers = new Map(this.#ids.map((id, number) => [id, number]));
  }

  /** Runs what changes or reads the whole when all that was asked for before is done. */
  async #change(signal: AbortSignal | undefined, change: () => Promise<void>): Promise<void> {
    if (this.#isReleased) throw new InvalidArgumentError('the index was released: make or load another one');
    const turn = this.#changes.then(() => {
      signal?.throwIfAborted();
      return this.#run(undefined, change);
    });
    this.#changes = turn.catch(() => undefined);
    return this.#run(signal, () => turn);
  }

  async #run<T>(signal: AbortSignal | undefined, work: Parameters<typeof cancellable<T>>[1]): Promise<T> {
    try {
      return await cancellable(signal, work);
    } catch (error) {
      throw fromNative(error, signal);
    }
  }

  /** @throws InvalidArgumentError naming the first id that is there already, or twice among these, or ill-formed. */
  async #checkNew(ids: readonly string[], first: number, signal: AbortSignal | undefined): Promise<void> {
    const pause = new Pause(signal);
    const seen = new Set<string>();
    for (const [i, id] of ids.entries()) {
      if (this.#numbers.has(id) || seen.has(id)) throw invalidArgument(`ids[${first + i}]`, 'an id that is new', id);
      if (!isWellFormed(id)) throw invalidArgument(`ids[${first + i}]`, 'a string without lone surrogates', id);
      seen.add(id);
      if (i % 1024 === 0) await pause.ifDue();
    }
  }

  /** Takes documents in; the next search works them into the index. */
  async #commit(ids: readonly string[], bags: NativeWordBags): Promise<void> {
    if (this.#pending === undefined) this.#pending = bags;
    else await this.#pending.appendBags(bags);
    for (const id of ids) {
      this.#numbers.set(id, this.#ids.length);
      this.#ids.push(id);
    }
  }

  async #settle(): Promise<void> {
    if (this.#pending === undefined) return;
    await this.#index.add(this.#pending);
    this.#pending = undefined;
  }
}

/** Texts of a stream that go to the addon together. */
const textsAtOnce = 4096;

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
