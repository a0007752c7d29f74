import { workerData } from 'node:worker_threads';
import type { Tokenizer } from 'tokenizers';
import { messageOf, systemCode } from '../errors.js';
import {
  startId,
  type TokenizedTexts,
  type WorkerReply,
  type WorkerRequest,
  type WorkerSetup,
} from './library-tokenizer.js';
import { selectedIds, selectedText } from './token-selection.js';

const { json, selection, port, state } = workerData as WorkerSetup;

/** Texts that the library encodes at once; bounds the objects that it makes for them. */
const batchSize = 1024;

/** In UTF-16 units: its regular expressions give up on longer texts of spaces, say, and it ends the process with them. */
const longestText = 1 << 20;

function reply(message: WorkerReply): void {
  port.postMessage(message);
  Atomics.add(state, 0, 1);
  Atomics.notify(state, 0);
}

async function loadTokenizer(): Promise<Tokenizer> {
  const library = await import('tokenizers');
  const tokenizer = library.Tokenizer.fromString(json);
  tokenizer.disablePadding();
  return tokenizer;
}

async function encode(tokenizer: Tokenizer, texts: readonly string[]): Promise<TokenizedTexts> {
  const offsets = new Uint32Array(texts.length + 1);
  let ids = new Uint32Array(16 * texts.length);
  let end = 0;
  for (let begin = 0; begin < texts.length; begin += batchSize) {
    const whole = texts.slice(begin, begin + batchSize);
    const batch = selection === null ? whole : whole.map((text) => selectedText(selection, text));
    const tooLong = batch.findIndex(({ length }) => length > longestText);
    if (tooLong !== -1) {
      throw new Error(
        `text ${begin + tooLong} has ${batch[tooLong]?.length} characters, and it takes ${longestText}; cut the text`,
      );
    }
    const encodings = await tokenizer.encodeBatch(batch, { addSpecialTokens: false });
    for (const [i, encoding] of encodings.entries()) {
      const allIds = encoding.getIds();
      const textIds = selection === null ? allIds : selectedIds(selection, allIds);
      if (end + textIds.length > ids.length) {
        const larger = new Uint32Array(2 * (end + textIds.length));
        larger.set(ids);
        ids = larger;
      }
      ids.set(textIds, end);
      end += textIds.length;
      offsets[begin + i + 1] = end;
    }
  }
  return { ids: ids.slice(0, end), offsets };
}

async function main(): Promise<void> {
  let tokenizer: Tokenizer;
  try {
    tokenizer = await loadTokenizer();
  } catch (error) {
    const code = systemCode(error);
    const missing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND';
    reply({ id: startId, error: messageOf(error), missing });
    return;
  }
  port.on('message', ({ id, texts }: WorkerRequest) => {
    encode(tokenizer, texts).then(
      (tokens) => {
        reply({ id, tokens });
      },
      (error: unknown) => {
        reply({ id, error: messageOf(error), missing: false });
      },
    );
  });
  const ids = Object.values(tokenizer.getVocab(true));
  reply({ id: startId, vocabSize: ids.reduce((size, id) => Math.max(size, id + 1), 0) });
}

void main();
