import type {
  NativeNormalizer,
  NativePattern,
  NativePreTokenizer,
  NativeSplitBehavior,
  NativeTokenizerModel,
} from '../native/index.js';
import { native } from '../native/index.js';
import type { JsonFields } from './json-fields.js';

/** The steps and the model of a tokenizer.json, as the addon runs them. */
export interface TokenizerPipeline {
  readonly normalizers: readonly NativeNormalizer[];
  readonly preTokenizers: readonly NativePreTokenizer[];
  readonly model: NativeTokenizerModel;
}

/** Thrown where a part is left to the library. */
class NotNative extends Error {}

/** The steps that a step of tokenizer.json is made of. `isFirst`: no step has changed or split the text yet. */
type Reader<Step> = (step: JsonFields, isFirst: boolean) => readonly Step[];

const behaviors: readonly NativeSplitBehavior[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
];

function behaviorOf(step: JsonFields, otherwise?: NativeSplitBehavior): NativeSplitBehavior {
  const named = step.optionalString('behavior') ?? otherwise;
  const behavior = behaviors.find((name) => name === named);
  if (behavior === undefined) throw step.invalid('behavior', `one of ${behaviors.join(', ')}`);
  return behavior;
}

function patternOf(step: JsonFields): NativePattern {
  const pattern = step.object('pattern');
  const regex = pattern.optionalString('Regex');
  if (regex === undefined) return { literal: pattern.string('String') };
  if (!native.supportsPattern(regex)) throw new NotNative();
  return { regex };
}

const normalizers: Readonly<Record<string, Reader<NativeNormalizer>>> = {
  BertNormalizer: (step) => [
    {
      type: 'BertNormalizer',
      cleanText: step.boolean('clean_text'),
      handleChineseChars: step.boolean('handle_chinese_chars'),
      stripAccents: step.optionalBoolean('strip_accents') ?? null,
      lowercase: step.boolean('lowercase'),
    },
  ],
  ByteLevel: () => [{ type: 'ByteLevel' }],
  Lowercase: () => [{ type: 'Lowercase' }],
  NFC: () => [{ type: 'NFC' }],
  NFD: () => [{ type: 'NFD' }],
  NFKC: () => [{ type: 'NFKC' }],
  NFKD: () => [{ type: 'NFKD' }],
  Nmt: () => [{ type: 'Nmt' }],
  Precompiled: (step) => [
    { type: 'Precompiled', charsmap: Uint8Array.from(Buffer.from(step.string('precompiled_charsmap'), 'base64')) },
  ],
  Prepend: (step) => [{ type: 'Prepend', prepend: step.string('prepend') }],
  Replace: (step) => [{ type: 'Replace', pattern: patternOf(step), content: step.string('content') }],
  Sequence: (step) => step.objects('normalizers').flatMap((each) => read(each, normalizers, true)),
  Strip: (step) => [{ type: 'Strip', left: step.boolean('strip_left'), right: step.boolean('strip_right') }],
  StripAccents: () => [{ type: 'StripAccents' }],
};

const preTokenizers: Readonly<Record<string, Reader<NativePreTokenizer>>> = {
  BertPreTokenizer: () => [{ type: 'BertPreTokenizer' }],
  ByteLevel: (step) => [
    ...(step.boolean('add_prefix_space') ? [{ type: 'ByteLevelPrefix' } as const] : []),
    ...((step.optionalBoolean('use_regex') ?? true) ? [{ type: 'ByteLevelWords' } as const] : []),
    { type: 'ByteLevelAlphabet' },
  ],
  CharDelimiterSplit: (step) => [{ type: 'CharDelimiterSplit', delimiter: characterOf(step, 'delimiter') }],
  Digits: (step) => [{ type: 'Digits', individually: step.boolean('individual_digits') }],
  FixedLength: (step) => [{ type: 'FixedLength', length: step.integer('length', 1) }],
  Metaspace: readMetaspace,
  Punctuation: (step) => [{ type: 'Punctuation', behavior: behaviorOf(step, 'Isolated') }],
  Sequence: (step, isFirst) =>
    step.objects('pretokenizers').flatMap((each, i) => read(each, preTokenizers, isFirst && i === 0)),
  Split: (step) => [
    { type: 'Split', pattern: patternOf(step), behavior: behaviorOf(step), invert: step.boolean('invert') },
  ],
  Whitespace: () => [{ type: 'Whitespace' }],
  WhitespaceSplit: () => [{ type: 'WhitespaceSplit' }],
};

function characterOf(step: JsonFields, name: string): string {
  const character = step.string(name);
  if (Array.from(character).length !== 1) throw step.invalid(name, 'one character');
  return character;
}

function readMetaspace(step: JsonFields, isFirst: boolean): readonly NativePreTokenizer[] {
  const schemes = ['always', 'first', 'never'] as const;
  const named = step.optionalString('prepend_scheme') ?? 'always';
  const prependScheme = schemes.find((scheme) => scheme === named);
  if (prependScheme === undefined) throw step.invalid('prepend_scheme', `one of ${schemes.join(', ')}`);
  // How the reference reads older files that say less has not been looked at. The first piece is that whose first
  // character was the text's first before it was normalized, which is not followed here.
  if (!step.has('prepend_scheme') && step.has('add_prefix_space')) throw new NotNative();
  if (prependScheme === 'first' && !isFirst) throw new NotNative();
  return [
    {
      type: 'Metaspace',
      replacement: characterOf(step, 'replacement'),
      prependScheme,
      split: step.optionalBoolean('split') ?? true,
    },
  ];
}

function read<Step>(
  step: JsonFields | undefined,
  readers: Readonly<Record<string, Reader<Step>>>,
  isFirst: boolean,
): readonly Step[] {
  if (step === undefined) return [];
  const type = step.string('type');
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader === undefined) throw new NotNative();
  return reader(step, isFirst);
}

const models: Readonly<Record<string, (model: JsonFields, vocabulary: readonly string[]) => NativeTokenizerModel>> = {
  BPE: (model, vocabulary) => {
    // The reference leaves merges out at random then.
    if (model.has('dropout') && model.get('dropout') !== 0) throw new NotNative();
    const unkToken = model.optionalString('unk_token') ?? null;
    if (unkToken !== null && !vocabulary.includes(unkToken)) throw new NotNative();
    return {
      type: 'BPE',
      merges: readMerges(model),
      unkToken,
      continuingSubwordPrefix: model.optionalString('continuing_subword_prefix') ?? '',
      endOfWordSuffix: model.optionalString('end_of_word_suffix') ?? '',
      byteFallback: model.optionalBoolean('byte_fallback') ?? false,
      fuseUnk: model.optionalBoolean('fuse_unk') ?? false,
      ignoreMerges: model.optionalBoolean('ignore_merges') ?? false,
    };
  },
  Unigram: (model) => {
    if (!model.has('unk_id')) throw new NotNative();
    return {
      type: 'Unigram',
      scores: Float64Array.from(model.array('vocab'), (entry) =>
        asReferenceReads((entry as readonly [string, number])[1]),
      ),
      unkId: model.integer('unk_id'),
      byteFallback: model.optionalBoolean('byte_fallback') ?? false,
    };
  },
  WordLevel: (model, vocabulary) => {
    const unkToken = model.string('unk_token');
    if (!vocabulary.includes(unkToken)) throw new NotNative();
    return { type: 'WordLevel', unkToken };
  },
  WordPiece: (model, vocabulary) => {
    const unkToken = model.string('unk_token');
    if (unkToken === '' || !vocabulary.includes(unkToken)) throw model.invalid('unk_token', 'a token of model.vocab');
    return {
      type: 'WordPiece',
      unkToken,
      continuingSubwordPrefix: model.string('continuing_subword_prefix'),
      maxInputCharsPerWord: model.integer('max_input_chars_per_word'),
    };
  },
};

/**
 * A decimal number as the reference's JSON reader makes it: its digits as an integer, times or over a power of ten, each
 * rounded. That may be one unit in the last place off, which decides between token sequences of equal probability.
 */
function asReferenceReads(value: number): number {
  const [mantissa = '', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const power = Number(exponent) - fraction.length;
  const scale = Number(`1e${Math.abs(power)}`);
  const digits = Number(whole + fraction);
  return Math.sign(value) * (power < 0 ? digits / scale : digits * scale);
}

/** Of each merge the ids of its two tokens and of what they make. */
function readMerges(model: JsonFields): Uint32Array {
  const prefix = model.optionalString('continuing_subword_prefix') ?? '';
  const ids = model.record('vocab') as Readonly<Record<string, number>>;
  const merges = model.array('merges');
  const read = new Uint32Array(3 * merges.length);
  for (const [i, merge] of merges.entries()) {
    const [left = '', right = ''] = (typeof merge === 'string' ? merge.split(' ') : merge) as readonly string[];
    read.set(
      [left, right, left + right.slice(prefix.length)].map((token) => ids[token] ?? 0),
      3 * i,
    );
  }
  return read;
}

/**
 * What the addon runs for a tokenizer.json that has been checked; null where a part of it is left to the library.
 *
 * @param type - Of the model.
 * @throws ModelFormatError naming file, field and value.
 */
export function readPipeline(root: JsonFields, type: string, vocabulary: readonly string[]): TokenizerPipeline | null {
  const readModel = Object.hasOwn(models, type) ? models[type] : undefined;
  if (readModel === undefined) return null;
  try {
    return {
      normalizers: read(root.optionalObject('normalizer'), normalizers, true),
      preTokenizers: read(root.optionalObject('pre_tokenizer'), preTokenizers, !root.has('normalizer')),
      model: readModel(root.object('model'), vocabulary),
    };
  } catch (error) {
    if (error instanceof NotNative) return null;
    throw error;
  }
}
