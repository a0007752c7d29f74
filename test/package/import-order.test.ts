import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';

const root = path.resolve(__dirname, '../..');

describe('includes in native/', () => {
  /** What each folder may include beside itself: the order of CONTRIBUTING.md. */
  const below: Readonly<Record<string, readonly string[]>> = {
    binding: ['training', 'search', 'model', 'text', 'kernels', 'runtime'],
    training: ['model', 'text', 'kernels', 'runtime'],
    search: ['model', 'text', 'kernels', 'runtime'],
    model: ['text', 'kernels', 'runtime'],
    text: ['kernels', 'runtime'],
    kernels: ['runtime'],
    runtime: [],
  };
  /** Programs of their own, which nothing includes. */
  const programs = ['test', 'fuzz', 'bench'];

  const includes = readdirSync(path.join(root, 'native'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:h|cc|inl)$/.test(name))
    .flatMap((name) => {
      const source = readFileSync(path.join(root, 'native', name), 'utf8');
      const [folder = ''] = name.split(path.sep);
      return [...source.matchAll(/^\s*#\s*include\s+(["<])([^">]+)[">]/gm)].map(([, bracket, file = '']) => ({
        name,
        folder,
        file,
        isOwn: bracket === '"',
      }));
    });

  test('run binding -> training, search -> model -> text, kernels, runtime', () => {
    const wrong = includes.filter(({ folder, file, isOwn }) => {
      const [target = ''] = file.split('/');
      return isOwn && !programs.includes(folder) && target !== folder && below[folder]?.includes(target) !== true;
    });
    expect(wrong).toEqual([]);
    expect(new Set(includes.map(({ folder }) => folder))).toEqual(new Set([...Object.keys(below), ...programs]));
  });

  test('of Node are in binding/ alone', () => {
    const ofNode = includes.filter(({ file }) => /^(?:napi|node_api|node|v8|uv)\b/.test(file));
    expect(new Set(ofNode.map(({ folder }) => folder))).toEqual(new Set(['binding']));
  });
});

describe('imports in lib/', () => {
  const cases: [file: string, imported: string, isAllowed: boolean][] = [
    ['lib/native/addon.ts', '../errors.js', true],
    ['lib/native/addon.ts', '../texts.js', false],
    ['lib/native/addon.ts', '../formats/safetensors.js', false],
    ['lib/formats/tokenizer/load-tokenizer.ts', '../../native/index.js', true],
    ['lib/formats/tokenizer/load-tokenizer.ts', '../safetensors.js', true],
    ['lib/formats/tokenizer/load-tokenizer.ts', '../../static-model.js', false],
    ['lib/formats/rows/lines.ts', '../safetensors.js', true],
    ['lib/formats/rows/lines.ts', '../../static-model.js', false],
    ['lib/formats/rows/lines.ts', '../../training/fit.js', false],
    ['lib/errors.ts', './native/index.js', false],
    ['lib/static-model.ts', './formats/tokenizer/load-tokenizer.js', true],
    ['lib/static-model.ts', './training/fit.js', false],
    ['lib/static-model.ts', './sentence-transformer.js', false],
    ['lib/search/semantic-search.ts', '../similarity.js', true],
    ['lib/search/semantic-search.ts', '../evaluation/evaluator.js', false],
    ['lib/evaluation/evaluator.ts', '../search/semantic-search.js', true],
    ['lib/evaluation/evaluator.ts', '../training/fit.js', false],
    ['lib/training/fit.ts', '../evaluation/evaluator.js', true],
    ['lib/training/losses/loss.ts', '../../sentence-transformer.js', false],
    ['lib/training/losses/loss.ts', '../fit.js', true],
    ['lib/sentence-transformer.ts', './training/fit.js', true],
    ['lib/sentence-transformer.ts', './index.js', false],
  ];

  test('go in no circle', () => {
    const files = readdirSync(path.join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    const imports = new Map(
      files.map((name) => {
        const source = readFileSync(path.join(root, 'lib', name), 'utf8');
        const targets = [...source.matchAll(/(?:from|import\()\s*'(\.[^']+)\.js'/g)].map(([, target = '']) =>
          path.join(path.dirname(name), `${target}.ts`),
        );
        return [name, targets];
      }),
    );
    // What imports nothing that is left goes first; a circle is what stays.
    for (let left = -1; left !== imports.size;) {
      left = imports.size;
      for (const [name, targets] of imports) if (!targets.some((target) => imports.has(target))) imports.delete(name);
    }
    expect([...imports.keys()]).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  });

  // In a process of its own, since jest's context refuses to import the configuration.
  test('run sentence-transformer -> training -> evaluation -> search -> static-model -> formats -> native', () => {
    const script = `
      const { ESLint } = require('eslint');
      const ruleFilter = ({ ruleId }) => ruleId === 'no-restricted-imports';
      (async () => {
        const eslint = new ESLint({ ruleFilter });
        const found = [];
        for (const [filePath, imported] of ${JSON.stringify(cases)}) {
          const [{ messages }] = await eslint.lintText('import type * as a from "' + imported + '";', { filePath });
          found.push([filePath, imported, messages.length === 0]);
        }
        console.log(JSON.stringify(found));
      })();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: root });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(cases);
  }, 60_000);
});
