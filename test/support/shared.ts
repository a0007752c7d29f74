import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, test } from '@jest/globals';

const folder = resolve(__dirname, '../../../shared');

/** The folder of reference results and real text beside this checkout, or undefined where there is none. */
export const sharedFolder = existsSync(join(folder, 'goldens')) ? folder : undefined;

/** `describe` for tests that read the shared folder. Without it they are skipped, with a message, never passed. */
export function describeWithShared(name: string, body: (shared: string) => void): void {
  if (sharedFolder === undefined) {
    describe(name, () => {
      test.skip(`skipped: no goldens in ${folder}`, () => undefined);
    });
  } else {
    const shared = sharedFolder;
    describe(name, () => {
      body(shared);
    });
  }
}

/** The value in a gzipped JSON file of the shared folder. */
export function readGzippedJson(...path: string[]): unknown {
  return JSON.parse(gunzipSync(readFileSync(join(folder, ...path))).toString('utf8'));
}

/** The values in a gzipped JSON Lines file of the shared folder. */
export function readGzippedJsonLines(...path: string[]): unknown[] {
  const text = gunzipSync(readFileSync(join(folder, ...path))).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

/**
 * A copy of a model folder of the shared folder, in a temporary folder that is removed after the tests of the file.
 * Links between the model folders are stored as text files that hold the relative path: the copy holds what they name.
 */
export function materializeModel(...path: string[]): string {
  const source = join(folder, ...path);
  const copy = mkdtempSync(join(tmpdir(), 'stillvec-model-'));
  afterAll(() => {
    rmSync(copy, { recursive: true, force: true });
  });
  for (const name of readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    const file = join(source, name);
    if (!statSync(file).isDirectory()) cpSync(linkTarget(file), join(copy, name), { dereference: true });
  }
  return copy;
}

function linkTarget(file: string): string {
  if (statSync(file).size > 256) return file;
  const text = readFileSync(file, 'utf8');
  if (!/^\.\.?\/\S+$/.test(text.trim())) return file;
  const target = resolve(dirname(file), text.trim());
  return existsSync(target) ? target : file;
}
