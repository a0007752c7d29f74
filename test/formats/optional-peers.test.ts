import { afterAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

// The compiled files in a folder from which no package can be reached.
const alone = mkdtempSync(join(tmpdir(), 'stillvec-peers-'));
cpSync(dirname(dirname(require.resolve('../../lib/formats/hub.js'))), join(alone, 'dist'), { recursive: true });
afterAll(() => {
  rmSync(alone, { recursive: true });
});

test.each([
  [
    '@huggingface/hub',
    `require('./dist/formats/hub.js').resolveModelFolder('org/name', { cacheFolder: '${join(alone, 'none')}' })`,
    'npm install @huggingface/hub',
  ],
])('without the optional package %s, the error says what to install', (_, call, advice) => {
  const script = `${call}.catch(({ name, code, message }) => console.log(JSON.stringify({ name, code, message })))`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    cwd: alone,
    encoding: 'utf8',
    env: { ...process.env, NODE_PATH: '', HF_HUB_OFFLINE: '0' },
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    name: 'MissingDependencyError',
    code: 'ERR_MISSING_DEPENDENCY',
    message: expect.stringContaining(advice),
  });
});
