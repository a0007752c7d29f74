import type { TokenSelection } from './formats/tokenizer/token-selection.js';
import type { TokenizerDescription } from './formats/tokenizer/tokenizer-json.js';
import { native, type NativeTexts, type NativeTokenizer } from './native/index.js';
import { invalidArgument } from './validate.js';

/**
 * Texts as UTF-8 in one buffer, as Apache Arrow lays out a column of strings: text i is the bytes
 * [offsets[i], offsets[i + 1]) of `data`. No string is ever made of them. Ill-formed bytes read as U+FFFD.
 */
export interface Utf8Column {
  readonly data: Uint8Array;
  /** One more than there are texts, rising. */
  readonly offsets: Int32Array | BigInt64Array;
}

/** Some texts, and how they are handed to the addon in runs. What is in them is checked as it is read. */
export interface Texts {
  readonly count: number;
  /** How much work they are, about in bytes, or more than `limit`. */
  size(limit: number): number;
  /** Where a run that starts at `start` ends: a fraction of a millisecond's work for the calling thread. */
  runEnd(start: number): number;
  /**
   * Texts [start, end) for the addon.
   *
   * @throws InvalidArgumentError naming the first that is no string, or what is wrong with the column.
   */
  run(start: number, end: number): NativeTexts;
  /** The same as strings, for tokenizers that are not the addon's. */
  strings(start: number, end: number): readonly string[];
}

/** A run is bounded so that an event loop with a million texts in hand stays responsive. */
const mostTextsInRun = 4096;
const mostUnitsInRun = 1 << 20;

/** What a text costs beside its bytes: an empty one is some work, too. */
const costOfText = 8;

/** @throws InvalidArgumentError for what is neither an array nor a column. */
export function asTexts(option: string, texts: readonly string[] | Utf8Column): Texts {
  return isColumn(texts) ? new Utf8Texts(option, texts) : new StringTexts(option, texts);
}

function isColumn(texts: unknown): texts is Utf8Column {
  return typeof texts === 'object' && texts !== null && 'offsets' in texts;
}

class StringTexts implements Texts {
  readonly count: number;

  constructor(
    private readonly option: string,
    private readonly texts: readonly unknown[],
  ) {
    if (!Array.isArray(texts)) {
      throw invalidArgument(option, 'an array of strings (for any other iterable there is encodeStream)', texts);
    }
    this.count = texts.length;
  }

  size(limit: number): number {
    let size = 0;
    for (let i = 0; i < this.count && size <= limit; ++i) size += costOfText + this.#length(i);
    return size;
  }

  runEnd(start: number): number {
    let units = 0;
    let end = start;
    const last = Math.min(this.count, start + mostTextsInRun);
    while (end < last && units < mostUnitsInRun) units += this.#length(end++);
    return end;
  }

  run(start: number, end: number): NativeTexts {
    return joinTexts(this.strings(start, end));
  }

  strings(start: number, end: number): readonly string[] {
    // A copy is a plain array whatever the texts came in, and stays what it is while it is read.
    const strings = this.texts.slice(start, end);
    for (let i = 0; i < end - start; ++i) {
      // A loop over all indices also finds the holes of a sparse array.
      if (typeof strings[i] !== 'string') throw invalidArgument(`${this.option}[${start + i}]`, 'a string', strings[i]);
    }
    return strings as string[];
  }

  #length(i: number): number {
    const text = this.texts[i];
    return typeof text === 'string' ? text.length : 0;
  }
}

class Utf8Texts implements Texts {
  readonly count: number;
  readonly #data: Uint8Array;
  readonly #offsets: Int32Array | BigInt64Array;

  constructor(
    private readonly option: string,
    { data, offsets }: Utf8Column,
  ) {
    if (!(data instanceof Uint8Array)) throw invalidArgument(`${option}.data`, 'a Uint8Array', data);
    if (!(offsets instanceof Int32Array || offsets instanceof BigInt64Array) || offsets.length === 0) {
      throw invalidArgument(`${option}.offsets`, 'an Int32Array or BigInt64Array of one more than the texts', offsets);
    }
    this.#data = data;
    this.#offsets = offsets;
    this.count = offsets.length - 1;
  }

  size(): number {
    return this.#offset(this.count) - this.#offset(0) + costOfText * this.count;
  }

  runEnd(start: number): number {
    const most = this.#offset(start) + mostUnitsInRun;
    const last = Math.min(this.count, start + mostTextsInRun);
    let end = start + 1;
    while (end < last && this.#offset(end) < most) ++end;
    return end;
  }

  run(start: number, end: number): NativeTexts {
    this.#checkOffsets(start, end);
    return [this.#data, end - start, this.#offsets.subarray(start, end + 1)];
  }

  strings(start: number, end: number): readonly string[] {
    this.#checkOffsets(start, end);
    const decoder = new TextDecoder();
    return Array.from({ length: end - start }, (_, i) =>
      decoder.decode(this.#data.subarray(this.#offset(start + i), this.#offset(start + i + 1))),
    );
  }

  #checkOffsets(start: number, end: number): void {
    let before = 0;
    for (let i = start; i <= end; ++i) {
      const offset = this.#offset(i);
      if (!(offset >= before && offset <= this.#data.length)) {
        throw invalidArgument(`${this.option}.offsets[${i}]`, `a value from ${before} to ${this.#data.length}`, offset);
      }
      before = offset;
    }
  }

  #offset(i: number): number {
    return Number(this.#offsets[i]);
  }
}

/** A joined string of this many UTF-16 units lies where V8 makes short-lived objects; a longer one costs new pages. */
const unitsOfPiece = 1 << 15;

/** Joined by NUL to a few strings, so that few calls over the border take all texts. */
export function joinTexts(
  texts: readonly string[],
): [joined: readonly string[], count: number, texts: readonly string[]] {
  const joined: string[] = [];
  let start = 0;
  let units = 0;
  for (const [i, text] of texts.entries()) {
    units += text.length;
    if (units < unitsOfPiece && i + 1 < texts.length) continue;
    joined.push(start === i ? text : texts.slice(start, i + 1).join('\0'));
    start = i + 1;
    units = 0;
  }
  return [joined, texts.length, texts];
}

export async function makeTokenizer(
  description: TokenizerDescription,
  selection: TokenSelection | null = null,
): Promise<NativeTokenizer> {
  const { vocabulary, pipeline, addedTokens, truncation } = description;
  const config = { ...pipeline, addedTokens, truncation, selection };
  const tokenizer = new native.Tokenizer(...joinTexts(vocabulary), config);
  await tokenizer.build();
  return tokenizer;
}
