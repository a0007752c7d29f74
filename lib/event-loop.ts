import { setImmediate } from 'node:timers/promises';

/** A stretch of work after which others get a turn: short beside what a server takes to answer. */
const stretchMs = 4;

/** Lets long work on the calling thread give way: `await pause.ifDue()` between its pieces. */
export class Pause {
  #begin = performance.now();

  async ifDue(): Promise<void> {
    if (performance.now() - this.#begin < stretchMs) return;
    await setImmediate();
    this.#begin = performance.now();
  }
}
