import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Tokenizer } from 'tokenizers';

import { learnVocabulary, writeTokenizer } from '../../demo/vocabulary.js';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-vocabulary-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const texts = [...Array<string>(20).fill('Abort the request, abort it'), 'requested about'];

test('learns frequent words whole and leaves rare ones in pieces', () => {
  const vocabulary = learnVocabulary(texts, 100);
  expect(vocabulary[0]).toBe('[UNK]');
  expect(vocabulary).toEqual(expect.arrayContaining(['abort', 'the', 'request', 'it', ',', 'a', '##b', '##t']));
  expect(vocabulary).not.toContain('requested');
  expect(new Set(vocabulary).size).toBe(vocabulary.length);
});

test('keeps to its size, the characters always included', () => {
  expect(learnVocabulary(texts, 80)).toHaveLength(80);
  const smallest = learnVocabulary(['ß!'], 1);
  expect(smallest).toHaveLength(1 + 2 * 36 + 2);
  expect(smallest).toEqual(expect.arrayContaining(['ß', '!', 'z', '##9']));
});

test('learns the same from the same texts', () => {
  expect(learnVocabulary(texts, 85)).toEqual(learnVocabulary(texts, 85));
});

test('writes a tokenizer.json that Hugging Face tokenizers reads, and that cuts words into known pieces', async () => {
  const vocabulary = learnVocabulary(texts, 100);
  const file = writeTokenizer(path.join(folder, 'deep', 'folder'), vocabulary);
  const { model } = JSON.parse(readFileSync(file, 'utf8'));
  expect(Object.keys(model.vocab)).toHaveLength(vocabulary.length);

  const encoding = await Tokenizer.fromFile(file).encode('ABORT, requested: ñ', undefined, { addSpecialTokens: false });
  const tokens = encoding.getTokens();
  expect(tokens.slice(0, 3)).toEqual(['abort', ',', 'request']);
  expect(tokens.slice(-2)).toEqual(['[UNK]', 'n']);
});
