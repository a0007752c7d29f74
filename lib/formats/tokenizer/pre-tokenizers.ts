import type { NativePreTokenizer } from '../../native/index.js';
import type { JsonFields } from '../json-fields.js';
import { readBehavior, readCharacter, readPattern, readSequence, type StepReaders } from './steps.js';

export const preTokenizers: StepReaders<NativePreTokenizer> = {
  BertPreTokenizer: () => [{ type: 'BertPreTokenizer' }],
  ByteLevel: (step) => [
    ...(step.boolean('add_prefix_space') ? [{ type: 'ByteLevelPrefix' } as const] : []),
    ...((step.optionalBoolean('use_regex') ?? true) ? [{ type: 'ByteLevelWords' } as const] : []),
    { type: 'ByteLevelAlphabet' },
  ],
  CharDelimiterSplit: (step) => [{ type: 'CharDelimiterSplit', delimiter: readCharacter(step, 'delimiter') }],
  Digits: (step) => [{ type: 'Digits', individually: step.boolean('individual_digits') }],
  FixedLength: (step) => [{ type: 'FixedLength', length: step.integer('length', 1) }],
  Metaspace: (step) => [
    {
      type: 'Metaspace',
      replacement: readCharacter(step, 'replacement'),
      prependScheme: readPrependScheme(step),
      split: step.optionalBoolean('split') ?? true,
    },
  ],
  Punctuation: (step) => [{ type: 'Punctuation', behavior: readBehavior(step, 'Isolated') }],
  Sequence: (step) => readSequence(step, 'pretokenizers', preTokenizers),
  Split: (step) => [
    { type: 'Split', pattern: readPattern(step), behavior: readBehavior(step), invert: step.boolean('invert') },
  ],
  Whitespace: () => [{ type: 'Whitespace' }],
  WhitespaceSplit: () => [{ type: 'WhitespaceSplit' }],
};

const prependSchemes = ['always', 'first', 'never'] as const;

function readPrependScheme(step: JsonFields): (typeof prependSchemes)[number] {
  const named = step.optionalString('prepend_scheme') ?? 'always';
  const scheme = prependSchemes.find((each) => each === named);
  if (scheme === undefined) throw step.invalid('prepend_scheme', `one of ${prependSchemes.join(', ')}`);
  // An older field, which says less.
  if (step.optionalBoolean('add_prefix_space') === false && scheme !== 'never') {
    throw step.invalid('add_prefix_space', `true beside the prepend_scheme "${scheme}"`);
  }
  return scheme;
}
