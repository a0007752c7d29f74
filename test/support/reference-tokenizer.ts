import { Tokenizer } from 'tokenizers';

/** The ids that Hugging Face's tokenizers, the reference, give each text, without special tokens. */
export async function referenceIds(json: string, texts: readonly string[]): Promise<number[][]> {
  // What a static model does not use of a file.
  const file = { ...(JSON.parse(json) as object), padding: null, post_processor: null, decoder: null };
  const tokenizer = Tokenizer.fromString(JSON.stringify(file));
  const encodings = await tokenizer.encodeBatch([...texts], { addSpecialTokens: false });
  return encodings.map((encoding) => encoding.getIds());
}
