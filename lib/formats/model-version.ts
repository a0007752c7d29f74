import { readFile, stat } from 'node:fs/promises';
import { join, normalize, sep } from 'node:path';

import { legacySource, modulesFile, tableFile } from './model-files.js';

/**
 * A model that replaces another one lies in a folder of its own inside the model folder, and modules.json names it: one
 * rename changes over, for Sentence Transformers as well.
 */
export const versionPrefix = 'model-';

/**
 * Where in a folder the table and the tokenizer of the model lie, as a path from there, or undefined where there is no
 * model.
 */
export async function sourceOf(folder: string): Promise<string | undefined> {
  const modules = await modulesOf(folder);
  if (modules !== undefined) return sourceIn(modules);
  for (const source of ['.', legacySource]) {
    const isTable = await stat(join(folder, source, tableFile)).then(
      () => true,
      () => false,
    );
    if (isTable) return source;
  }
  return undefined;
}

async function modulesOf(folder: string): Promise<string | undefined> {
  return readFile(join(folder, modulesFile), 'utf8').catch(() => undefined);
}

/** What modules.json says of it; the root where that is not readable. */
function sourceIn(modules: string): string {
  try {
    const [first] = JSON.parse(modules) as readonly [{ readonly path?: unknown }?];
    if (typeof first?.path !== 'string') return '.';
    const path = normalize(join(first.path, '.'));
    return path.startsWith('..') || path.startsWith(sep) ? '.' : path;
  } catch {
    return '.';
  }
}

/** Differs where the folder holds another model. */
async function stampOf(folder: string): Promise<string> {
  const modules = await modulesOf(folder);
  const file = join(folder, sourceIn(modules ?? ''), tableFile);
  const table = await stat(file, { bigint: true }).catch(() => undefined);
  return [modules, table?.ino, table?.size, table?.mtimeNs, table?.ctimeNs].join();
}

/** Others may save into a folder without end, but hardly at every attempt to read it. */
const mostAttempts = 100;

/** What `read` gives or throws when no one has saved another model into the folder meanwhile. */
export async function readUnchanged<T>(folder: string, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; ++attempt) {
    const before = await stampOf(folder);
    const [result] = await Promise.allSettled([read()]);
    if (attempt < mostAttempts && before !== (await stampOf(folder))) continue;
    if (result.status === 'fulfilled') return result.value;
    throw result.reason;
  }
}
