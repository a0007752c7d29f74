import { expect, test } from '@jest/globals';
import { isLinear } from '../../lib/formats/regex-cost.js';

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

test.each([
  '',
  'abc',
  ' {2,}',
  String.raw`\s+`,
  String.raw`\s+(?!\S)`,
  String.raw`[\r\n]`,
  String.raw`\p{N}{1,3}`,
  String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
  ' ?[^(\\s|[.,!?…。，、।۔،])]+',
  '[一-龥぀-ゟ゠-ヿ]+',
  String.raw`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`,
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  // The two of OpenAI's larger vocabularies.
  contractions + String.raw`|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+${contractions}?` +
    String.raw`|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*${contractions}?` +
    String.raw`|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
])('%p is linear', (pattern) => {
  expect(isLinear(pattern)).toBe(true);
});

test.each([
  '(a+)+c',
  '(a+)+$b',
  '(a*)*b',
  '(a|a)*c',
  '(?:a|ab)+c',
  'a*a*a*a*a*c',
  'a+b+c',
  'a?a?a?a?a?a?a?a?a?a?a?c',
  '(a?){30}a',
  '(a{1,100}){1,100}',
  'a{1,100}{1,100}',
  'a**',
  '(?=a+a+b)c',
])('%p is not', (pattern) => {
  expect(isLinear(pattern)).toBe(false);
});

test.each(['(?<=a)b', '(a)\\1', '(?<n>a)\\k<n>', '\\g<0>', '(?>a)', '(?x) a', '(?i', '[a', 'a)', '(a', '+', '\\'])(
  '%p is not understood',
  (pattern) => {
    expect(isLinear(pattern)).toBe(false);
  },
);
