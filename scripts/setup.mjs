// What `npm start` and `npm test` run first: installs the dependencies, builds the addon and compiles lib/, each only
// when its inputs have changed since the last time. Needs Node alone, and no network once node_modules/ stands.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lock } from './support/lock.mjs';
import { fail, step } from './support/run.mjs';
import { installHint, nativeBuild, onPath } from './support/toolchain.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`stillvec needs Node 20 or newer; this is ${process.version}`);

const built = join('build', 'Release', 'stillvec.node');
// Said before the minute that the dependencies take.
if (!existsSync(built)) wayToBuild();
await lock('setup.lock');
await installDependencies();
await buildAddon();
await compileTypeScript();

async function installDependencies() {
  if (dependenciesStand()) return;
  // Nothing here needs an install script: every package brings its binaries.
  await step('dependencies', 'npm ci', 'npm', [
    'ci',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
  ]);
}

function wayToBuild() {
  return (
    nativeBuild() ??
    fail(
      'the native part of stillvec is built from source in a checkout, and no C++ compiler with a build tool was found.\n' +
        `      Install them, then run the same command again:\n\n        ${installHint()}\n`,
    )
  );
}

async function buildAddon() {
  const inputs = fingerprint(
    [...filesUnder('native', /^(test|fuzz|bench)\b/), 'CMakeLists.txt', 'binding.gyp'],
    ['node-addon-api', 'node-api-headers', 'cmake-js', 'node-gyp'].map(version),
  );
  if (existsSync(built) && stamp('addon') === inputs) return;
  const build = wayToBuild();
  discardForeignBuild();
  await step('native addon', build.how, installed(build.tool), build.args);
  writeStamp('addon', inputs);
}

async function compileTypeScript() {
  const inputs = fingerprint(
    [...filesUnder('lib'), 'tsconfig.json', 'tsconfig.build.json'],
    ['typescript', '@types/node'].map(version),
  );
  if (existsSync(join('dist', 'index.js')) && stamp('dist') === inputs) return;
  rmSync('dist', { recursive: true, force: true });
  await step('TypeScript', 'tsc', installed('tsc'), ['-p', 'tsconfig.build.json']);
  writeStamp('dist', inputs);
}

/** Whether node_modules/ holds what the lock file says. npm notes what it installed; optional packages may be absent. */
function dependenciesStand() {
  const note = join('node_modules', '.package-lock.json');
  if (!existsSync(note)) return false;
  const wanted = JSON.parse(readFileSync('package-lock.json', 'utf8')).packages;
  const installed = JSON.parse(readFileSync(note, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || installed[path]?.version === version || (optional && !(path in installed)),
  );
}

/** Removes a build folder that CMake made for another generator or for a checkout elsewhere: it would refuse it. */
function discardForeignBuild() {
  const cache = join('build', 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const entries = readFileSync(cache, 'utf8');
  const value = (name) => new RegExp(`^${name}:\\w+=(.*)$`, 'm').exec(entries)?.[1];
  const sameGenerator = (value('CMAKE_GENERATOR') === 'Ninja') === onPath('ninja');
  if (resolve(value('CMAKE_HOME_DIRECTORY') ?? '') !== process.cwd() || !sameGenerator) {
    rmSync('build', { recursive: true, force: true });
  }
}

function filesUnder(folder, except) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath ?? file.path, file.name))
    .filter((path) => !except?.test(path.slice(folder.length + 1)))
    .sort();
}

function fingerprint(files, extra) {
  const hash = createHash('sha256').update(JSON.stringify([process.platform, process.arch, extra]));
  for (const file of files) hash.update(file).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

function installed(program) {
  return join('node_modules', '.bin', program);
}

function version(name) {
  return JSON.parse(readFileSync(join('node_modules', name, 'package.json'), 'utf8')).version;
}

function stamp(name) {
  const file = join('build', `${name}.stamp`);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function writeStamp(name, value) {
  mkdirSync('build', { recursive: true });
  writeFileSync(join('build', `${name}.stamp`), value);
}
