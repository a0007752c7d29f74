import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError, messageOf, ModelFormatError, systemCode } from '../../errors.js';
import { byteOrderMark } from '../json-fields.js';
import { tokenizerFile } from '../model-files.js';
import { sourceOf } from '../model-version.js';
import { model2vecSelection, type TokenSelection } from './token-selection.js';
import { parseTokenizerJson, type TokenizerDescription } from './tokenizer-json.js';

/** Whose rules say which of a text's tokens count: all of them, or as Model2Vec encodes. */
export type TokenRules = 'sentence-transformers' | 'model2vec';

/** A tokenizer.json that has been read: its bytes, which `save` writes again, and how its texts become ids. */
export interface LoadedTokenizer {
  readonly file: string;
  readonly json: Uint8Array;
  readonly description: TokenizerDescription;
  /** Which of a text's tokens count; null for all. */
  readonly selection: TokenSelection | null;
}

/** The tokenizer.json of a model folder; any other path itself. */
export async function tokenizerFileOf(place: string): Promise<string> {
  const isFolder = (await stat(place).catch(() => undefined))?.isDirectory() === true;
  return isFolder ? join(place, (await sourceOf(place)) ?? '.', tokenizerFile) : place;
}

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
 * @param check - Called with the size of the vocabulary and the file's bytes before anything is built of them.
 * @throws ModelFormatError, UnsupportedError, IoError naming the file.
 */
export async function loadTokenizer(
  file: string,
  rules: TokenRules,
  check?: (vocabSize: number, json: Uint8Array) => void,
): Promise<LoadedTokenizer> {
  // Without a byte order mark, which other readers of the saved file do not take.
  const bytes = await readBytes(file);
  const mark = Buffer.from(byteOrderMark);
  const json = bytes.subarray(bytes.subarray(0, mark.length).equals(mark) ? mark.length : 0);
  const description = parseTokenizerJson(file, json.toString('utf8'));
  check?.(description.vocabSize, json);
  return { file, json, description, selection: rules === 'model2vec' ? model2vecSelection(description) : null };
}
