import { ModelFormatError, UnsupportedError } from '../errors.js';
import { describe } from '../validate.js';
import { isWholeCharsmap } from './charsmap.js';
import type { JsonFields } from './json-fields.js';
import { isLinear } from './regex-cost.js';

/** The steps that are handed to the library; what it does with others has not been looked at. */
const normalizers = [
  'BertNormalizer',
  'ByteLevel',
  'Lowercase',
  'NFC',
  'NFD',
  'NFKC',
  'NFKD',
  'Nmt',
  'Precompiled',
  'Prepend',
  'Replace',
  'Sequence',
  'Strip',
  'StripAccents',
];
const preTokenizers = [
  'BertPreTokenizer',
  'ByteLevel',
  'CharDelimiterSplit',
  'Digits',
  'FixedLength',
  'Metaspace',
  'Punctuation',
  'Sequence',
  'Split',
  'UnicodeScripts',
  'Whitespace',
  'WhitespaceSplit',
];

function knownType(step: JsonFields, known: readonly string[]): string {
  const type = step.string('type');
  if (known.includes(type)) return type;
  throw new UnsupportedError(
    `${step.file}: expected one of ${known.join(', ')} for ${step.path}.type but received ${describe(type)}`,
  );
}

/** The steps of a Sequence; the library refuses what is nested deeper than any tokenizer, and so does the stack. */
function stepsOf(step: JsonFields, name: string): readonly JsonFields[] {
  if (step.path.length > 1000)
    throw new UnsupportedError(`${step.file}: ${step.path.slice(0, 60)}... is nested too deep`);
  return step.objects(name);
}

function checkPattern(step: JsonFields): void {
  const pattern = step.object('pattern');
  const regex = pattern.optionalString('Regex');
  if (regex === undefined || isLinear(regex)) return;
  throw new UnsupportedError(
    `${step.file}: expected a regular expression whose time is bounded for ${step.path}.pattern but received ` +
      `${describe(regex)}, over which the package tokenizers could end the process`,
  );
}

function checkNormalizer(step: JsonFields): void {
  switch (knownType(step, normalizers)) {
    case 'Sequence':
      stepsOf(step, 'normalizers').forEach(checkNormalizer);
      break;
    case 'Replace':
      checkPattern(step);
      break;
    case 'Precompiled':
      if (!isWholeCharsmap(step.string('precompiled_charsmap'))) {
        throw step.invalid('precompiled_charsmap', 'a whole character map in base64');
      }
  }
}

function checkPreTokenizer(step: JsonFields): void {
  switch (knownType(step, preTokenizers)) {
    case 'Sequence':
      stepsOf(step, 'pretokenizers').forEach(checkPreTokenizer);
      break;
    case 'Split':
      checkPattern(step);
      break;
    case 'FixedLength':
      step.integer('length', 1);
  }
}

/** A merge as its two tokens: `["a", "b"]`, or `"a b"` in older files. */
function mergeOf(merge: unknown): readonly unknown[] {
  if (typeof merge === 'string') return merge.split(' ');
  return Array.isArray(merge) ? merge : [];
}

/** Both tokens of a merge and what they make must be in the vocabulary. */
function checkMerges(model: JsonFields): void {
  const prefix = model.optionalString('continuing_subword_prefix') ?? '';
  const ids = model.record('vocab');
  for (const [i, merge] of model.array('merges').entries()) {
    const [left, right, ...rest] = mergeOf(merge);
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0) {
      throw new ModelFormatError(
        `${model.file}: expected two tokens for model.merges[${i}] but received ${describe(merge)}`,
      );
    }
    const made = left + right.slice(prefix.length);
    const absent = [left, right, made].find((token) => !Object.hasOwn(ids, token));
    if (absent !== undefined || !right.startsWith(prefix)) {
      throw new ModelFormatError(
        `${model.file}: model.merges[${i}] makes ${describe(made)} of ${describe(left)} and ${describe(right)}, but ` +
          (absent === undefined
            ? `that does not begin with ${describe(prefix)}`
            : `model.vocab has no ${describe(absent)}`),
      );
    }
  }
}

/**
 * What of a tokenizer.json the package `tokenizers` is given: the steps that lead to ids, and nothing that it is known to
 * end the process over. Its errors end the call that they concern; its panics end the process.
 *
 * @param type - Of the model.
 * @param truncation - As it has been read.
 * @throws ModelFormatError, UnsupportedError naming file, field and value.
 */
export function libraryTokenizerJson(
  root: JsonFields,
  type: string,
  truncation: { readonly maxLength: number; readonly fromLeft: boolean } | null,
): string {
  const normalizer = root.optionalObject('normalizer');
  if (normalizer !== undefined) checkNormalizer(normalizer);
  const preTokenizer = root.optionalObject('pre_tokenizer');
  if (preTokenizer !== undefined) checkPreTokenizer(preTokenizer);
  const model = root.object('model');
  if (type === 'BPE') checkMerges(model);
  return JSON.stringify({
    version: '1.0',
    truncation: truncation && {
      direction: truncation.fromLeft ? 'Left' : 'Right',
      max_length: truncation.maxLength,
      strategy: 'LongestFirst',
      stride: 0,
    },
    padding: null,
    added_tokens: root.get('added_tokens') ?? [],
    normalizer: root.get('normalizer') ?? null,
    pre_tokenizer: root.get('pre_tokenizer') ?? null,
    post_processor: null,
    decoder: null,
    model: { ...root.record('model'), type },
  });
}
