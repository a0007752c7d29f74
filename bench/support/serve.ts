import { createInterface } from 'node:readline';

import type { Protocol } from './contender.js';

/** What a contender can do. */
export type Service = {
  readonly [Op in keyof Protocol]: (request: Protocol[Op]['request']) => Promise<Protocol[Op]['reply']>;
};

/** Answers the requests on standard input, one a line, until it ends. */
export async function serve(service: Service): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { op, ...request } = JSON.parse(line) as { readonly op: keyof Protocol };
    process.stdout.write(`${JSON.stringify(await answer(service, op, request))}\n`);
  }
}

async function answer(service: Service, op: keyof Protocol, request: object): Promise<object> {
  try {
    return await (service[op] as (request: object) => Promise<object>)(request);
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** Calls `work`, which handles `texts` texts, for at least `seconds`. */
export async function repeat(
  texts: number,
  seconds: number,
  work: () => unknown,
): Promise<{ texts: number; seconds: number; peakRss: number }> {
  const begin = performance.now();
  let calls = 0;
  let elapsed: number;
  do {
    await work();
    ++calls;
    elapsed = (performance.now() - begin) / 1000;
  } while (elapsed < seconds);
  return { texts: calls * texts, seconds: elapsed, peakRss: peakRss() };
}

/** The most memory that this process has held, in bytes. */
export function peakRss(): number {
  return process.resourceUsage().maxRSS * 1024;
}
