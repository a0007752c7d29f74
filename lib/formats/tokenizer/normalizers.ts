import type { NativeNormalizer } from '../../native/index.js';
import { isWholeCharsmap } from './charsmap.js';
import { readPattern, readSequence, type StepReaders } from './steps.js';

export const normalizers: StepReaders<NativeNormalizer> = {
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
  Precompiled: (step) => {
    const charsmap = step.string('precompiled_charsmap');
    if (!isWholeCharsmap(charsmap)) throw step.invalid('precompiled_charsmap', 'a whole character map in base64');
    return [{ type: 'Precompiled', charsmap: Uint8Array.from(Buffer.from(charsmap, 'base64')) }];
  },
  Prepend: (step) => [{ type: 'Prepend', prepend: step.string('prepend') }],
  Replace: (step) => [{ type: 'Replace', pattern: readPattern(step), content: step.string('content') }],
  Sequence: (step) => readSequence(step, 'normalizers', normalizers),
  Strip: (step) => [{ type: 'Strip', left: step.boolean('strip_left'), right: step.boolean('strip_right') }],
  StripAccents: () => [{ type: 'StripAccents' }],
};
