import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import type { Utf8Column } from '../../lib/index.js';

/** Texts of one kind. */
export interface TextSet {
  readonly name: string;
  readonly texts: readonly string[];
}

const root = path.join(__dirname, '..', '..');

/** The folder of real data that may stand beside this checkout. */
export const sharedFolder = path.join(root, '..', 'shared', 'data');

/** The sets named on the command line (files of one text a line), else those of the shared folder, else the README
 * files of the packages in node_modules/, by line and whole. */
export function textSets(files: readonly string[]): TextSet[] {
  if (files.length > 0) return files.map(readLines);
  const bench = path.join(sharedFolder, 'bench');
  if (existsSync(bench)) {
    return ['questions', 'passages', 'multilingual'].map((name) => readLines(path.join(bench, `${name}.txt`)));
  }
  const readmes = readmeFiles();
  const paragraphs = readmes.flatMap((readme) => readme.split(/\n{2,}/)).filter((text) => text.length > 200);
  const lines = readmes.flatMap((readme) => readme.split('\n')).filter((text) => /\w{3}.*\w{3}/.test(text));
  return [
    { name: 'README lines', texts: lines.slice(0, 5000) },
    { name: 'README paragraphs', texts: paragraphs.slice(0, 1000) },
  ];
}

function readLines(file: string): TextSet {
  const texts = readFileSync(file, 'utf8').split('\n');
  if (texts.at(-1) === '') texts.pop();
  return { name: path.basename(file).replace(/\.[^.]*$/, ''), texts };
}

function readmeFiles(): string[] {
  const modules = path.join(root, 'node_modules');
  return readdirSync(modules)
    .map((name) => path.join(modules, name, 'README.md'))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'));
}

/** The texts as UTF-8 in one buffer, with offsets. */
export function asColumn(texts: readonly string[]): Utf8Column {
  const encoded = texts.map((text) => Buffer.from(text));
  const offsets = new Int32Array(texts.length + 1);
  for (const [i, bytes] of encoded.entries()) offsets[i + 1] = (offsets[i] ?? 0) + bytes.length;
  return { data: Buffer.concat(encoded), offsets };
}

export function byteLength(texts: readonly string[]): number {
  return texts.reduce((total, text) => total + Buffer.byteLength(text), 0);
}
