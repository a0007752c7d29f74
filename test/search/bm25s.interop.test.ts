import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import { BM25Index } from 'stillvec';

/** A Python that has bm25s: $STILLVEC_PYTHON, or the first one on the path. */
const python = process.env['STILLVEC_PYTHON'] ?? 'python3';
const version = spawnSync(python, ['-c', 'import bm25s; print(bm25s.__version__)'], { encoding: 'utf8' });

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-bm25s-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const docs = path.join(__dirname, '..', '..', 'docs');
const texts = readdirSync(docs)
  .filter((name) => name.endsWith('.md'))
  .flatMap((name) => readFileSync(path.join(docs, name), 'utf8').split('\n'))
  .filter((line) => line !== '');
const queries = texts.filter((text, i) => i % 30 === 0 && /[a-z]{2}/i.test(text)).slice(0, 50);
const topK = 20;

const program = `import json, sys
import bm25s

with open(sys.argv[1]) as file:
    given = json.load(file)

def tokens(texts):
    return bm25s.tokenize(texts, stopwords=None, return_ids=False, show_progress=False)

def best(method):
    index = bm25s.BM25(method=method, k1=1.5, b=0.75, delta=0.5)
    index.index(tokens(given["texts"]), show_progress=False)
    scores = [index.get_scores(query) for query in tokens(given["queries"])]
    return [sorted(row.tolist(), reverse=True)[: given["topK"]] for row in scores]

print(json.dumps({method: best(method) for method in given["methods"]}))`;

const methods = ['robertson', 'lucene', 'bm25+', 'bm25l', 'atire'] as const;
const describeWithPython = version.status === 0 ? describe : describe.skip;
const name = version.status === 0 ? `bm25s ${version.stdout.trim()}` : `bm25s (skipped: ${python} cannot import bm25s)`;

describeWithPython(name, () => {
  let expected: Readonly<Record<string, readonly (readonly number[])[]>> = {};

  test('ranks the lines of docs/', () => {
    const [script, input] = ['rank.py', 'input.json'].map((file) => path.join(folder, file)) as [string, string];
    writeFileSync(script, program);
    writeFileSync(input, JSON.stringify({ texts, queries, methods, topK }));
    const { status, stdout, stderr } = spawnSync(python, [script, input], { encoding: 'utf8', maxBuffer: 1 << 26 });
    if (status !== 0) throw new Error(stderr);
    expected = JSON.parse(stdout) as typeof expected;
    expect(queries.length).toBeGreaterThan(40);
  });

  test.each(methods)('%s gives the same scores', async (method) => {
    const index = new BM25Index({ method, k1: 1.5, b: 0.75, delta: 0.5 });
    await index.add(
      texts.map((_, i) => String(i)),
      texts,
    );
    const found = await index.search(queries, topK);
    for (const [query, hits] of found.entries()) {
      const theirs = expected[method]?.[query] ?? [];
      expect(hits.length).toBeGreaterThan(0);
      for (const [rank, { score }] of hits.entries()) {
        const other = theirs[rank] ?? NaN;
        expect(Math.abs(score - other)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(other)));
      }
    }
  });
});
