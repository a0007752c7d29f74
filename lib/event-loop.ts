import { setImmediate } from 'node:timers/promises';

/** A stretch of work after which others get a turn: short beside what a server takes to answer. */
const stretchMs = 4;

/** Lets long work on the calling thread give way: `await pause.ifDue()` between its pieces. */
export class Pause {
  #begin = performance.now();

  constructor(private readonly signal?: AbortSignal | undefined) {}

  /** @throws The signal's reason, where it was aborted meanwhile. */
  async ifDue(): Promise<void> {
    if (performance.now() - this.#begin < stretchMs) return;
    await setImmediate();
    this.signal?.throwIfAborted();
    this.#begin = performance.now();
  }
}
