import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer, UnsupportedError } from 'stillvec';

import { Random } from './support/random';
import { referenceIds } from './support/reference-tokenizer';

const configurations = 60;
const textsOfEach = 40;

/** STILLVEC_SEED repeats a run; without it every run draws other configurations. */
const seed = Number(process.env['STILLVEC_SEED'] ?? Date.now() % 1_000_000);
const random = new Random(seed);

type Json = Readonly<Record<string, unknown>>;

const letters = Array.from('abcdeABCÉéßİıσΣς日本語가각\u0301\u0323\u200d\u00ad');
const odd = Array.from(' \'"-.,!?1234٣½Ⅷ\t\n\r\u00a0\u3000\u2028\u200b\ufeff▁\u0000\u0007ﬁ㎏Å\u{1f600}\u{1f1e9}_@#');
const words = [
  "'s",
  "'S",
  "'ſ",
  "don't",
  '  ',
  '\r\n',
  '<sep>',
  '<pad>',
  'the',
  '▁▁',
  '\u1100\u1161\u11a8',
  'e\u0301\u0323',
];

function text(): string {
  const piece = (): string =>
    random.pick([
      () => random.pick(letters),
      () => random.pick(odd),
      () => random.pick(words),
      () => ' ',
      () => random.pick(letters).repeat(1 + random.below(6)),
      () => String.fromCodePoint(random.below(0x3000)),
      () => String.fromCodePoint(0xe000 + random.below(0x110000 - 0xe000)),
    ])();
  return Array.from({ length: random.below(24) }, piece).join('');
}

const pattern = (): Json =>
  random.pick<Json>([
    { String: ' ' },
    { String: random.pick(letters) },
    { String: 'ab' },
    { Regex: '\\s+' },
    { Regex: ' {2,}' },
    { Regex: '\\p{L}+|\\p{N}{1,3}' },
    { Regex: "'s|'t| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+" },
    { Regex: "(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+" },
    { Regex: '[a-c]+?b|[^a-c ]' },
    { Regex: '[\\p{Lu}\\p{Lt}]?[\\p{Ll}\\p{M}]+' },
    { Regex: '\\P{L}' },
  ]);
const behavior = (): string =>
  random.pick(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']);
const flag = (): boolean => random.below(2) === 1;

const normalizers: readonly (() => Json)[] = [
  () => ({ type: 'NFC' }),
  () => ({ type: 'NFD' }),
  () => ({ type: 'NFKC' }),
  () => ({ type: 'NFKD' }),
  () => ({ type: 'Lowercase' }),
  () => ({ type: 'Nmt' }),
  () => ({ type: 'StripAccents' }),
  () => ({ type: 'ByteLevel' }),
  () => ({ type: 'Strip', strip_left: flag(), strip_right: flag() }),
  () => ({ type: 'Prepend', prepend: random.pick(['▁', 'a', ' ']) }),
  () => ({ type: 'Replace', pattern: pattern(), content: random.pick(['', ' ', 'b', '▁']) }),
  () => ({
    type: 'BertNormalizer',
    clean_text: flag(),
    handle_chinese_chars: flag(),
    strip_accents: random.pick([null, true, false]),
    lowercase: flag(),
  }),
];

const preTokenizers: readonly (() => Json)[] = [
  () => ({ type: 'BertPreTokenizer' }),
  () => ({ type: 'ByteLevel', add_prefix_space: flag(), trim_offsets: true, use_regex: flag() }),
  () => ({ type: 'CharDelimiterSplit', delimiter: random.pick([...letters, ' ', '-']) }),
  () => ({ type: 'Digits', individual_digits: flag() }),
  () => ({ type: 'FixedLength', length: 1 + random.below(4) }),
  () => ({
    type: 'Metaspace',
    replacement: '▁',
    prepend_scheme: random.pick(['always', 'never', 'first']),
    split: flag(),
  }),
  () => ({ type: 'Punctuation', behavior: behavior() }),
  () => ({ type: 'Split', pattern: pattern(), behavior: behavior(), invert: flag() }),
  () => ({ type: 'Whitespace' }),
  () => ({ type: 'WhitespaceSplit' }),
];

function steps(makers: readonly (() => Json)[], name: string): Json | null {
  const chosen = Array.from({ length: random.below(4) }, () => random.pick(makers)());
  if (chosen.length === 0) return null;
  return chosen.length === 1 && flag() ? (chosen[0] ?? null) : { type: 'Sequence', [name]: chosen };
}

/** Tokens that texts are made of, longer ones too. */
function vocabulary(more: readonly string[]): string[] {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(byte < 0x21 ? 0x100 + byte : byte));
  const long = Array.from({ length: 60 }, () =>
    Array.from({ length: 2 + random.below(3) }, () => random.pick([...letters.slice(0, 9), '▁', 'Ġ'])).join(''),
  );
  const kept = [...letters, ...odd, ...bytes].filter(() => random.below(8) > 0);
  return [...new Set([...more, ...kept, ...long])].filter((token) => token !== '');
}

const idsOf = (tokens: readonly string[]): Json => Object.fromEntries(tokens.map((token, id) => [token, id]));
const byteTokens = Array.from({ length: 256 }, (_, b) => `<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`);

function bpe(): Json {
  const tokens = vocabulary(['<unk>', ...(flag() ? byteTokens : [])]);
  const known = new Set(tokens);
  const singles = tokens.filter((token) => Array.from(token).length === 1);
  const merges: [string, string][] = [];
  for (let i = 0; i < 120; ++i) {
    const [left, right] = [random.pick([...singles, ...merges.map((pair) => pair.join(''))]), random.pick(singles)];
    if (!known.has(left + right)) tokens.push(left + right);
    known.add(left + right);
    merges.push([left, right]);
  }
  const suffix = random.below(4) === 0 ? '</w>' : null;
  if (suffix !== null) tokens.push(...singles.filter(flag).map((token) => token + suffix));
  return {
    type: 'BPE',
    dropout: null,
    unk_token: random.pick([null, '<unk>']),
    continuing_subword_prefix: null,
    end_of_word_suffix: suffix,
    fuse_unk: flag(),
    byte_fallback: flag(),
    ignore_merges: flag(),
    vocab: idsOf([...new Set(tokens)]),
    merges: flag() ? merges.filter((pair) => !pair.join('').includes(' ')).map((pair) => pair.join(' ')) : merges,
  };
}

function unigram(): Json {
  const tokens = vocabulary(['<unk>', ...(flag() ? byteTokens : [])]);
  const vocab = tokens.map((token, id) => [token, id === 0 ? 0 : -1 - random.below(1200) / 100]);
  return { type: 'Unigram', unk_id: 0, vocab, byte_fallback: flag() };
}

const models: readonly (() => Json)[] = [
  bpe,
  unigram,
  () => ({ type: 'WordLevel', vocab: idsOf(vocabulary(['<unk>'])), unk_token: '<unk>' }),
  () => {
    const tokens = vocabulary(['<unk>']);
    const all = [...tokens, ...tokens.slice(1).map((token) => `##${token}`)];
    return {
      type: 'WordPiece',
      vocab: idsOf(all),
      unk_token: '<unk>',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 1 + random.below(20),
    };
  },
];

function addedTokens(model: Json, isPlain: boolean): Json[] {
  const vocab = model['vocab'] as Json | readonly unknown[];
  const size = Array.isArray(vocab) ? vocab.length : Object.keys(vocab).length;
  const flags = (): Json => ({
    single_word: flag(),
    lstrip: flag(),
    rstrip: flag(),
    // Of a normalized one a normalizer may leave nothing, which is refused here.
    normalized: isPlain && flag(),
    special: flag(),
  });
  return ['<sep>', '<pad>'].filter(flag).map((content, i) => ({ id: size + i, content, ...flags() }));
}

function configuration(): Json {
  const model = random.pick(models)();
  const normalizer = steps(normalizers, 'normalizers');
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(model, normalizer === null),
    normalizer,
    pre_tokenizer: steps(preTokenizers, 'pretokenizers'),
    post_processor: null,
    decoder: null,
    model,
  };
}

/** Null for a combination of steps that is refused. */
async function createIfSupported(tokenizer: string): Promise<SentenceTransformer | null> {
  try {
    return await SentenceTransformer.create({ tokenizer, dim: 1 });
  } catch (error) {
    if (error instanceof UnsupportedError) return null;
    throw error;
  }
}

describe(`generated tokenizers (STILLVEC_SEED=${seed})`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-configurations-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('give the ids of the package tokenizers', async () => {
    let supported = 0;
    for (let i = 0; i < configurations; ++i) {
      const json = JSON.stringify(configuration());
      const texts = Array.from({ length: textsOfEach }, text);
      const file = path.join(folder, `${i}.json`);
      writeFileSync(file, json);
      const created = await createIfSupported(file);
      if (created === null) continue;
      ++supported;
      const expected = await referenceIds(json, texts);
      const { ids, offsets } = created.tokenize(texts);
      const { normalizer, pre_tokenizer, added_tokens, model } = JSON.parse(json) as Json;
      const { vocab: _, merges: __, ...settings } = model as Json;
      const steps = JSON.stringify({ normalizer, pre_tokenizer, added_tokens, settings });
      for (const [t, each] of texts.entries()) {
        const ours = [...ids.subarray(offsets[t], offsets[t + 1])];
        expect({ i, steps, text: each, ids: ours.join() }).toEqual({ i, steps, text: each, ids: expected[t]?.join() });
      }
    }
    expect(supported).toBeGreaterThan(configurations / 2);
  }, 240_000);
});
