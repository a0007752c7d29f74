import { ModelFormatError, UnsupportedError } from '../errors.js';
import { describe } from '../validate.js';
import { JsonFields, parseJson } from './json-fields.js';

/** An entry of `added_tokens`: text that is one token wherever it stands. */
export interface AddedTokenDescription {
  readonly content: string;
  readonly id: number;
  readonly singleWord: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly normalized: boolean;
  readonly special: boolean;
}

/** The settings of a BertNormalizer; `stripAccents` null means as `lowercase`. */
export interface BertNormalizerDescription {
  readonly cleanText: boolean;
  readonly handleChineseChars: boolean;
  readonly stripAccents: boolean | null;
  readonly lowercase: boolean;
}

/** Keep at most `maxLength` ids: the first ones, or with `fromLeft` (direction "Left") the last ones. */
export interface TruncationDescription {
  readonly maxLength: number;
  readonly fromLeft: boolean;
}

/** A tokenizer that runs natively: WordPiece, BertNormalizer or none, BertPreTokenizer. */
export interface WordPieceDescription {
  readonly kind: 'wordpiece';
  /** Token by id; '' where the file has no token of that id. */
  readonly vocabulary: readonly string[];
  /** One more than the greatest id, added tokens included. */
  readonly vocabSize: number;
  readonly unkToken: string;
  readonly continuingSubwordPrefix: string;
  readonly maxInputCharsPerWord: number;
  readonly addedTokens: readonly AddedTokenDescription[];
  readonly normalizer: BertNormalizerDescription | null;
  readonly truncation: TruncationDescription | null;
}

/** A tokenizer that is left to a library; `model` is its type, for messages. */
export interface LibraryDescription {
  readonly kind: 'library';
  readonly model: string;
}

export type TokenizerDescription = WordPieceDescription | LibraryDescription;

/** More tokens than any tokenizer has; a greater id is a damaged file, and would only exhaust the memory. */
const maxVocabSize = 1 << 24;

const quote = 0x22;
const comma = 0x2c;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const backslash = 0x5c;
const closingBrace = 0x7d;

/** A vocabulary by id, and where its object ends in the text. */
interface ScannedVocabulary {
  readonly vocabulary: string[];
  readonly end: number;
}

function unescape(literal: string): string | undefined {
  try {
    return String(JSON.parse(literal));
  } catch {
    return undefined;
  }
}

/**
 * Reads `"token": id, ...}` from `text` at `position`, after the opening brace. `JSON.parse` takes five times as long
 * for a vocabulary, since it makes an object with that many properties.
 *
 * @returns undefined for anything but distinct tokens with distinct ids, which the careful reader then explains.
 */
function scanVocabulary(text: string, position: number): ScannedVocabulary | undefined {
  const vocabulary: string[] = [];
  let at = position;
  const skipSpace = (): number => {
    let code = text.charCodeAt(at);
    while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) code = text.charCodeAt(++at);
    return code;
  };
  for (;;) {
    if (skipSpace() !== quote) return undefined;
    const begin = at;
    let escaped = false;
    let code = text.charCodeAt(++at);
    for (; code !== quote; code = text.charCodeAt(++at)) {
      if (Number.isNaN(code) || code < 0x20) return undefined;
      if (code === backslash) {
        escaped = true;
        ++at;
      }
    }
    ++at;
    const token = escaped ? unescape(text.slice(begin, at)) : text.slice(begin + 1, at - 1);
    if (token === undefined) return undefined;

    if (skipSpace() !== colon) return undefined;
    ++at;
    code = skipSpace();
    const digits = at;
    let id = 0;
    for (; code >= zero && code <= nine; code = text.charCodeAt(++at)) id = 10 * id + (code - zero);
    if (at === digits || at > digits + 8 || id >= maxVocabSize) return undefined;
    while (vocabulary.length < id) vocabulary.push('');
    if (id < vocabulary.length && vocabulary[id] !== '') return undefined;
    vocabulary[id] = token;

    code = skipSpace();
    ++at;
    if (code === closingBrace) return { vocabulary, end: at };
    if (code !== comma) return undefined;
  }
}

/** Stands for the vocabulary in the JSON text from which it has been cut. */
const cutOut = -1;

/** Parses the file, with the vocabulary apart where it could be scanned. */
function parseTokenizer(file: string, text: string): { root: JsonFields; scanned: readonly string[] | undefined } {
  const key = /(?<!\\)"vocab"\s*:\s*\{/.exec(text);
  const scanned = key === null ? undefined : scanVocabulary(text, key.index + key[0].length);
  if (key !== null && scanned !== undefined) {
    const rest = `${text.slice(0, key.index)}"vocab":${cutOut}${text.slice(scanned.end)}`;
    const root = new JsonFields(file, '', parseJson(file, rest));
    if (root.optionalObject('model')?.get('vocab') === cutOut) return { root, scanned: scanned.vocabulary };
  }
  return { root: new JsonFields(file, '', parseJson(file, text)), scanned: undefined };
}

function readVocabulary(model: JsonFields): readonly string[] {
  const { file } = model;
  const vocabulary: string[] = [];
  for (const [token, id] of model.object('vocab').entries()) {
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || id >= maxVocabSize) {
      throw new ModelFormatError(
        `${file}: expected an id of 0 to ${maxVocabSize - 1} for model.vocab[${describe(token)}] but received ${describe(id)}`,
      );
    }
    while (vocabulary.length < id) vocabulary.push('');
    const other = vocabulary[id] ?? '';
    if (other !== '') {
      throw new ModelFormatError(
        `${file}: model.vocab gives ${describe(other)} and ${describe(token)} the same id ${id}`,
      );
    }
    vocabulary[id] = token;
  }
  if (vocabulary.length === 0) throw new ModelFormatError(`${file}: model.vocab is empty`);
  return vocabulary;
}

function readAddedTokens(root: JsonFields): AddedTokenDescription[] {
  if (!root.has('added_tokens')) return [];
  return root.objects('added_tokens').map((token) => {
    const id = token.integer('id');
    if (id >= maxVocabSize) throw token.invalid('id', `an id of 0 to ${maxVocabSize - 1}`);
    return {
      content: token.string('content'),
      id,
      singleWord: token.boolean('single_word'),
      lstrip: token.boolean('lstrip'),
      rstrip: token.boolean('rstrip'),
      normalized: token.boolean('normalized'),
      special: token.boolean('special'),
    };
  });
}

/** An added token may repeat a token of the vocabulary, but then under the same id. */
function checkAddedTokens(file: string, added: readonly AddedTokenDescription[], vocabulary: readonly string[]): void {
  const byContent = new Map<string, number>();
  const byId = new Map<number, string>();
  for (const { content, id } of added) {
    const otherId = byContent.get(content);
    if (otherId !== undefined && otherId !== id) {
      throw new ModelFormatError(`${file}: added_tokens gives ${describe(content)} the ids ${otherId} and ${id}`);
    }
    const other = byId.get(id) ?? vocabulary[id] ?? '';
    if (other !== '' && other !== content) {
      throw new ModelFormatError(`${file}: added token ${describe(content)} has the id ${id} of ${describe(other)}`);
    }
    byContent.set(content, id);
    byId.set(id, content);
  }
  for (let id = 0; id < vocabulary.length; ++id) {
    const addedId = byContent.get(vocabulary[id] ?? '');
    if (addedId !== undefined && addedId !== id && vocabulary[id] !== '') {
      throw new ModelFormatError(
        `${file}: added token ${describe(vocabulary[id])} has the id ${addedId}, but ${id} in model.vocab`,
      );
    }
  }
}

function readNormalizer(root: JsonFields): BertNormalizerDescription | null {
  const normalizer = root.optionalObject('normalizer');
  if (normalizer === undefined) return null;
  return {
    cleanText: normalizer.boolean('clean_text'),
    handleChineseChars: normalizer.boolean('handle_chinese_chars'),
    stripAccents: normalizer.optionalBoolean('strip_accents') ?? null,
    lowercase: normalizer.boolean('lowercase'),
  };
}

function readTruncation(root: JsonFields): TruncationDescription | null {
  const truncation = root.optionalObject('truncation');
  if (truncation === undefined) return null;
  const direction = truncation.optionalString('direction') ?? 'Right';
  if (direction !== 'Right' && direction !== 'Left') throw truncation.invalid('direction', `"Right" or "Left"`);
  const strategy = truncation.optionalString('strategy') ?? 'LongestFirst';
  if (strategy === 'OnlySecond') {
    throw new UnsupportedError(`${root.file}: truncation.strategy OnlySecond applies to pairs of texts only`);
  }
  if (strategy !== 'LongestFirst' && strategy !== 'OnlyFirst') {
    throw truncation.invalid('strategy', `"LongestFirst" or "OnlyFirst"`);
  }
  return { maxLength: truncation.integer('max_length'), fromLeft: direction === 'Left' };
}

/** The model's type; files older than the `type` field are told apart by their fields. */
function modelType(model: JsonFields): string {
  if (model.has('type')) return model.string('type');
  if (model.has('merges')) return 'BPE';
  if (model.has('unk_id') || Array.isArray(model.get('vocab'))) return 'Unigram';
  return model.has('max_input_chars_per_word') ? 'WordPiece' : 'WordLevel';
}

function typeOf(root: JsonFields, name: string): string | undefined {
  return root.optionalObject(name)?.string('type');
}

/**
 * Parses a Hugging Face tokenizer.json. `padding` and `post_processor` are ignored: a static model pads nothing and
 * adds no special tokens.
 *
 * @param file - Path of the file, for errors.
 * @throws ModelFormatError naming file, field and value.
 * @throws UnsupportedError for another version of the format.
 */
export function parseTokenizerJson(file: string, text: string): TokenizerDescription {
  const { root, scanned } = parseTokenizer(file, text);
  const version = root.optionalString('version') ?? '1.0';
  if (version !== '1.0') throw new UnsupportedError(`${file}: expected "1.0" for version but received "${version}"`);
  const model = root.object('model');
  const type = modelType(model);
  const normalizer = typeOf(root, 'normalizer');
  const preTokenizer = typeOf(root, 'pre_tokenizer');
  const isBert = (normalizer === undefined || normalizer === 'BertNormalizer') && preTokenizer === 'BertPreTokenizer';
  if (type !== 'WordPiece' || !isBert) return { kind: 'library', model: type };

  const vocabulary = scanned ?? readVocabulary(model);
  const unkToken = model.string('unk_token');
  const addedTokens = readAddedTokens(root);
  checkAddedTokens(file, addedTokens, vocabulary);
  if (unkToken === '' || !vocabulary.includes(unkToken)) throw model.invalid('unk_token', 'a token of model.vocab');
  return {
    kind: 'wordpiece',
    vocabulary,
    vocabSize: addedTokens.reduce((size, { id }) => Math.max(size, id + 1), vocabulary.length),
    unkToken,
    continuingSubwordPrefix: model.string('continuing_subword_prefix'),
    maxInputCharsPerWord: model.integer('max_input_chars_per_word'),
    addedTokens,
    normalizer: readNormalizer(root),
    truncation: readTruncation(root),
  };
}
