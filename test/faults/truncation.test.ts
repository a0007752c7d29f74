import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';
import { packageRoot } from './support';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-truncation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('without mmap a model survives that its file is cut short; loading the rest of it is refused', async () => {
  writeTinyTokenizer(folder);
  const saved = path.join(folder, 'saved');
  await (await SentenceTransformer.create({ tokenizer: folder, dim: 256 })).save(saved);
  const table = readdirSync(saved, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('.safetensors'));
  const file = path.join(saved, table ?? '');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '-e',
      `const fs = require('node:fs');
       const { SentenceTransformer } = require(${JSON.stringify(packageRoot)});
       (async () => {
         const load = () => SentenceTransformer.load(${JSON.stringify(saved)}, { mmap: false });
         const model = await load();
         const before = await model.encode('the red fox');
         fs.truncateSync(${JSON.stringify(file)}, 4096);
         const after = await model.encode('the red fox');
         console.log(Buffer.compare(Buffer.from(before.buffer), Buffer.from(after.buffer)));
         await load().catch((error) => console.log(error.code));
       })();`,
    ],
    { encoding: 'utf8' },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '0\nERR_MODEL_CORRUPT\n', stderr: '' });
});
