// The tokenizer of @huggingface/transformers, which is the package @huggingface/tokenizers, with pooling in JavaScript.
import { serveJavaScriptPooling } from './javascript-service.js';

/** What is used of the package: its own types do not resolve under Node16. */
interface Package {
  Tokenizer: new (
    tokenizer: unknown,
    config: object,
  ) => { encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] } };
}

void serveJavaScriptPooling(async (tokenizerJson) => {
  const { Tokenizer } = (await import('@huggingface/tokenizers')) as unknown as Package;
  const tokenizer = new Tokenizer(JSON.parse(tokenizerJson), {});
  return (texts) => texts.map((text) => tokenizer.encode(text, { add_special_tokens: false }).ids);
});
