import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StillvecError } from '../../lib/errors.js';
import { parseTokenizerJson, type TokenizerDescription } from '../../lib/formats/tokenizer/tokenizer-json.js';
import { describeWithShared } from '../support/shared';

type Json = Record<string, unknown>;

const added = (content: string, id: number, flags: Json = {}): Json => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...flags,
});

const model: Json = {
  type: 'WordPiece',
  unk_token: '[UNK]',
  continuing_subword_prefix: '##',
  max_input_chars_per_word: 100,
  vocab: { '[PAD]': 0, '[UNK]': 1, a: 2, '##b': 3 },
};

const base: Json = {
  version: '1.0',
  truncation: null,
  padding: { strategy: 'BatchLongest' },
  added_tokens: [added('[UNK]', 1), added('<x>', 4, { lstrip: true, normalized: true })],
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: false,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: { type: 'BertProcessing' },
  decoder: null,
  model,
};

/** The base with other settings; `undefined` removes a field. */
const json = (settings: Json = {}): string => JSON.stringify({ ...base, ...settings });
const jsonWithModel = (settings: Json): string => json({ model: { ...model, ...settings } });

function parse(text: string): TokenizerDescription {
  return parseTokenizerJson('folder/tokenizer.json', text);
}

describe('parseTokenizerJson', () => {
  test('describes a WordPiece tokenizer', () => {
    expect(parse(json())).toEqual({
      vocabulary: ['[PAD]', '[UNK]', 'a', '##b'],
      vocabSize: 5,
      unkToken: '[UNK]',
      addedTokens: [
        { content: '[UNK]', id: 1, singleWord: false, lstrip: false, rstrip: false, normalized: false, special: true },
        { content: '<x>', id: 4, singleWord: false, lstrip: true, rstrip: false, normalized: true, special: true },
      ],
      pipeline: {
        normalizers: [
          { type: 'BertNormalizer', cleanText: true, handleChineseChars: true, stripAccents: null, lowercase: false },
        ],
        preTokenizers: [{ type: 'BertPreTokenizer' }],
        model: { type: 'WordPiece', unkToken: '[UNK]', continuingSubwordPrefix: '##', maxInputCharsPerWord: 100 },
      },
      truncation: null,
    });
  });

  test('reads truncation', () => {
    const truncation = { direction: 'Left', max_length: 7, strategy: 'LongestFirst', stride: 0 };
    expect(parse(json({ truncation })).truncation).toEqual({ maxLength: 7, fromLeft: true });
    expect(parse(json({ truncation: { max_length: 0 } })).truncation).toEqual({ maxLength: 0, fromLeft: false });
  });

  test('does without normalizer, added tokens and version', () => {
    expect(parse(json({ normalizer: null, added_tokens: undefined, version: undefined }))).toMatchObject({
      pipeline: { normalizers: [] },
      addedTokens: [],
      vocabSize: 4,
    });
  });

  test.each<[string, string]>([
    ['compact', json()],
    ['indented', JSON.stringify(base, undefined, 2)],
    ['with Windows line ends', JSON.stringify(base, undefined, '\t').replaceAll('\n', '\r\n')],
  ])('gives the same for JSON %s', (_, text) => {
    expect(parse(text)).toEqual(parse(json()));
  });

  test('keeps odd tokens and holes', () => {
    const vocab = { '"': 6, '\\': 0, '\u00e9': 1, '{"vocab":{': 2, __proto__x: 3, '[UNK]': 9, '7': 4, '\u0000': 5 };
    expect(parse(json({ added_tokens: [], model: { ...model, vocab } })).vocabulary).toEqual([
      '\\',
      '\u00e9',
      '{"vocab":{',
      '__proto__x',
      '7',
      '\u0000',
      '"',
      '',
      '',
      '[UNK]',
    ]);
  });

  test.each<[string, (text: string) => string]>([
    ['before the model', (text) => text.replace('{', '{"vocab":{"x":0},')],
    ['after the model', (text) => text.replace(/\}$/, ',"vocab":{"x":0}}')],
    ['in another component', (text) => text.replace('"padding":{', '"padding":{"vocab":{"[UNK]":0},')],
    ['in a string', (text) => text.replace('"version"', '"comment":"\\"vocab\\":{\\"x\\":0}","version"')],
    ['in the model before', (text) => text.replace('"model":', '"model":{"vocab":{"x":0}},"model":')],
  ])('is not misled by a vocabulary %s', (_, decoy) => {
    expect(decoy(json())).not.toBe(json());
    expect(parse(decoy(json()))).toEqual(parse(json()));
  });

  test('takes the last id of a token that stands twice, as the reference does', () => {
    const twice = json({ added_tokens: [] }).replace('"a":2', '"a":7,"a":2');
    expect(parse(twice).vocabulary).toEqual(['[PAD]', '[UNK]', 'a', '##b']);
  });

  test.each<[string, string, string]>([
    ['BPE', json({ model: { type: 'BPE', vocab: { a: 0 }, merges: [] } }), 'BPE'],
    ['Unigram', json({ model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 0 } }), 'Unigram'],
    ['BPE without type', json({ model: { vocab: { a: 0 }, merges: [] } }), 'BPE'],
    ['Unigram without type', json({ model: { vocab: [['a', 0]], unk_id: 0 } }), 'Unigram'],
    ['WordLevel without type', json({ model: { vocab: { a: 0 }, unk_token: 'a' } }), 'WordLevel'],
    ['another normalizer', json({ normalizer: { type: 'Lowercase' } }), 'WordPiece'],
    ['another pre-tokenizer', json({ pre_tokenizer: { type: 'Whitespace' } }), 'WordPiece'],
    ['no pre-tokenizer', json({ pre_tokenizer: null }), 'WordPiece'],
  ])('reads %s', (_, text, type) => {
    expect(parse(text).pipeline.model.type).toBe(type);
  });

  test('knows WordPiece by its fields where the type is missing', () => {
    expect(parse(jsonWithModel({ type: undefined })).vocabulary).toHaveLength(4);
  });

  test.each<[string, string, string]>([
    ['an empty file', '', 'expected JSON but received ""'],
    ['a file cut short', json().slice(0, -10), 'expected JSON'],
    ['a vocabulary cut short', json().slice(0, json().indexOf('##b')), 'expected JSON'],
    ['an array', '[]', 'expected a JSON object but received an array of length 0'],
    ['no model', json({ model: undefined }), 'expected an object for model but received nothing'],
    [
      'a model that is no object',
      json({ model: 'WordPiece' }),
      'expected an object for model but received "WordPiece"',
    ],
    [
      'a vocabulary that is no object',
      jsonWithModel({ vocab: 3 }),
      'expected an object for model.vocab but received 3',
    ],
    ['an empty vocabulary', jsonWithModel({ vocab: {} }), 'model.vocab is empty'],
    [
      'an id that is no number',
      jsonWithModel({ vocab: { '[UNK]': 'x' } }),
      'for model.vocab["[UNK]"] but received "x"',
    ],
    ['a negative id', jsonWithModel({ vocab: { '[UNK]': -1 } }), 'for model.vocab["[UNK]"] but received -1'],
    ['a fractional id', jsonWithModel({ vocab: { '[UNK]': 0.5 } }), 'for model.vocab["[UNK]"] but received 0.5'],
    [
      'a huge id',
      jsonWithModel({ vocab: { '[UNK]': 4294967295 } }),
      'for model.vocab["[UNK]"] but received 4294967295',
    ],
    [
      'an id beyond what the file can hold',
      jsonWithModel({ vocab: { '[UNK]': 0, a: 16777213 } }),
      `an id of 0 to ${jsonWithModel({ vocab: { '[UNK]': 0, a: 16777213 } }).length - 1} for model.vocab["a"] but received 16777213`,
    ],
    ['one id twice', jsonWithModel({ vocab: { '[UNK]': 0, a: 0 } }), 'gives "[UNK]" and "a" the same id 0'],
    ['no unk_token', jsonWithModel({ unk_token: null }), 'expected a string for model.unk_token but received null'],
    [
      'an unk_token of BPE that is no token',
      json({ model: { type: 'BPE', vocab: { a: 0 }, merges: [], unk_token: 'b' } }),
      'a token of model.vocab for model.unk_token but received "b"',
    ],
    [
      'an unk_token of WordLevel that is no token',
      json({ model: { vocab: { a: 0 }, unk_token: 'b' } }),
      'a token of model.vocab for model.unk_token but received "b"',
    ],
    ['Unigram without unk_id', json({ model: { vocab: [['a', 0]] } }), 'for model.unk_id but received nothing'],
    [
      'Unigram with an unk_id of no piece',
      json({ model: { vocab: [['a', 0]], unk_id: 1 } }),
      'an id of 0 to 0 for model.unk_id but received 1',
    ],
    [
      'a Metaspace with fields that contradict each other',
      json({ pre_tokenizer: { type: 'Metaspace', replacement: '\u2581', add_prefix_space: false } }),
      'true beside the prepend_scheme "always" for pre_tokenizer.add_prefix_space but received false',
    ],
    [
      'an unk_token that is no token',
      jsonWithModel({ unk_token: '<unk>' }),
      'a token of model.vocab for model.unk_token but received "<unk>"',
    ],
    [
      'no prefix',
      jsonWithModel({ continuing_subword_prefix: 2 }),
      'a string for model.continuing_subword_prefix but received 2',
    ],
    [
      'no word length',
      jsonWithModel({ max_input_chars_per_word: '100' }),
      'at least 0 for model.max_input_chars_per_word but received "100"',
    ],
    [
      'added tokens that are no array',
      json({ added_tokens: {} }),
      'expected an array for added_tokens but received an object',
    ],
    [
      'an added token that is no object',
      json({ added_tokens: ['x'] }),
      'expected an object for added_tokens[0] but received "x"',
    ],
    [
      'an added token without content',
      json({ added_tokens: [added('x', 5), { id: 4 }] }),
      'expected a string for added_tokens[1].content but received nothing',
    ],
    [
      'an added token with a wrong flag',
      json({ added_tokens: [added('x', 5, { lstrip: 1 })] }),
      'expected a boolean for added_tokens[0].lstrip but received 1',
    ],
    [
      'an added token with a huge id',
      json({ added_tokens: [added('x', 2 ** 30)] }),
      'for added_tokens[0].id but received 1073741824',
    ],
    [
      'an added token with the id of another',
      json({ added_tokens: [added('x', 2)] }),
      'added token "x" has the id 2 of "a"',
    ],
    [
      'an added token with another id than in the vocabulary',
      json({ added_tokens: [added('a', 7)] }),
      'added token "a" has the id 7, but 2 in model.vocab',
    ],
    [
      'an added token with two ids',
      json({ added_tokens: [added('x', 7), added('x', 8)] }),
      'gives "x" the ids 7 and 8',
    ],
    [
      'a normalizer without type',
      json({ normalizer: {} }),
      'expected a string for normalizer.type but received nothing',
    ],
    [
      'a normalizer with a wrong flag',
      json({ normalizer: { ...(base['normalizer'] as Json), lowercase: 'no' } }),
      'expected a boolean for normalizer.lowercase but received "no"',
    ],
    [
      'a truncation without length',
      json({ truncation: { direction: 'Right' } }),
      'for truncation.max_length but received nothing',
    ],
    [
      'a truncation to a negative length',
      json({ truncation: { max_length: -1 } }),
      'for truncation.max_length but received -1',
    ],
    [
      'an unknown direction',
      json({ truncation: { max_length: 1, direction: 'Up' } }),
      'for truncation.direction but received "Up"',
    ],
    [
      'an unknown strategy',
      json({ truncation: { max_length: 1, strategy: 'Any' } }),
      'for truncation.strategy but received "Any"',
    ],
  ])('refuses %s', (_, text, message) => {
    let thrown: unknown;
    try {
      parse(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(StillvecError);
    expect(thrown).toMatchObject({ code: 'ERR_MODEL_CORRUPT', message: expect.stringContaining(message) });
    expect(thrown).toMatchObject({ message: expect.stringMatching(/^folder\/tokenizer\.json: /) });
  });

  const step = (pre_tokenizer: Json): string => json({ pre_tokenizer });
  const split = (Regex: string): Json => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
  const metaspace: Json = { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'first', split: true };

  test.each<[string, string, string]>([
    ['another model', json({ model: { type: 'Char', vocab: { a: 0 } } }), 'for model.type but received "Char"'],
    ['scripts', step({ type: 'UnicodeScripts' }), 'for pre_tokenizer.type but received "UnicodeScripts"'],
    ['a back-reference', step(split('(a)\\1')), 'pre_tokenizer.pattern is "(a)\\\\1"'],
    [
      'the first piece of a changed text',
      step({ type: 'Sequence', pretokenizers: [{ ...metaspace, prepend_scheme: 'never' }, metaspace] }),
      'a Metaspace with the prepend_scheme "first" after steps that leave no first piece',
    ],
    ['another version', json({ version: '2.0' }), 'expected "1.0" for version but received "2.0"'],
    ['truncation of second texts', json({ truncation: { max_length: 1, strategy: 'OnlySecond' } }), 'OnlySecond'],
  ])('does not support %s', (_, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining(message) }),
    );
  });
});

describeWithShared('parseTokenizerJson on real files', (shared) => {
  test.each([
    ['static-retrieval-mrl-en-v1', 30522],
    ['bert-base-multilingual-cased', 119547],
  ])('%s: as JSON.parse reads it', (name, vocabSize) => {
    const text = readFileSync(join(shared, 'data/tokenizers', `${name}.json`), 'utf8');
    const description = parse(text);
    expect(description.vocabSize).toBe(vocabSize);
    const expected: string[] = [];
    const { vocab } = (JSON.parse(text) as { model: { vocab: Record<string, number> } }).model;
    for (const [token, id] of Object.entries(vocab)) expected[id] = token;
    expect(description.vocabulary).toEqual(expected);
  });

  test('all run natively', () => {
    const folder = join(shared, 'data/tokenizers');
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    expect(names.length).toBeGreaterThanOrEqual(17);
    for (const name of names) parse(readFileSync(join(folder, name), 'utf8'));
  });
});
