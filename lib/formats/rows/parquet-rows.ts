import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { ParquetMessage } from './parquet-process.js';

/** Heap of the decoder: what it decodes at a time takes far less. */
const mostHeapMegabytes = 1024;

/**
 * The rows of a Parquet file, decoded by a process of their own: a damaged page can ask for a run of 2^31 values, which
 * ends the process that decodes it, as V8 ends it on a thread too. A whole page is decoded in one go besides.
 */
export async function* readParquetRows(file: string): AsyncGenerator<unknown, void, undefined> {
  const decoder = fork(join(__dirname, 'parquet-process.js'), [file], {
    execArgv: [`--max-old-space-size=${mostHeapMegabytes}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const ended = once(decoder, 'exit').then(([code, signal]) => {
    throw new Error(`the page cannot be decoded, its decoder ended with ${signal ?? code}`);
  });
  ended.catch(() => undefined); // nobody listens between two parts
  try {
    for (;;) {
      const [message] = (await Promise.race([once(decoder, 'message'), ended])) as [ParquetMessage];
      if ('failure' in message) throw Object.assign(new Error(message.failure.message), message.failure);
      if (message.rows.length === 0) return;
      yield* message.rows;
      decoder.send('more', () => undefined); // where that fails, the decoder has ended
    }
  } finally {
    decoder.kill('SIGKILL');
  }
}
