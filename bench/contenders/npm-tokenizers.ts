// The package tokenizers, Hugging Face's Rust library for Node.js, with pooling in JavaScript.
import { Tokenizer } from 'tokenizers';

import { serveJavaScriptPooling } from './javascript-service.js';

/** A batch: enough to keep its threads busy, and its Encoding objects in bounds. */
const batchSize = 1024;

void serveJavaScriptPooling(async (tokenizerJson) => {
  const tokenizer = Tokenizer.fromString(tokenizerJson);
  tokenizer.disablePadding();
  return Promise.resolve(async (texts) => {
    const ids: number[][] = [];
    for (let start = 0; start < texts.length; start += batchSize) {
      const batch = texts.slice(start, start + batchSize);
      for (const encoding of await tokenizer.encodeBatch(batch, { addSpecialTokens: false })) {
        ids.push(encoding.getIds());
      }
    }
    return ids;
  });
});
