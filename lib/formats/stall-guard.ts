/** Aborts what has made no progress for some time, and what the caller aborts. */
export class StallGuard {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #release: () => void;

  /**
   * @param milliseconds - How long nothing may happen.
   * @param reason - What the work is then aborted with.
   * @param signal - The caller's.
   */
  constructor(milliseconds: number, reason: Error, signal: AbortSignal | undefined) {
    const abort = (): void => {
      this.#controller.abort(signal?.reason);
    };
    this.#timer = setTimeout(() => {
      this.#controller.abort(reason);
    }, milliseconds);
    signal?.addEventListener('abort', abort);
    this.#release = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted === true) abort();
  }

  /** For whatever does the work. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something has happened. */
  progress(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#release();
  }
}
