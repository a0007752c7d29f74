import { ModelFormatError } from '../../errors.js';
import type { NativeTokenizerModel } from '../../native/index.js';
import { describe } from '../../validate.js';
import type { JsonFields } from '../json-fields.js';

/** What a model of tokenizer.json is natively; its tokens go another way. */
type ModelReader = (model: JsonFields, vocabulary: readonly string[]) => NativeTokenizerModel;

/** By the model's type. */
export const models: Readonly<Record<string, ModelReader>> = {
  BPE: (model, vocabulary) => {
    if (model.has('dropout') && model.get('dropout') !== 0) {
      process.emitWarning(
        `${model.file}: ${model.path}.dropout is ignored: it would leave merges out at random, so that a text's ` +
          'embedding would differ from call to call',
        { code: 'STILLVEC_DROPOUT_IGNORED' },
      );
    }
    return {
      type: 'BPE',
      merges: readMerges(model),
      unkToken: model.has('unk_token') ? tokenOf(model, 'unk_token', vocabulary) : null,
      continuingSubwordPrefix: model.optionalString('continuing_subword_prefix') ?? '',
      endOfWordSuffix: model.optionalString('end_of_word_suffix') ?? '',
      byteFallback: model.optionalBoolean('byte_fallback') ?? false,
      fuseUnk: model.optionalBoolean('fuse_unk') ?? false,
      ignoreMerges: model.optionalBoolean('ignore_merges') ?? false,
    };
  },
  Unigram: (model, vocabulary) => {
    const unkId = model.integer('unk_id');
    if (unkId >= vocabulary.length) throw model.invalid('unk_id', `an id of 0 to ${vocabulary.length - 1}`);
    return {
      type: 'Unigram',
      scores: Float64Array.from(model.array('vocab'), (entry) =>
        asReferenceReads((entry as readonly [string, number])[1]),
      ),
      unkId,
      byteFallback: model.optionalBoolean('byte_fallback') ?? false,
    };
  },
  WordLevel: (model, vocabulary) => ({ type: 'WordLevel', unkToken: tokenOf(model, 'unk_token', vocabulary) }),
  WordPiece: (model, vocabulary) => ({
    type: 'WordPiece',
    unkToken: tokenOf(model, 'unk_token', vocabulary),
    continuingSubwordPrefix: model.string('continuing_subword_prefix'),
    maxInputCharsPerWord: model.integer('max_input_chars_per_word'),
  }),
};

/** The model's type; files older than the `type` field are told apart by their fields. */
export function modelType(model: JsonFields): string {
  if (model.has('type')) return model.string('type');
  if (model.has('merges')) return 'BPE';
  if (model.has('unk_id') || Array.isArray(model.get('vocab'))) return 'Unigram';
  return model.has('max_input_chars_per_word') ? 'WordPiece' : 'WordLevel';
}

function tokenOf(model: JsonFields, name: string, vocabulary: readonly string[]): string {
  const token = model.string(name);
  if (token === '' || !vocabulary.includes(token)) throw model.invalid(name, 'a token of model.vocab');
  return token;
}

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

/** Of each merge the ids of its two tokens and of what they make; all three must be in the vocabulary. */
function readMerges(model: JsonFields): Uint32Array {
  const prefix = model.optionalString('continuing_subword_prefix') ?? '';
  const ids = model.record('vocab') as Readonly<Record<string, number>>;
  const merges = model.array('merges');
  const read = new Uint32Array(3 * merges.length);
  for (const [i, merge] of merges.entries()) {
    const [left, right, ...rest] = tokensOfMerge(merge);
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0) {
      throw new ModelFormatError(
        `${model.file}: expected two tokens for model.merges[${i}] but received ${describe(merge)}`,
      );
    }
    const made = left + right.slice(prefix.length);
    const wrong = (why: string): ModelFormatError =>
      new ModelFormatError(
        `${model.file}: model.merges[${i}] makes ${describe(made)} of ${describe(left)} and ${describe(right)}, but ${why}`,
      );
    for (const [j, token] of [left, right, made].entries()) {
      if (!Object.hasOwn(ids, token)) throw wrong(`model.vocab has no ${describe(token)}`);
      read[3 * i + j] = ids[token] ?? 0;
    }
    if (!right.startsWith(prefix)) throw wrong(`that does not begin with ${describe(prefix)}`);
  }
  return read;
}

/** A merge as its two tokens: `["a", "b"]`, or `"a b"` in older files. */
function tokensOfMerge(merge: unknown): readonly unknown[] {
  if (typeof merge === 'string') return merge.split(' ');
  return Array.isArray(merge) ? merge : [];
}
