import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';

import {
  fromNative,
  InvalidArgumentError,
  IoError,
  messageOf,
  ModelFormatError,
  StillvecError,
  systemCode,
  UnsupportedError,
} from '../errors.js';
import { native, type NativeTable, type NativeWordVectors } from '../native/index.js';
import type { ModelReader, ReadSettings } from './model-reader.js';
import { newModelSettings } from './model-settings.js';
import { loadTokenizer, tokenizerFileOf, type LoadedTokenizer } from './tokenizer/load-tokenizer.js';
import { parseTokenizerJson } from './tokenizer/tokenizer-json.js';

/** Bytes that are handed over at a time. */
const chunkBytes = 1 << 20;

/** More words than any file has. */
const noLimit = 2 ** 32 - 2;

const gzipMagic = Buffer.from([0x1f, 0x8b]);
const fastTextMagic = Buffer.from([0xba, 0x16, 0x4f, 0x2f]);

/** Tokens that stand for all words that a file lacks. */
const unknownTokens = ['<unk>', '[UNK]', '<UNK>', 'UNK'];

/**
 * A file of word vectors: GloVe's text, word2vec's text and binary form, fastText's `.vec`, each also gzipped. Its model
 * has a WordLevel tokenizer: the vector of a text is the mean of its words' vectors, and unknown words are zeros.
 *
 * Source of the forms: the tools word2vec, GloVe and fastText, and gensim's reading of them.
 */
export const wordVectorReader: ModelReader = {
  async matches(place) {
    return (await stat(place).catch(() => undefined))?.isFile() ?? false;
  },

  async read(file, settings) {
    const vectors = new native.WordVectors(settings.limit ?? noLimit);
    const words = await readWords(file, vectors, settings);
    const rowOf = new Map<string, number>();
    for (const [row, word] of words.entries()) if (!rowOf.has(word)) rowOf.set(word, row);
    const tokenizer =
      settings.tokenizer === undefined
        ? wordTokenizer(file, words, rowOf)
        : await loadTokenizer(await tokenizerFileOf(settings.tokenizer), 'sentence-transformers');
    const { vocabulary, addedTokens, vocabSize } = tokenizer.description;
    // Row `words.length` is zeros.
    const rows = new Uint32Array(vocabSize).fill(words.length);
    for (const [id, token] of vocabulary.entries()) rows[id] = rowOf.get(token) ?? words.length;
    for (const { id, content } of addedTokens) rows[id] = rowOf.get(content) ?? words.length;
    if (rows.every((row) => row === words.length)) {
      throw new InvalidArgumentError(`${file} has no vector for any token of ${tokenizer.file}`);
    }
    return {
      settings: newModelSettings,
      tokenizer,
      loadTable: async () => ordered(await vectors.takeTable(1), rows),
    };
  },
};

/** The rows in the order of the tokens; the table itself where it has that. */
async function ordered(table: NativeTable, rows: Uint32Array): Promise<NativeTable> {
  if (rows.length === table.rows && rows.every((row, id) => row === id)) return table;
  const made = await table.gatherRows(rows, new Float32Array(rows.length).fill(1));
  table.release();
  return made;
}

/** @throws ModelFormatError naming the file and the line or the word. */
async function readWords(
  file: string,
  vectors: NativeWordVectors,
  { signal, onProgress }: ReadSettings,
): Promise<readonly string[]> {
  const stream = createReadStream(file, { highWaterMark: chunkBytes, ...(signal && { signal }) });
  try {
    const { size } = await stat(file);
    for await (const chunk of await unpacked(file, stream)) {
      const isFull = await vectors.append(chunk as Buffer);
      onProgress?.({ done: Math.min(stream.bytesRead, size), total: size });
      if (isFull) break;
    }
    const bytes = Buffer.from((await vectors.finish()).buffer);
    onProgress?.({ done: size, total: size });
    return linesOf(bytes);
  } catch (error) {
    signal?.throwIfAborted();
    const known = fromNative(error);
    if (known instanceof ModelFormatError) throw new ModelFormatError(`${file}: ${known.message}`, { cause: error });
    // What the caller's own onProgress throws stays what it is.
    if (known instanceof StillvecError || systemCode(error) === undefined) throw known;
    throw new IoError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  } finally {
    stream.destroy();
  }
}

async function unpacked(file: string, stream: Readable): Promise<Readable> {
  const handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(4), 0, 4, 0).finally(() => handle.close());
  if (buffer.equals(fastTextMagic)) {
    stream.destroy();
    throw new UnsupportedError(
      `${file} is a model of fastText with subwords; load the .vec file that stands beside it`,
    );
  }
  if (!buffer.subarray(0, gzipMagic.length).equals(gzipMagic)) return stream;
  const unzip = createGunzip({ chunkSize: chunkBytes });
  // An error of the file is one of the stream that is read.
  finished(stream).catch((error: unknown) => unzip.destroy(error as Error));
  return stream.pipe(unzip);
}

/** Each line ends with a line feed. Bytes that are no UTF-8 become U+FFFD. */
function linesOf(bytes: Buffer): readonly string[] {
  const lines: string[] = [];
  for (let begin = 0; begin < bytes.length;) {
    const end = bytes.indexOf(0x0a, begin);
    lines.push(bytes.toString('utf8', begin, end));
    begin = end + 1;
  }
  return lines;
}

/**
 * Words between spaces and punctuation, in lower case where the file's are. What has no vector is one more token, whose
 * vector is zero.
 */
function wordTokenizer(file: string, words: readonly string[], rowOf: ReadonlyMap<string, number>): LoadedTokenizer {
  const unkToken = unknownTokens.find((token) => rowOf.has(token)) ?? '<unk>';
  // Of equal words the first one counts, and the others have no token.
  const vocabulary = words.map((word, row) => (rowOf.get(word) === row ? word : ''));
  if (!rowOf.has(unkToken)) vocabulary.push(unkToken);
  while (vocabulary.at(-1) === '') vocabulary.pop();
  const cased = words.reduce((count, word) => count + Number(word !== word.toLowerCase()), 0);
  const jsonOf = (entries: string): string =>
    JSON.stringify({
      version: '1.0',
      normalizer: cased * 1000 < words.length ? { type: 'Lowercase' } : null,
      pre_tokenizer: { type: 'BertPreTokenizer' },
      model: { type: 'WordLevel', unk_token: unkToken, vocab: {} },
    }).replace('{}', () => `{${entries}}`);
  // An object of all words would take several times the memory of their vocabulary: they are written, and not parsed.
  const description = parseTokenizerJson(file, jsonOf(entriesOf([unkToken])));
  return {
    file,
    json: Buffer.from(jsonOf(entriesOf(vocabulary))),
    description: { ...description, vocabulary, vocabSize: vocabulary.length },
    selection: null,
  };
}

/** `"token":id,...` of a JSON object. */
function entriesOf(vocabulary: readonly string[]): string {
  let json = '';
  for (const [id, token] of vocabulary.entries()) {
    if (token !== '') json += `${json === '' ? '' : ','}${JSON.stringify(token)}:${id}`;
  }
  return json;
}
