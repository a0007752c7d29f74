// Builds the addon a second time, by binding.gyp, and holds it against CMake's: the same symbols of ours, and the same
// tests pass. Takes jest's arguments. Run after a set-up; the checkout's own build is left alone.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fail, step } from './support/run.mjs';
import { nodeHeaders } from './support/toolchain.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

// node-gyp builds in build/ of the folder that it runs in.
const folder = 'build-gyp';
mkdirSync(folder, { recursive: true });
for (const name of ['native', 'node_modules', 'binding.gyp', 'package.json']) {
  if (!existsSync(join(folder, name))) symlinkSync(join('..', name), join(folder, name));
}
await step(
  'native addon',
  'node-gyp',
  resolve('node_modules/.bin/node-gyp'),
  ['configure', 'build', '--jobs=max', ...nodeHeaders()],
  {
    cwd: folder,
  },
);

const [byCMake, byGyp] = ['build', join(folder, 'build')].map((build) =>
  symbols(join(build, 'Release', 'stillvec.node')),
);
const differences = [...without(byCMake, byGyp, 'only with CMake'), ...without(byGyp, byCMake, 'only with node-gyp')];
if (byCMake.size === 0) fail('no symbols of stillvec in the addon: it is stripped');
if (differences.length > 0) {
  fail(`the two builds differ in ${differences.length} symbols:\n  ${differences.slice(0, 20).join('\n  ')}`);
}
console.log(`${byCMake.size} symbols, the same by CMake and by node-gyp`);

const env = { ...process.env, STILLVEC_ADDON: resolve(folder, 'build/Release/stillvec.node') };
const jest = spawnSync(process.execPath, ['node_modules/jest/bin/jest.js', ...process.argv.slice(2)], {
  env,
  stdio: 'inherit',
});
process.exit(jest.status ?? 1);

function symbols(file) {
  const text = execFileSync('nm', ['--demangle', '--defined-only', '--format=posix', file], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return new Set(
    text
      .split('\n')
      .map((line) => line.replace(/ \w [0-9a-f]+ ?[0-9a-f]*$/, ''))
      .filter((symbol) => symbol.includes('stillvec')),
  );
}

function without(some, others, where) {
  return [...some].filter((symbol) => !others.has(symbol)).map((symbol) => `${where}: ${symbol}`);
}
