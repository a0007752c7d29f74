import { describe, expect, jest, test } from '@jest/globals';
import { isWholeCharsmap } from '../../lib/formats/tokenizer/charsmap.js';
import { parseTokenizerJson } from '../../lib/formats/tokenizer/tokenizer-json.js';

type Json = Record<string, unknown>;

const wordLevel: Json = { type: 'WordLevel', vocab: { '[UNK]': 0, a: 1 }, unk_token: '[UNK]' };
const bpe = (settings: Json = {}): Json => ({
  model: { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: [['a', 'b']], ...settings },
});
const precompiled = (bytes: number[]): Json => ({
  normalizer: { type: 'Precompiled', precompiled_charsmap: Buffer.from(bytes).toString('base64') },
});
function parse(settings: Json): unknown {
  return parseTokenizerJson('tokenizer.json', JSON.stringify({ version: '1.0', model: wordLevel, ...settings }));
}

/** A map of one block, whose unit i is what `unit` says, and strings. */
function charsmap(unit: (i: number) => number, strings: number[]): number[] {
  const bytes = Buffer.alloc(4 + 1024);
  bytes.writeUInt32LE(1024, 0);
  for (let i = 0; i < 256; ++i) bytes.writeUInt32LE(unit(i) >>> 0, 4 + 4 * i);
  return [...bytes, ...strings];
}

describe('the parts of a tokenizer.json', () => {
  test('merges of both forms', () => {
    const merges = Uint32Array.of(0, 1, 2);
    expect(parse(bpe({ merges: ['a b'] }))).toMatchObject({ pipeline: { model: { merges } } });
    const prefixed = { continuing_subword_prefix: '##', vocab: { a: 0, '##b': 1, ab: 2 }, merges: [['a', '##b']] };
    expect(parse(bpe(prefixed))).toMatchObject({ pipeline: { model: { merges } } });
  });

  test('a dropout is ignored, with a warning', () => {
    const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    try {
      expect(parse(bpe({ dropout: 0.1 }))).toMatchObject({ pipeline: { model: { type: 'BPE' } } });
      expect(emit.mock.calls).toEqual([
        [expect.stringContaining('tokenizer.json: model.dropout is ignored'), { code: 'STILLVEC_DROPOUT_IGNORED' }],
      ]);
    } finally {
      emit.mockRestore();
    }
  });

  const nested = (depth: number): string =>
    '{"type":"Sequence","normalizers":['.repeat(depth) + '{"type":"Lowercase"}' + ']}'.repeat(depth);

  test.each<[string, Json, string, string]>([
    ['an empty character map', precompiled([]), 'ERR_MODEL_CORRUPT', 'expected a whole character map in base64'],
    ['a short one', precompiled([1, 2]), 'ERR_MODEL_CORRUPT', 'for normalizer.precompiled_charsmap'],
    ['one without array', precompiled([0, 0, 0, 0]), 'ERR_MODEL_CORRUPT', 'expected a whole character map'],
    [
      'one in a sequence',
      { normalizer: { type: 'Sequence', normalizers: [precompiled([])['normalizer']] } },
      'ERR_MODEL_CORRUPT',
      'for normalizer.normalizers[0].precompiled_charsmap but received ""',
    ],
    ['a merge of unknown tokens', bpe({ merges: [['a', 'c']] }), 'ERR_MODEL_CORRUPT', 'model.vocab has no "c"'],
    ['a merge to an unknown token', bpe({ vocab: { a: 0, b: 1 } }), 'ERR_MODEL_CORRUPT', 'model.vocab has no "ab"'],
    [
      'a merge without the prefix',
      bpe({ continuing_subword_prefix: '###' }),
      'ERR_MODEL_CORRUPT',
      'model.merges[0] makes "a" of "a" and "b", but that does not begin with "###"',
    ],
    ['a merge of three', bpe({ merges: ['a b c'] }), 'ERR_MODEL_CORRUPT', 'expected two tokens for model.merges[0]'],
    ['a merge of numbers', bpe({ merges: [[1, 2]] }), 'ERR_MODEL_CORRUPT', 'expected two tokens for model.merges[0]'],
    ['no merges', bpe({ merges: null }), 'ERR_MODEL_CORRUPT', 'expected an array for model.merges'],
    [
      'a huge id',
      { model: { type: 'WordLevel', vocab: { '[UNK]': 0, a: 2 ** 31 }, unk_token: '[UNK]' } },
      'ERR_MODEL_CORRUPT',
      'for model.vocab["a"] but received 2147483648',
    ],
    [
      'a piece without score',
      { model: { type: 'Unigram', vocab: [['a']], unk_id: 0 } },
      'ERR_MODEL_CORRUPT',
      'expected [piece, score] for model.vocab[0]',
    ],
    [
      'pieces of length 0',
      { pre_tokenizer: { type: 'FixedLength', length: 0 } },
      'ERR_MODEL_CORRUPT',
      'an integer at least 1 for pre_tokenizer.length but received 0',
    ],
    ['a step of no known type', { normalizer: { type: 'New' } }, 'ERR_UNSUPPORTED', 'for normalizer.type but received'],
    ['steps without end', { normalizer: JSON.parse(nested(1500)) as Json }, 'ERR_UNSUPPORTED', 'is nested too deep'],
  ])('not %s', (_, settings, code, message) => {
    expect(() => parse(settings)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });
});

describe('isWholeCharsmap', () => {
  const isWhole = (bytes: number[]): boolean => isWholeCharsmap(Buffer.from(bytes).toString('base64'));
  const leaf = 0x100;
  const value = 0x80000000;

  test('accepts a map whose leaves point into its strings', () => {
    expect(isWhole(charsmap(() => 0, []))).toBe(true);
    // 'b' (unit 0x62) is a leaf, whose value stands at 0x62 ^ 1: the string at 2.
    const map = (at: number): number[] =>
      charsmap((i) => (i === 0x62 ? 0x62 | leaf | (1 << 10) : i === 0x63 ? value | at : 0), [0x78, 0, 0x79, 0]);
    expect(isWhole(map(2))).toBe(true);
    expect(isWhole(map(4))).toBe(false);
    expect(isWhole(map(0x7fffffff))).toBe(false);
  });

  test.each<[string, number[]]>([
    ['children beyond the array', charsmap((i) => (i === 7 ? 300 << 10 : 0), [])],
    ['children far beyond it', charsmap((i) => (i === 7 ? (0x1fffff << 10) | 0x200 : 0), [])],
    ['a string without end', charsmap(() => 0, [0x78])],
    ['no UTF-8', charsmap(() => 0, [0xff, 0])],
    ['an array that is cut short', charsmap(() => 0, []).slice(0, -1)],
    ['half a block', [0, 2, 0, 0, ...Array<number>(512).fill(0)]],
    ['a size beyond the file', [0xff, 0xff, 0xff, 0xff]],
  ])('refuses %s', (_, bytes) => {
    expect(isWhole(bytes)).toBe(false);
  });

  test('refuses what is no base64', () => {
    expect(isWholeCharsmap('!!!!!!!!')).toBe(false);
  });
});
