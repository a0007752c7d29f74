import type { Embeddings, Precision } from './embeddings.js';
import { string } from './validate.js';

/** Texts from anywhere: a file's lines, a database cursor, a queue. */
export type TextSource = Iterable<string> | AsyncIterable<string>;

async function* batchesOf(source: TextSource, batchSize: number): AsyncGenerator<string[]> {
  let batch: string[] = [];
  let read = 0;
  for await (const text of source) {
    batch.push(string(`source[${read++}]`, text));
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Encodes batch after batch. While the consumer has one batch, the next is being encoded; the source is not read
 * further than that.
 */
export async function* encodeBatches<P extends Precision>(
  source: TextSource,
  batchSize: number,
  encode: (texts: readonly string[]) => Promise<Embeddings<P>>,
): AsyncGenerator<Embeddings<P>, void, undefined> {
  let ahead: Promise<Embeddings<P>> | undefined;
  for await (const batch of batchesOf(source, batchSize)) {
    const next = encode(batch);
    // A consumer that leaves never awaits it.
    next.catch(() => undefined);
    if (ahead !== undefined) yield await ahead;
    ahead = next;
  }
  if (ahead !== undefined) yield await ahead;
}
