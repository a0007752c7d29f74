import { untilAborted } from './abort.js';
import type { Embeddings, Precision } from './embeddings.js';
import { string } from './validate.js';

/** Texts from anywhere: a file's lines, a database cursor, a queue. */
export type TextSource = Iterable<string> | AsyncIterable<string>;

/** The texts of a source; a source that keeps one waiting is left when the signal is aborted. */
async function* textsOf(source: TextSource, signal: AbortSignal | undefined): AsyncGenerator<string> {
  const texts = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let isDone = false;
  try {
    for (;;) {
      const next = await untilAborted(Promise.resolve(texts.next()), signal);
      if (next.done === true) break;
      yield next.value;
    }
    isDone = true;
  } finally {
    const closing = isDone ? undefined : texts.return?.();
    if (signal?.aborted !== true) await closing;
  }
}

async function* batchesOf(
  source: TextSource,
  batchSize: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<string[]> {
  let batch: string[] = [];
  let read = 0;
  // Without a signal there is nothing to watch for beside each text.
  for await (const text of signal === undefined ? source : textsOf(source, signal)) {
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
  signal: AbortSignal | undefined,
  encode: (texts: readonly string[]) => Promise<Embeddings<P>>,
): AsyncGenerator<Embeddings<P>, void, undefined> {
  let ahead: Promise<Embeddings<P>> | undefined;
  for await (const batch of batchesOf(source, batchSize, signal)) {
    const next = encode(batch);
    // A consumer that leaves never awaits it.
    next.catch(() => undefined);
    if (ahead !== undefined) yield await ahead;
    ahead = next;
  }
  if (ahead !== undefined) yield await ahead;
}
