import { Pause } from '../event-loop.js';
import { native, type NativeWordBags } from '../native/index.js';
import { joinTexts, type Texts } from '../texts.js';
import { describe, invalidArgument, stringArray } from '../validate.js';
import { stemmingAnalyzer, type Stemmer } from './stemming.js';

/** What gives ids of texts, one array after the other. `SentenceTransformer` does. */
export interface Tokenizes {
  tokenize(texts: readonly string[]): { readonly ids: Uint32Array; readonly offsets: Uint32Array };
}

/** Gives the words of a text, repeated ones too. */
export type Analyzer = (text: string) => readonly string[];

/** How texts become words. At most one of `stemmer`, `analyzer` and `tokenizer`. */
export interface WordOptions {
  /** Words that are left out of texts and queries, in lower case. Default: none. */
  readonly stopWords?: readonly string[];
  /** Gives the stem of a word, in lower case, that is no stop word. */
  readonly stemmer?: Stemmer;
  /** Gives the words of a text: for languages that are written without spaces. */
  readonly analyzer?: Analyzer;
  /** Takes the ids of a model's tokenizer for words. */
  readonly tokenizer?: Tokenizes;
}

/** What an index cannot hold, and is given again when it is loaded. */
export const wordSources = ['stemmer', 'analyzer', 'tokenizer'] as const;

/** Says in files which of them it was; `words`: none. */
export const wordKinds = ['words', ...wordSources] as const;
export type WordKind = (typeof wordKinds)[number];

/** Texts to bags of words, as options say. */
export class Words {
  readonly kind: WordKind;
  readonly stopWords: readonly string[];
  readonly #analyzer: ((text: string) => unknown) | undefined;
  readonly #tokenizer: Tokenizes | undefined;

  /** @throws InvalidArgumentError naming the option. */
  constructor(options: WordOptions) {
    const { stopWords, stemmer, analyzer, tokenizer } = options;
    this.stopWords = [...stringArray('stopWords', stopWords ?? [])];
    if (stemmer !== undefined && typeof stemmer !== 'function') {
      throw invalidArgument('stemmer', 'a function from a word to its stem', stemmer);
    }
    if (analyzer !== undefined && typeof analyzer !== 'function') {
      throw invalidArgument('analyzer', 'a function from a text to its words', analyzer);
    }
    if (tokenizer !== undefined && typeof (tokenizer as Partial<Tokenizes> | null)?.tokenize !== 'function') {
      throw invalidArgument('tokenizer', 'a SentenceTransformer, or an object with its method tokenize', tokenizer);
    }
    const [kind = 'words', second] = wordSources.filter((name) => options[name] !== undefined);
    if (second !== undefined) throw invalidArgument(second, `nothing beside ${kind}`, options[second]);
    this.kind = kind;
    if ((kind === 'analyzer' || kind === 'tokenizer') && this.stopWords.length > 0) {
      throw invalidArgument('stopWords', `none beside ${this.kind}, which can leave them out itself`, stopWords);
    }
    this.#analyzer = stemmer === undefined ? analyzer : stemmingAnalyzer(stemmer, this.stopWords);
    this.#tokenizer = tokenizer;
  }

  /** An empty collection. */
  newBags(): NativeWordBags {
    return new native.WordBags(...joinTexts(this.kind === 'words' ? this.stopWords : []));
  }

  /** Appends all texts to bags; `onDone` is called with how many are done. */
  async append(
    bags: NativeWordBags,
    texts: Texts,
    signal: AbortSignal | undefined,
    onDone?: (done: number) => void,
  ): Promise<void> {
    const pause = new Pause(signal);
    for (let start = 0; start < texts.count;) {
      signal?.throwIfAborted();
      const end = this.kind === 'words' ? texts.runEnd(start) : Math.min(texts.count, start + textsAtOnce);
      if (this.kind === 'words') await bags.append(...texts.run(start, end));
      else this.#appendHere(bags, texts.strings(start, end));
      onDone?.(end);
      start = end;
      await pause.ifDue();
    }
  }

  #appendHere(bags: NativeWordBags, texts: readonly string[]): void {
    if (this.#tokenizer !== undefined) {
      const { ids, offsets } = this.#tokenizer.tokenize(texts);
      bags.appendIds(ids, offsets);
      return;
    }
    const words: string[] = [];
    const offsets = new Uint32Array(texts.length + 1);
    for (const [i, text] of texts.entries()) {
      const found: unknown = this.#analyzer?.(text);
      if (!Array.isArray(found)) throw invalidArgument(this.kind, `an array of words of ${describe(text)}`, found);
      for (const word of found as readonly unknown[]) {
        if (typeof word !== 'string') throw invalidArgument(this.kind, `strings as words of ${describe(text)}`, word);
        words.push(word);
      }
      offsets[i + 1] = words.length;
    }
    bags.appendWords(...joinTexts(words), offsets);
  }
}

/** Texts that the calling thread analyzes between two looks at the clock. */
const textsAtOnce = 64;
