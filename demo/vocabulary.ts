import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const unknown = '[UNK]';

/** Begins every piece that does not begin its word. */
const inner = '##';

/** Always in the vocabulary, so that words of the future can be spelled. */
const alphabet = Array.from('abcdefghijklmnopqrstuvwxyz0123456789', (character) => [
  character,
  inner + character,
]).flat();

/**
 * Learns a WordPiece vocabulary: starts from the characters and joins neighbours that often stand together into a longer
 * piece, then those with their neighbours, as long as there is room.
 *
 * @param size - Tokens of the vocabulary at most; `[UNK]`, the alphabet and all characters of the texts are always in it.
 */
export function learnVocabulary(texts: Iterable<string>, size: number): string[] {
  const words = countWords(texts);
  const pairs = new PairTable(words);
  const vocabulary = new Set([unknown, ...alphabet, ...words.flatMap(({ pieces }) => pieces).sort()]);

  // Going down by tenths instead of to the very next count needs no queue, and few sweeps.
  for (let fewest = pairs.highestCount; fewest >= 2; fewest = Math.min(fewest - 1, Math.ceil(0.9 * fewest))) {
    for (let found = pairs.atLeast(fewest); found.length > 0; found = pairs.atLeast(fewest)) {
      for (const pair of found) {
        if (vocabulary.size >= size) return [...vocabulary];
        if (pairs.count(pair) >= fewest) vocabulary.add(pairs.join(pair));
      }
    }
  }
  return [...vocabulary];
}

/** Writes the vocabulary into `folder` as a tokenizer.json: WordPiece over lower-cased words, as BERT's. */
export function writeTokenizer(folder: string, vocabulary: readonly string[]): string {
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      { id: 0, content: unknown, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    ],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: inner, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unknown,
      continuing_subword_prefix: inner,
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    },
  };
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'tokenizer.json');
  writeFileSync(file, JSON.stringify(tokenizer, undefined, 1));
  return file;
}

interface Word {
  pieces: string[];
  count: number;
}

/** The distinct words of the texts as their characters. Words are cut as BERT does: punctuation stands alone. */
function countWords(texts: Iterable<string>): Word[] {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const plain = text
      .toLowerCase()
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '');
    for (const [word] of plain.matchAll(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu))
      counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return Array.from(counts, ([word, count]) => ({
    pieces: Array.from(word, (character, at) => (at === 0 ? character : inner + character)),
    count,
  }));
}

/** How often which two pieces stand side by side, and in which words. */
class PairTable {
  readonly #pairs = new Map<string, { count: number; words: Set<Word> }>();

  constructor(words: readonly Word[]) {
    for (const word of words) this.#enter(word);
  }

  get highestCount(): number {
    return Math.max(0, ...Array.from(this.#pairs.values(), ({ count }) => count));
  }

  count(pair: string): number {
    return this.#pairs.get(pair)?.count ?? 0;
  }

  /** The pairs that stand in the words at least `fewest` times, most frequent first. */
  atLeast(fewest: number): string[] {
    return Array.from(this.#pairs)
      .filter(([, { count }]) => count >= fewest)
      .sort(([, a], [, b]) => b.count - a.count)
      .map(([pair]) => pair);
  }

  /** Makes one piece of the pair in all words that have it. */
  join(pair: string): string {
    const [left = '', right = ''] = pair.split(' ');
    const joined = left + right.slice(inner.length);
    for (const word of [...(this.#pairs.get(pair)?.words ?? [])]) {
      this.#remove(word);
      for (let at = 0; at + 1 < word.pieces.length; ++at) {
        if (word.pieces[at] === left && word.pieces[at + 1] === right) word.pieces.splice(at, 2, joined);
      }
      this.#enter(word);
    }
    return joined;
  }

  #enter(word: Word): void {
    for (const pair of neighbours(word)) {
      const entry = this.#pairs.get(pair) ?? { count: 0, words: new Set() };
      entry.count += word.count;
      entry.words.add(word);
      this.#pairs.set(pair, entry);
    }
  }

  #remove(word: Word): void {
    for (const pair of neighbours(word)) {
      const entry = this.#pairs.get(pair);
      if (entry === undefined) continue;
      entry.count -= word.count;
      entry.words.delete(word);
      if (entry.words.size === 0) this.#pairs.delete(pair);
    }
  }
}

function neighbours({ pieces }: Word): string[] {
  return pieces.slice(1).map((right, at) => `${pieces[at] ?? ''} ${right}`);
}
