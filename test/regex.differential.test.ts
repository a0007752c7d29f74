import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer, UnsupportedError } from 'stillvec';

import { Random } from './support/random';
import { referenceIds } from './support/reference-tokenizer';

const expressions = 250;
const textsOfEach = 24;

/** STILLVEC_SEED repeats a run; without it every run draws other expressions. */
const seed = Number(process.env['STILLVEC_SEED'] ?? Date.now() % 1_000_000);
const random = new Random(seed);

const letters = Array.from('aabbccAK1 2_-.\n\u00e9\u017f\u65e5\u0301\u24b6\u2160\u00b2\u{1f600}');

/** Short, since the reference's time may grow with a power of the length. */
const text = (): string => Array.from({ length: random.below(13) }, () => random.pick(letters)).join('');

const repeat = <T>(make: () => T, most: number): T[] => Array.from({ length: 1 + random.below(most) }, make);

const member = (): string =>
  random.pick([
    'a',
    'b',
    'c',
    'a-c',
    'A-Z',
    '\\d',
    '\\s',
    '\\w',
    '\\p{L}',
    '\\p{M}',
    '\\P{Lu}',
    '1',
    '_',
    '\\-',
    '\u65e5',
  ]);

function characterClass(depth: number): string {
  const union = (): string => repeat(member, 3).join('');
  const more = random.pick([
    () => '',
    () => '',
    () => (depth > 0 ? characterClass(depth - 1) : ''),
    () => `&&${depth > 0 ? characterClass(depth - 1) : union()}`,
  ])();
  return `[${random.pick(['', '', '^'])}${union()}${more}]`;
}

const single = (): string =>
  random.pick([
    () => random.pick(['a', 'b', 'c', '1', ' ', '_', '\\.', '\\n', '\\x41', '\\u00e9', '\u65e5']),
    () => '.',
    () => random.pick(['\\d', '\\D', '\\s', '\\S', '\\w', '\\W', '\\p{L}', '\\p{Nd}', '\\P{L}', '\\p{Lu}', '\\p{S}']),
    () => characterClass(1),
  ])();

const quantifier = (): string => random.pick(['', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{2,}']);
const place = (): string => random.pick(['^', '$', '\\b', '\\B', '\\A', '\\z', '\\Z']);
const alternatives = (make: () => string): string => repeat(make, 2).join('|');

function part(depth: number): string {
  return random.pick([
    () => single() + quantifier(),
    () => single() + random.pick(['*+', '++', '?+']),
    () => (depth > 0 ? `(?:${alternatives(() => sequence(depth - 1))})${quantifier()}` : single()),
    () => (depth > 0 ? `(${sequence(depth - 1)})${quantifier()}` : single()),
    () => random.pick(['(?i:ab)', '(?i:[a-k])', '(?i:ks?)']),
    () => `(?${random.pick(['=', '!', '<=', '<!'])}${alternatives(single)})`,
    place,
    single,
    single,
  ])();
}

const sequence = (depth: number): string => repeat(() => part(depth), 3).join('');

/** Each character has an id, and another one where it ends a piece. */
const vocabulary = Object.fromEntries(
  [...new Set(letters), '#'].flatMap((c) => [c, `${c}$`]).map((token, id) => [token, id]),
);
const tokens = Object.keys(vocabulary);
const written = (ids: Iterable<number>): string => Array.from(ids, (id) => tokens[id]).join('');
const tokenizer = (Regex: string): string =>
  JSON.stringify({
    version: '1.0',
    normalizer:
      random.below(3) === 0 ? { type: 'Replace', pattern: { Regex }, content: random.pick(['', '#', 'ab']) } : null,
    pre_tokenizer: {
      type: 'Split',
      pattern: { Regex },
      behavior: random.pick(['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous']),
      invert: random.below(3) === 0,
    },
    model: { type: 'BPE', vocab: vocabulary, merges: [], end_of_word_suffix: '$' },
  });

describe(`generated regular expressions (STILLVEC_SEED=${seed})`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-regex-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('match as those of the reference', async () => {
    const file = path.join(folder, 'tokenizer.json');
    let compared = 0;
    while (compared < expressions) {
      const regex = alternatives(() => sequence(2));
      const json = tokenizer(regex);
      writeFileSync(file, json);
      let model;
      try {
        model = await SentenceTransformer.create({ tokenizer: file, dim: 1 });
      } catch (error) {
        if (error instanceof UnsupportedError) continue;
        throw error;
      }
      ++compared;
      const texts = Array.from({ length: textsOfEach }, text);
      const expected = await referenceIds(json, texts);
      const { ids, offsets } = model.tokenize(texts);
      for (const [t, each] of texts.entries()) {
        const ours = written(ids.subarray(offsets[t], offsets[t + 1]));
        expect({ json: json.slice(0, json.indexOf(',"model"')), text: each, ids: ours }).toEqual({
          json: expect.anything(),
          text: each,
          ids: written(expected[t] ?? []),
        });
      }
    }
  }, 120_000);
});
