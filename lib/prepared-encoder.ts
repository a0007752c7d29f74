import type { EmbeddingArray, Embeddings, Precision } from './embeddings.js';
import type { Utf8Column } from './texts.js';

/** What `encode` takes: a text or many, or what may be either. */
export type TextInput = string | readonly string[] | Utf8Column;

/** `encode` and `encodeSync` with options that were checked once: see `SentenceTransformer.prepare`. */
export interface PreparedEncoder<P extends Precision = 'float32'> {
  /** As the model's `encode` with these options. */
  encode(text: string): Promise<EmbeddingArray<P>>;
  encode(texts: readonly string[] | Utf8Column): Promise<Embeddings<P>>;
  encode(texts: TextInput): Promise<EmbeddingArray<P> | Embeddings<P>>;
  /** As the model's `encodeSync` with these options. */
  encodeSync(text: string): EmbeddingArray<P>;
  encodeSync(texts: readonly string[] | Utf8Column): Embeddings<P>;
  encodeSync(texts: TextInput): EmbeddingArray<P> | Embeddings<P>;
}
