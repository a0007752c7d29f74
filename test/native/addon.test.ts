import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const root = resolve(__dirname, '../..');

// The package as it stands on a platform that it has no binary for.
const folder = mkdtempSync(join(tmpdir(), 'stillvec-addon-'));
for (const name of ['dist', 'package.json']) {
  cpSync(join(root, name), join(folder, 'node_modules/stillvec', name), { recursive: true });
}
const tokenizer = writeTinyTokenizer(folder);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const program = `
  async function main({ SentenceTransformer, NativeLoadError }) {
    const failures = [];
    for (let call = 0; call < 2; call += 1) {
      await SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 8 }).catch((error) => failures.push(error));
    }
    console.log(JSON.stringify(failures.map((error) => [error instanceof NativeLoadError, error.code, error.message])));
  }`;

test.each([
  ['imported', 'main.mjs', `import * as stillvec from 'stillvec';${program}\nawait main(stillvec);`],
  ['required', 'main.cjs', `const stillvec = require('stillvec');${program}\nmain(stillvec);`],
])('without a binary, the package can be %s, and each call that needs one rejects', (_, file, source) => {
  writeFileSync(join(folder, file), source);
  const env = { ...process.env, STILLVEC_ADDON: undefined };
  const { stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, encoding: 'utf8', env });
  expect(stderr).toBe('');
  const expected = [true, 'ERR_NATIVE_LOAD', expect.stringContaining(`${process.platform}-${process.arch}`)];
  expect(JSON.parse(stdout)).toEqual([expected, expected]);
});
