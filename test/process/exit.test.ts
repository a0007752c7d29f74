import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-process-'));
const packageFolder = path.resolve(__dirname, '../..');
let tokenizer: string;

beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program that has `stillvec`, `model` (dim 256) and much `work` for it in scope. */
function run(body: string): { status: number | null; signal: string | null; stdout: string; stderr: string } {
  const file = path.join(folder, 'program.cjs');
  writeFileSync(
    file,
    `const { isMainThread, Worker, parentPort } = require('node:worker_threads');
     const stillvec = require(${JSON.stringify(packageFolder)});
     const texts = Array.from({ length: 200000 }, (_, i) => 'the red fox number ' + i + ' jumps over a blue dog');
     const pairs = { anchor: texts.slice(0, 20000), positive: texts.slice(0, 20000).map((text) => text + ' again') };
     const loss = new stillvec.MultipleNegativesRankingLoss();
     (async () => {
       const model = await stillvec.SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 256 });
       ${body}
     })();`,
  );
  return spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 60_000 });
}

const encodes = 'model.encode(texts).catch(() => undefined);';
const trains =
  "model.fit({ trainDataset: pairs, loss, batchSize: 4096, batchSampler: 'random', epochs: 1000 }).catch(() => undefined);";

describe.each([
  ['encode', encodes],
  ['fit', trains],
])('%s in flight', (_, work) => {
  test('process.exit ends the process with its own code', () => {
    const { status, stderr } = run(`${work} setTimeout(() => process.exit(7), 50);`);
    expect(stderr).toBe('');
    expect(status).toBe(7);
  });

  test('Worker.terminate ends the worker and not the process', () => {
    const { status, stdout, stderr } = run(`
      if (!isMainThread) {
        ${work}
        setTimeout(() => parentPort.postMessage('busy'), 50);
        return;
      }
      for (let i = 0; i < 3; ++i) {
        const worker = new Worker(__filename);
        await new Promise((resolve) => worker.once('message', resolve));
        await worker.terminate();
      }
      const alive = await model.encode('the red fox');
      console.log('alive', alive.length);`);
    expect(stderr).toBe('');
    expect(stdout).toBe('alive 256\n');
    expect(status).toBe(0);
  });

  test('an exception that nobody catches is reported as such', () => {
    const { status, stderr } = run(`${work} setTimeout(() => { throw new Error('on purpose'); }, 50);`);
    expect(stderr).toContain('on purpose');
    expect(status).toBe(1);
  });
});

test('the process ends by itself when the work is done', () => {
  const { status, stdout } = run(`console.log((await model.encode(texts.slice(0, 5000))).shape.join());`);
  expect(stdout).toBe('5000,256\n');
  expect(status).toBe(0);
});

test('a long text of a prepared encoder, whose calls report to nobody, ends as well', () => {
  // In a process of its own: a loop of promises that are settled already leaves no turn to jest's time limits.
  const { status, stdout } = run(`console.log((await model.prepare().encode('the red fox '.repeat(5000))).length);`);
  expect(stdout).toBe('256\n');
  expect(status).toBe(0);
});

test('SIGINT ends a run that has no handler for it', () => {
  const { signal } = run(`${trains} setTimeout(() => process.kill(process.pid, 'SIGINT'), 50);`);
  expect(signal).toBe('SIGINT');
});

test('denormal numbers stay what they are after the addon has loaded', () => {
  const { stdout } = run(
    `console.log(Number.MIN_VALUE * 4 / 2 === Number.MIN_VALUE * 2, 2.2250738585072014e-308 / 4 > 0);`,
  );
  expect(stdout).toBe('true true\n');
});

test('a failure that is caught does not come back as an unhandled rejection', () => {
  // Runs in flight fail one after the other, and the newer before the older one is done.
  const { status, stdout, stderr } = run(`
    const long = 'the red fox '.repeat(200000);
    const mixed = [long, long, ...texts.slice(0, 30000)];
    const encoding = model.encode(mixed);
    mixed.fill(7, 2);
    const error = await encoding.catch((caught) => caught);
    console.log(error.code, (await model.encode('the red fox')).length);
    await new Promise((resolve) => setTimeout(resolve, 100));`);
  expect(stderr).toBe('');
  expect(stdout).toBe('ERR_INVALID_ARGUMENT 256\n');
  expect(status).toBe(0);
});

test('tables that evaluations publish go when the next one comes', () => {
  const { stdout, stderr } = run(`
    const wide = await stillvec.SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 1 << 16 });
    const rss = [];
    const evaluate = async (published) => {
      await published.encode('the red fox');
      rss.push(process.memoryUsage.rss());
      return { score: 0 };
    };
    await wide.fit({
      trainDataset: { anchor: pairs.anchor.slice(0, 60), positive: pairs.positive.slice(0, 60) },
      loss,
      batchSize: 2,
      evalSteps: 1,
      evaluator: { name: 'memory', primaryMetric: 'score', evaluate },
    });
    // Adam's moments take memory as more and more rows are touched: two more tables at most.
    console.log(rss.length, (rss.at(-1) - rss[1]) / wide.info().bytes < 4);`);
  expect(stderr).toBe('');
  expect(stdout).toBe('30 true\n');
});
