import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import ts from 'typescript';

// The declarations as strangers compile them: with their own settings, outside the checkout, and with no types but those
// that come with the package. What is expected of the types stands in the other files of this folder.

const checkout = path.resolve(__dirname, '../..');
const expectations = readdirSync(__dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
let project: string;

beforeAll(() => {
  project = mkdtempSync(path.join(tmpdir(), 'stillvec-types-'));
  const modules = path.join(project, 'node_modules');
  for (const part of ['package.json', 'dist']) {
    cpSync(path.join(checkout, part), path.join(modules, 'stillvec', part), { recursive: true });
  }
  for (const name of ['expect-type', '@types/node', 'undici-types']) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(path.join(checkout, 'node_modules', name), path.join(modules, name), 'junction');
  }
  for (const type of ['module', 'commonjs']) {
    const folder = path.join(project, type);
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ type }));
    for (const name of expectations) cpSync(path.join(__dirname, name), path.join(folder, name));
  }
});

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

const settings = {
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
};

test.each([
  ['an ES module under node16, without any types', 'module', 'node16', [], []],
  ['a CommonJS module under node16, without any types', 'commonjs', 'node16', [], []],
  ['an ES module under nodenext, with the types of Node.js', 'module', 'nodenext', [], ['node']],
  ['a bundler, with the types of the DOM', 'module', 'bundler', ['lib.dom.d.ts'], []],
] as const)('compile for %s', (_, folder, resolution, lib, types) => {
  const files = expectations.map((name) => path.join(project, folder, name));
  const program = ts.createProgram(files, {
    noEmit: true,
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', ...lib],
    types: [...types],
    typeRoots: [path.join(project, 'node_modules', '@types')],
    ...settings[resolution],
  });
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1;
    return `${file?.fileName ?? ''}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
  expect(problems).toEqual([]);
});
