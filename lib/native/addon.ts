import path from 'node:path';

import load from 'node-gyp-build';

import { messageOf, NativeLoadError } from '../errors.js';
import type { Native } from './interface.js';

/** The folder of the package. */
const root = path.join(__dirname, '..', '..');

let addon: Native | undefined;

/**
 * The addon, loaded when something of it is first used and not when stillvec is imported: where there is no binary, a
 * program can still import stillvec, catch the NativeLoadError of its first call, and go on without.
 */
export const native = new Proxy({} as Native, {
  get: (_, name) => Reflect.get((addon ??= loadAddon()), name) as unknown,
});

function loadAddon(): Native {
  try {
    return load(root) as Native;
  } catch (error) {
    throw new NativeLoadError(
      `stillvec has no native addon for ${process.platform}-${process.arch} (Node.js ${process.versions.node}).\n` +
        `${messageOf(error)}\n` +
        'Build it from source, which takes a C++20 compiler and CMake:\n' +
        `  cd ${root} && npm install --include=dev --ignore-scripts && npm run compile:native`,
      { cause: error },
    );
  }
}
