import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { holdOut, parseSections, readSections, trainingPairs, type Section } from '../../demo/corpus.js';

let nodeModules: string;

beforeAll(() => {
  nodeModules = mkdtempSync(path.join(tmpdir(), 'stillvec-corpus-'));
});

afterAll(() => {
  rmSync(nodeModules, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(nodeModules, file)), { recursive: true });
  writeFileSync(path.join(nodeModules, file), text);
}

/** A text of `count` words that no other text has. */
function prose(topic: string, count = 30): string {
  return `${Array.from({ length: count }, (_, i) => `${topic}${i}`).join(' ')}.`;
}

test('cuts Markdown at its headings and keeps what reads as text', () => {
  const source = `Before any heading.

# The *fast* \`tar\` [![badge](https://badge.example/x.svg)](https://ci.example)

One &amp; two. See [the docs](https://docs.example/page), e.g. ![image](a.png).

- first item
- second item

## Options

| name | meaning |
| ---- | ------- |
| cwd  | where it runs |

<p align="center">html</p>

\`\`\`js
tar.create({
  cwd })
\`\`\`
`;
  expect(parseSections(source, 'tar')).toEqual([
    {
      package: 'tar',
      heading: 'The fast tar',
      sentences: ['One & two.', 'See the docs, e.g. .', 'first item', 'second item'],
    },
    { package: 'tar', heading: 'Options', sentences: ['name meaning', 'cwd where it runs', 'tar.create({ cwd })'] },
  ]);
});

test('reads every package once, and no boilerplate', async () => {
  const shared = prose('shared');
  write('b/README.md', `# B\n\n${shared}\n\n# Short\n\nToo few words.`);
  write('b/LICENSE.md', `# MIT\n\n${prose('licence')}`);
  write('b/CHANGELOG.md', `# 1.0.0\n\n${prose('changes')}`);
  write(
    'a/node_modules/@scope/c/docs/api.markdown',
    `# C\n\n${prose('inner')}\n\n## Copied\n\n${shared} And a word more.`,
  );
  write('a/README.md', `# A\n\n${prose('outer')}\n\n# 中文\n\n${'这是一个很长的中文段落。 '.repeat(20)}`);
  write('.cache/README.md', `# Cache\n\n${prose('cache')}`);

  const sections = await readSections(nodeModules);
  expect(sections.map(({ package: name, heading }) => [name, heading])).toEqual([
    ['a', 'A'],
    ['@scope/c', 'C'],
    ['@scope/c', 'Copied'],
  ]);
  expect(await readSections(nodeModules)).toEqual(sections);
});

test('stops reading when it is told to', async () => {
  const controller = new AbortController();
  write('a/README.md', `# A\n\n${prose('outer')}`);
  write('b/README.md', `# B\n\n${prose('other')}`);
  const onProgress = (): void => {
    controller.abort(new Error('enough'));
  };
  await expect(readSections(nodeModules, { onProgress, signal: controller.signal })).rejects.toThrow('enough');
});

test('asks about held-out sections by heading, or by first sentence where the heading says little', () => {
  const sections: Section[] = [
    { package: 'a', heading: 'Usage', sentences: ['Call it with a path.', prose('a', 12)] },
    { package: 'b', heading: 'Usage', sentences: ['Short.', prose('b', 12)] },
    { package: 'c', heading: 'Abort a request', sentences: [prose('c', 20)] },
    { package: 'c', heading: 'Contents', sentences: ['Abort: a request', prose('d', 12)] },
  ];
  const { training, benchmark } = holdOut(sections, 1);
  expect(benchmark.questions).toEqual([
    { text: 'Call it with a path.', answer: 0 },
    { text: 'Abort a request', answer: 2 },
  ]);
  expect(benchmark.documents).toEqual([
    prose('a', 12),
    `Short.\n${prose('b', 12)}`,
    prose('c', 20),
    `Abort: a request\n${prose('d', 12)}`,
  ]);
  expect(training).toEqual([sections[1], { ...sections[3]!, sentences: [prose('d', 12)] }]);
});

test('nothing of a held-out section is in a training pair, on the documentation of this checkout', async () => {
  const sections = await readSections(path.resolve('node_modules'));
  const { training, benchmark } = holdOut(sections, 8);
  expect(benchmark.questions.length).toBeGreaterThan(100);
  const pairs = trainingPairs(training);
  expect(pairs.length).toBeGreaterThan(5000);

  const learned = new Set(pairs.flatMap(({ anchor, positive }) => [anchor, positive]));
  for (const { text, answer } of benchmark.questions) {
    expect(learned.has(text)).toBe(false);
    expect(learned.has(benchmark.documents[answer]!)).toBe(false);
  }
});

test('pairs headings, sentences and phrases with what they belong to', () => {
  const section = {
    package: 'tar',
    heading: 'Options',
    sentences: ['Set cwd to change where it runs.', 'Set gzip to make it small.', 'Yes.'],
  };
  const [first = '', second = '', third = ''] = section.sentences;
  const whole = `${first}\n${second}\n${third}`;
  const heading = { anchor: 'tar Options', positive: whole };
  expect(trainingPairs([section])).toEqual([
    heading,
    heading,
    heading,
    { anchor: first, positive: `${second}\n${third}` },
    { anchor: first, positive: second },
    { anchor: 'set cwd', positive: whole },
    { anchor: second, positive: `${first}\n${third}` },
    { anchor: 'gzip to make', positive: whole },
  ]);
});
