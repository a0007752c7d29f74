import { readFileSync } from 'node:fs';
import path from 'node:path';

import { expect, test } from '@jest/globals';
import { MultipleNegativesRankingLoss } from 'stillvec';

import { checkFitOptions } from '../../lib/training/fit-options.js';

test('docs/train.md has every option, with its default', () => {
  const page = readFileSync(path.resolve(__dirname, '../../docs/train.md'), 'utf8');
  const [, section = ''] = page.split('\n## All options\n');
  const documented = [...section.matchAll(/^\| `(\w+)` +\| (?:`(.*?)`)? *\|/gm)].map(
    ([, name = '', fallback]) => [name, fallback] as const,
  );
  const given = { trainDataset: [], loss: new MultipleNegativesRankingLoss() };
  const expected = { ...checkFitOptions(given), trainDataset: undefined, loss: undefined };
  expect(documented.map(([name]) => name)).toEqual(Object.keys(expected));
  const evaluate = (literal: string): unknown =>
    literal === 'Infinity' ? Number.POSITIVE_INFINITY : JSON.parse(literal.replaceAll("'", '"'));
  for (const [name, fallback] of documented) {
    const setting = expected[name as keyof typeof expected];
    expect([name, fallback === undefined ? undefined : evaluate(fallback)]).toEqual([name, setting]);
  }
});
