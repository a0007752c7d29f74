import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeTinyTokenizer } from '../support/tiny-tokenizer';

// The recipes of docs/bundlers.md, on a program in an empty project: only stillvec is installed there.
const root = resolve(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'stillvec-bundlers-'));
const tokenizer = writeTinyTokenizer(folder);
const app = join(folder, 'app');

beforeEach(() => {
  rmSync(app, { recursive: true, force: true });
  const installed = join(app, 'node_modules/stillvec');
  for (const name of ['dist', 'package.json']) cpSync(join(root, name), join(installed, name), { recursive: true });
  const suffix = process.platform === 'linux' ? '-glibc' : '';
  const binary = join(installed, 'prebuilds', `${process.platform}-${process.arch}${suffix}`, 'stillvec.node');
  mkdirSync(resolve(binary, '..'), { recursive: true });
  cpSync(join(root, 'build/Release/stillvec.node'), binary);
  writeFileSync(join(app, 'package.json'), '{ "private": true }');
  writeFileSync(
    join(app, 'app.mjs'),
    `import { SentenceTransformer } from 'stillvec';
     SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 8 })
       .then((model) => model.encode(['the red fox']))
       .then(({ shape }) => console.log(shape.join()));`,
  );
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function node(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8', env: { ...process.env, NODE_PATH: '' } });
}

/** Runs a program that has one bundler in scope, as a fresh process: what it loads is not jest's. */
function bundle(program: string): void {
  writeFileSync(join(root, 'build', 'bundle.mjs'), program);
  const { status, stdout, stderr } = node(join(root, 'build', 'bundle.mjs'));
  expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
}

function esbuild(options: string): void {
  bundle(`import { build } from 'esbuild';
    await build({ entryPoints: ['app.mjs'], bundle: true, platform: 'node', outdir: 'out', ${options} });`);
}

function webpack(options: string): void {
  bundle(`import webpack from 'webpack';
    const options = { mode: 'production', target: 'node', entry: './app.mjs', context: process.cwd(), ${options},
      output: { path: process.cwd() + '/out', filename: 'app.cjs' } };
    webpack(options, (error, stats) => {
      if (error || stats.hasErrors()) throw error ?? new Error(stats.toString());
    });`);
}

function vite(options: string): void {
  bundle(`import { build } from 'vite';
    await build({ configFile: false, logLevel: 'error', build: { outDir: 'out', ${options} } });`);
}

const nodeLoader = JSON.stringify(require.resolve('node-loader'));

describe('left out of the bundle, the package is found in node_modules', () => {
  test.each([
    ['esbuild', 'out/app.js', () => esbuild(`external: ['stillvec']`)],
    ['webpack', 'out/app.cjs', () => webpack(`externals: { stillvec: 'commonjs stillvec' }`)],
    [
      'Vite for servers',
      'out/app.mjs',
      () => vite(`ssr: 'app.mjs', rollupOptions: { output: { entryFileNames: 'app.mjs' } }`),
    ],
    [
      'Vite for libraries',
      'out/app.mjs',
      () =>
        vite(`lib: { entry: 'app.mjs', formats: ['es'], fileName: 'app' }, rollupOptions: { external: ['stillvec'] }`),
    ],
  ])('%s', (_, file, build) => {
    build();
    expect(node(file)).toMatchObject({ status: 0, stdout: '1,8\n', stderr: '' });
  });
});

describe('taken along, the addon is found beside the bundle', () => {
  test.each([
    ['esbuild', 'out/app.js', () => esbuild(`loader: { '.node': 'copy' }`)],
    [
      'webpack',
      'out/app.cjs',
      () =>
        webpack(`node: { __dirname: false, __filename: false },
          module: { rules: [{ test: /\\.node$/, loader: ${nodeLoader} }] }`),
    ],
  ])('%s', (_, file, build) => {
    build();
    rmSync(join(app, 'node_modules'), { recursive: true });
    expect(node(file)).toMatchObject({ status: 0, stdout: '1,8\n', stderr: '' });
  });
});

test('a bundle whose addon is gone says what to do about it', () => {
  esbuild(`loader: { '.node': 'copy' }`);
  for (const name of readdirSync(join(app, 'out'))) if (name.endsWith('.node')) rmSync(join(app, 'out', name));
  const { stderr } = node('out/app.js');
  expect(stderr).toContain('NativeLoadError');
  expect(stderr).toContain('--external:stillvec');
  expect(stderr).not.toContain('build-from-source');
});
