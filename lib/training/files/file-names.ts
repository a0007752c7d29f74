import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

import { IoError, InvalidArgumentError, messageOf, systemCode } from '../../errors.js';
import { describe } from '../../validate.js';

/** What the name of a token cache ends in: it lies beside the files that it is of, and is none of them. */
export const tokenCacheSuffix = '.stillvec-tokens';

const magic = /[*?{]/;

/** Whether a name is a pattern of names: `*` and `?` in a name, `{a,b}` for either, `**` for any number of folders. */
export function isPattern(name: string): boolean {
  return magic.test(name);
}

/**
 * The files that names and patterns stand for: those of a pattern sorted, none twice.
 *
 * @throws InvalidArgumentError for a pattern that matches no file, IoError for a folder that cannot be read.
 */
export async function findFiles(names: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  for (const name of names) {
    const files = isPattern(name) ? await filesOf(name) : [name];
    for (const file of files) found.add(file);
  }
  return [...found];
}

async function filesOf(pattern: string): Promise<string[]> {
  const { root } = path.parse(pattern);
  const files: string[] = [];
  await collect(root, pattern.slice(root.length).split(/[\\/]+/), files);
  if (files.length === 0) {
    throw new InvalidArgumentError(
      `expected a pattern that matches a file for files but received ${describe(pattern)}`,
    );
  }
  // Not by language: the order decides how a run goes.
  return files.sort();
}

async function collect(folder: string, [segment = '', ...rest]: readonly string[], files: string[]): Promise<void> {
  if (!isPattern(segment) && rest.length > 0) {
    await collect(path.join(folder, segment), rest, files);
    return;
  }
  const entries = await entriesOf(folder);
  if (segment === '**') {
    await collect(folder, rest.length === 0 ? ['*'] : rest, files);
    for (const { name } of entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))) {
      await collect(path.join(folder, name), [segment, ...rest], files);
    }
    return;
  }
  const matches = expressionOf(segment);
  for (const entry of entries) {
    if (!matches.test(entry.name)) continue;
    const name = path.join(folder, entry.name);
    if (rest.length > 0) await collect(name, rest, files);
    else if (!entry.isDirectory() && !name.endsWith(tokenCacheSuffix)) files.push(name);
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder === '' ? '.' : folder, { withFileTypes: true });
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new IoError(`${folder} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** As in a shell, `*` and `?` match no hidden file. */
function expressionOf(segment: string): RegExp {
  const hidden = segment.startsWith('.') ? '' : '(?!\\.)';
  return new RegExp(`^${hidden}${sourceOf(segment)}$`, 'su');
}

function sourceOf(pattern: string): string {
  return pattern.replace(/\{([^{}]*)\}|./gsu, (part: string, names?: string) => {
    if (names !== undefined) return `(?:${names.split(',').map(sourceOf).join('|')})`;
    if (part === '*') return '.*';
    return part === '?' ? '.' : part.replace(/[\\^$.+()[\]{}|/]/, '\\$&');
  });
}
