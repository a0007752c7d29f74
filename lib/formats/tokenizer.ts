import { readFile } from 'node:fs/promises';
import { IoError, messageOf, ModelFormatError, systemCode } from '../errors.js';
import { LibraryTokenizer, type TextTokenizer } from './library-tokenizer.js';
import { parseTokenizerJson, type WordPieceDescription } from './tokenizer-json.js';

/** A tokenizer.json that has been read: its bytes, which `save` writes again, and how its texts become ids. */
export type LoadedTokenizer = {
  readonly file: string;
  readonly json: Uint8Array;
  /** One more than the greatest id; the table must have as many rows. */
  readonly vocabSize: number;
} & (
  | { readonly kind: 'wordpiece'; readonly description: WordPieceDescription }
  | { readonly kind: 'library'; readonly tokenizer: TextTokenizer }
);

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new ModelFormatError(`${file}: no such file`, { code: 'ERR_MODEL_NOT_FOUND', cause: error });
    }
    throw new IoError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Reads a tokenizer.json and, where it is none of those that run natively, starts the library for it.
 *
 * @throws ModelFormatError, UnsupportedError, IoError, MissingDependencyError naming the file.
 */
export async function loadTokenizer(file: string): Promise<LoadedTokenizer> {
  const json = await readBytes(file);
  const text = json.toString('utf8');
  const description = parseTokenizerJson(file, text);
  if (description.kind === 'wordpiece') {
    return { kind: 'wordpiece', file, json, vocabSize: description.vocabSize, description };
  }
  const tokenizer = await LibraryTokenizer.create(file, text);
  return { kind: 'library', file, json, vocabSize: tokenizer.vocabSize, tokenizer };
}
