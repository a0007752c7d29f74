import { native, type NativeCancellation } from './native/index.js';

/**
 * What `work` settles with, or the reason of `signal` as soon as that is aborted: what cannot stop at once then ends
 * unheard.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  let stopListening: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    const abort = (): void => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    stopListening = () => {
      signal.removeEventListener('abort', abort);
    };
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    stopListening?.();
  }
}

/** Runs work of the addon that ends soon after `signal` is aborted; settles as `untilAborted`. */
export async function cancellable<T>(
  signal: AbortSignal | undefined,
  start: (cancellation: NativeCancellation) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const cancellation = new native.Cancellation();
  const cancel = (): void => {
    cancellation.cancel();
  };
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await untilAborted(start(cancellation), signal);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}
