import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { fromNative, messageOf, NativeLoadError } from '../errors.js';
import type { Native } from './interface.js';
import { checkVariables } from './settings.js';

let addon: Native | undefined;

/**
 * The addon, loaded when something of it is first used and not when stillvec is imported: where there is no binary, a
 * program can still import stillvec, catch the NativeLoadError of its first call, and go on without.
 */
export const native = new Proxy({} as Native, {
  get: (_, name) => Reflect.get((addon ??= loadAddon()), name) as unknown,
});

function loadAddon(): Native {
  checkVariables(process.env);
  const failures: string[] = [];
  for (const { file, load } of candidates()) {
    try {
      const loaded = load() as Native;
      loaded.setErrorType((error) => fromNative(error));
      return loaded;
    } catch (error) {
      failures.push(`  ${file}: ${firstLine(error)}`);
    }
  }
  throw new NativeLoadError(
    `stillvec has no native addon for ${process.platform}-${process.arch} that ${runtime()} can load. Tried:\n` +
      `${failures.join('\n')}\n${bundled() ? bundlerAdvice : buildAdvice()}`,
  );
}

interface Candidate {
  readonly file: string;
  readonly load: () => unknown;
}

/** The one file that somebody chose, by a variable or by building it here; else the package's binaries. */
function candidates(): Candidate[] {
  const chosen = process.env['STILLVEC_ADDON'] ?? ownBuild();
  if (chosen !== undefined) {
    // Not by `require`: bundlers cannot follow this path, and would warn.
    return [{ file: chosen, load: () => createRequire(path.resolve('.'))(path.resolve(chosen)) as unknown }];
  }
  return targets().map((target) => ({
    file: `prebuilds/${target}/stillvec.node`,
    // Written so that bundlers see which files this can be, and take them along.
    load: () => require(`../../prebuilds/${target}/stillvec.node`) as unknown,
  }));
}

/** The folders of prebuilds/ for this system. A binary for another C library does not load, and the next is tried. */
function targets(): string[] {
  const target = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' ? [`${target}-glibc`, `${target}-musl`] : [target];
}

function ownBuild(): string | undefined {
  if (bundled()) return undefined;
  const file = path.join(packageFolder(), 'build', 'Release', 'stillvec.node');
  return existsSync(file) ? file : undefined;
}

/** As it ships, or as a checkout's benchmarks run it. */
const ownFile = /(?:dist|lib)[\\/]native[\\/]addon\.[jt]s$/;

/** Whether a bundler has made this file part of another one, which need not know its own name. */
function bundled(): boolean {
  return typeof __filename === 'undefined' || !ownFile.test(__filename);
}

function packageFolder(): string {
  return path.join(__dirname, '..', '..');
}

function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node.js ${node}` : `Deno ${deno}`;
}

/** The rest of a message about a missing module is a list of those that asked for it. */
function firstLine(error: unknown): string {
  return messageOf(error).split('\n', 1)[0] ?? '';
}

function buildAdvice(): string {
  return (
    'Build it from source, which takes a C++20 compiler and CMake:\n' +
    `  cd ${packageFolder()} && npm run build-from-source`
  );
}

const bundlerAdvice =
  'A bundler has taken stillvec into another file. Leave it out (esbuild: --external:stillvec, webpack: externals, ' +
  'Vite: ssr.external, Next.js: serverExternalPackages), or take the addon along: docs/bundlers.md of the package says how.';
