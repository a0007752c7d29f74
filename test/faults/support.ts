import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { describe, test } from '@jest/globals';

/** `npm run check:faults` tries everything; `npm test` a part of it, in some seconds. */
export const isLong = process.env['STILLVEC_FAULTS'] === 'long';

/** A number of attempts: few in `npm test`. */
export function attempts(short: number, long: number): number {
  return isLong ? long : short;
}

/** Where the package is, for programs that tests write. */
export const packageRoot = path.resolve(__dirname, '../..');

/**
 * `describe` for tests that preload a C library into Node.js, compiled from a file beside this one into `folder`.
 * Where that cannot be done they are skipped, with a message.
 */
export function describeWithPreload(
  name: string,
  source: string,
  folder: string,
  body: (library: string) => void,
): void {
  const library = path.join(folder, `${source}.so`);
  const file = path.join(__dirname, source);
  const compiled =
    process.platform === 'linux' &&
    spawnSync('cc', ['-shared', '-fPIC', '-O1', '-o', library, file, '-ldl'], { stdio: 'inherit' }).status === 0;
  if (compiled) {
    describe(name, () => {
      body(library);
    });
  } else {
    describe(name, () => {
      test.skip('skipped: needs Linux and a C compiler', () => undefined);
    });
  }
}
