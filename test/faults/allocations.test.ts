import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';
import { attempts, describeWithPreload, isLong, packageRoot } from './support';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-allocations-'));
beforeAll(() => {
  writeTinyTokenizer(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What each call is, in a program that has these names in scope: these are quick, so each of their requests is tried. */
const quickCalls = {
  'encode one text': "model.encode('the quick red fox')",
  'encode many texts': 'model.encode(texts)',
  'encode by a new model': 'fresh.encode(texts)',
  'encode binary': "model.encode(texts, { precision: 'binary' })",
  'encode int8': "model.encode(texts, { precision: 'int8' })",
  tokenize: 'fresh.tokenize(texts)',
};
const slowCalls = {
  create: 'stillvec.SentenceTransformer.create({ tokenizer: folder, dim: 64 })',
  load: 'stillvec.SentenceTransformer.load(saved)',
  fit: 'fresh.fit({ trainDataset: pairs, loss, batchSize: 64, epochs: 1 })',
  'search and compare': 'search()',
  save: 'model.save(again)',
};

function program(call: string, library: string, most: number, step: number): string {
  return `
    const fs = require('node:fs');
    const stillvec = require(${JSON.stringify(packageRoot)});
    const folder = ${JSON.stringify(folder)}, saved = folder + '/saved', again = folder + '/again';
    const texts = Array.from({ length: 2000 }, (_, i) => 'the red fox number ' + i + ' jumps over a blue dog');
    const pairs = { anchor: texts.slice(0, 200), positive: texts.slice(0, 200).map((text) => text + ' again') };
    const loss = new stillvec.MultipleNegativesRankingLoss();
    const failed = () => { try { fs.accessSync('/stillvec/fail/none'); return true; } catch { return false; } };
    (async () => {
      const model = await stillvec.SentenceTransformer.create({ tokenizer: folder, dim: 64 });
      let fresh, result;
      await model.save(saved);
      const expected = await model.encode(texts);
      const search = async () => {
        const queries = await model.encode(texts.slice(0, 300));
        await model.searchTopK(queries, expected, 5);
        await model.similarity(queries, expected);
      };
      let tried = 0, refused = 0;
      for (let n = 1; n <= ${most}; n += ${step}) {
        fs.writeSync(2, n + ' ');
        fresh = await stillvec.SentenceTransformer.create({ tokenizer: folder, dim: 64 });
        fs.accessSync('/stillvec/fail/' + n);
        let error;
        try {
          await ${call};
        } catch (caught) {
          error = caught;
        }
        const hasFailed = failed();
        if (error !== undefined && !(hasFailed && error instanceof stillvec.OutOfMemoryError && error.code === 'ERR_OUT_OF_MEMORY')) {
          throw new Error('request ' + n + ' gave an error of another kind', { cause: error });
        }
        ++tried;
        refused += error === undefined ? 0 : 1;
        const now = await model.encode(texts);
        if (Buffer.compare(Buffer.from(now.data.buffer), Buffer.from(expected.data.buffer)) !== 0) throw new Error('request ' + n + ' left another model');
        // What was done without the memory, or done again, is as it would have been; a run that failed has not trained.
        if (error === undefined || ${call !== slowCalls.fit}) {
          const rows = Buffer.from((await fresh.encode(texts)).data.buffer).toString('base64');
          result ??= rows;
          if (rows !== result) throw new Error('request ' + n + ' changed the result');
        }
        if (!hasFailed) break; // there are no more requests
      }
      console.log(JSON.stringify({ tried, refused }));
    })().catch((error) => { console.error(error); process.exitCode = 1; });`;
}

describeWithPreload('memory that runs out', 'allocations.c', folder, (library) => {
  const run = (source: string, env: Record<string, string> = {}): ReturnType<typeof spawnSync> => {
    const file = path.join(folder, 'program.cjs');
    writeFileSync(file, source);
    return spawnSync(process.execPath, [file], {
      encoding: 'utf8',
      timeout: isLong ? 600_000 : 60_000,
      env: { ...process.env, LD_PRELOAD: library, ...env },
    });
  };

  test.each([
    ...Object.entries(quickCalls).map(([name, call]) => ({ name, call, step: 1 })),
    ...Object.entries(slowCalls).map(([name, call]) => ({ name, call, step: attempts(17, 1) })),
  ])(
    '$name gives an OutOfMemoryError and goes on working',
    ({ call, step }) => {
      const { status, signal, stdout, stderr } = run(program(call, library, 400, step));
      expect({ status, signal, stderr }).toEqual({
        status: 0,
        signal: null,
        stderr: expect.stringMatching(/^[\d ]+$/),
      });
      const { tried, refused } = JSON.parse(String(stdout)) as { tried: number; refused: number };
      expect(tried).toBeGreaterThan(0);
      expect(refused).toBeGreaterThan(0);
    },
    isLong ? 600_000 : 60_000,
  );

  describe.each(['0', '1'])('%s threads to be had', (threads) => {
    test('the same results', () => {
      const source = `
        const stillvec = require(${JSON.stringify(packageRoot)});
        const texts = Array.from({ length: 5000 }, (_, i) => 'the red fox number ' + i);
        (async () => {
          const model = await stillvec.SentenceTransformer.create({ tokenizer: ${JSON.stringify(folder)}, dim: 64 });
          const rows = await model.encode(texts);
          const pairs = { anchor: texts.slice(0, 200), positive: texts.slice(200, 400) };
          await model.fit({ trainDataset: pairs, loss: new stillvec.MultipleNegativesRankingLoss(), batchSize: 64 });
          console.log(rows.shape[0], Number.isFinite((await model.encode('the red fox'))[0]));
        })();`;
      const { status, stdout, stderr } = run(source, { STILLVEC_TEST_THREADS: threads, STILLVEC_THREADS: '4' });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '5000 true\n', stderr: '' });
    });
  });
});

test('a text of 20 MB beside 400,000 short ones takes no more memory than they need', async () => {
  const model = await SentenceTransformer.create({ tokenizer: folder, dim: 8 });
  // A NUL in a text has the texts read one by one.
  const texts = ['fox '.repeat(5 << 20) + '\0', ...new Array<string>(400_000).fill('fox')];
  const rows = await model.encode(texts);
  expect(rows.shape).toEqual([400_001, 8]);
}, 60_000);
