import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { learnVocabulary, writeTokenizer } from '../demo/vocabulary.js';

// Every ```js block of the README and of docs/ is run as it stands, each page's in a folder of its own, in their order.
// A ```text block after one is what it prints. The folder holds what a checkout does after `npm start`: the package, and
// where that leaves a model one of random vectors, which also finds equal words.

const checkout = path.resolve(__dirname, '..');
const modelFolder = path.join('models', 'search-docs');
const pages = ['README.md', ...readdirSync(path.join(checkout, 'docs')).map((name) => `docs/${name}`)];

interface Example {
  readonly line: number;
  readonly code: string;
  readonly output: string | undefined;
}

function examplesOf(markdown: string): Example[] {
  const blocks = markdown.matchAll(/^```js\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms);
  return [...blocks].map(({ index, 1: code = '', 2: output }) => ({
    line: markdown.slice(0, index).split('\n').length,
    code,
    output,
  }));
}

let fixture: string;

beforeAll(async () => {
  fixture = mkdtempSync(path.join(tmpdir(), 'stillvec-readme-'));
  const text = pages.map((page) => readFileSync(path.join(checkout, page), 'utf8'));
  const tokenizer = writeTokenizer(fixture, learnVocabulary(text, 2000));
  const model = await SentenceTransformer.create({ tokenizer, seed: 1 });
  await model.save(path.join(fixture, modelFolder));
});

afterAll(() => {
  rmSync(fixture, { recursive: true, force: true });
});

function makeFolder(page: string): string {
  const folder = path.join(fixture, 'pages', page);
  mkdirSync(path.join(folder, 'node_modules'), { recursive: true });
  symlinkSync(checkout, path.join(folder, 'node_modules', 'stillvec'), 'junction');
  // For the chart of docs/train.md, and the stemmer of docs/search.md.
  for (const name of ['echarts', 'zrender', 'tslib', '@orama']) {
    symlinkSync(path.join(checkout, 'node_modules', name), path.join(folder, 'node_modules', name), 'junction');
  }
  mkdirSync(path.join(folder, path.dirname(modelFolder)));
  symlinkSync(path.join(fixture, modelFolder), path.join(folder, modelFolder), 'junction');
  return folder;
}

const pagesWithExamples = pages
  .map((page) => ({ page, examples: examplesOf(readFileSync(path.join(checkout, page), 'utf8')) }))
  .filter(({ examples }) => examples.length > 0);

describe.each(pagesWithExamples)('$page', ({ page, examples }) => {
  let folder: string;

  beforeAll(() => {
    folder = makeFolder(page);
  });

  test.each(examples)('runs the example in line $line', async ({ line, code, output }) => {
    const file = path.join(folder, `line-${line}.mjs`);
    writeFileSync(file, code);
    const env = { ...process.env, HF_HUB_OFFLINE: '1', NO_COLOR: '1', FORCE_COLOR: undefined };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder, env });
    expect(stderr).toBe('');
    if (output !== undefined) expect(stdout).toBe(output);
  });
});

test('the README has its examples, with what they print', () => {
  const examples = examplesOf(readFileSync(path.join(checkout, 'README.md'), 'utf8'));
  expect(examples.length).toBeGreaterThanOrEqual(3);
  expect(examples.filter(({ output }) => output === undefined)).toEqual([]);
});

test('links between the pages lead somewhere', () => {
  for (const page of pages) {
    const markdown = readFileSync(path.join(checkout, page), 'utf8');
    for (const [, target = ''] of markdown.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
      expect(readdirSync(path.join(checkout, path.dirname(page), path.dirname(target)))).toContain(
        path.basename(target),
      );
    }
  }
});
