import { writeFileSync } from 'node:fs';
import path from 'node:path';

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789';
const words = ['the', 'a', 'red', 'blue', 'green', 'fox', 'dog', 'cat', 'jump', 'over', 'number', 'again', 'sea'];

/** Every word of lower-case letters and digits can be written with it: [PAD] [UNK] words, letters, ##letters, ##s. */
export const tinyVocabulary = [
  '[PAD]',
  '[UNK]',
  ...words,
  ...[...letters].filter((letter) => !words.includes(letter)),
  ...[...letters].map((letter) => `##${letter}`),
  '.',
  ',',
];

/** Writes a WordPiece tokenizer.json of some 90 tokens into `folder`; returns its path. */
export function writeTinyTokenizer(folder: string, changes: Record<string, unknown> = {}): string {
  const added = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const file = path.join(folder, 'tokenizer.json');
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      { id: 0, content: '[PAD]', ...added },
      { id: 1, content: '[UNK]', ...added },
    ],
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tinyVocabulary.map((token, id) => [token, id])),
    },
    ...changes,
  };
  writeFileSync(file, JSON.stringify(json));
  return file;
}
