// `npm run check:runtimes`: the package on every runtime and from every package manager of runtimes/versions.json, all from
// npm. Prints as it goes; PART... runs some parts alone: jest, smoke, managers. `--newer` prints newer versions instead,
// `--without-jest MAJOR` leaves out a Node on which jest has been run already.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run, step } from './support/run.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const versions = JSON.parse(readFileSync('scripts/runtimes/versions.json', 'utf8'));
const { values, positionals } = parseArgs({
  options: { newer: { type: 'boolean' }, 'without-jest': { type: 'string' } },
  allowPositionals: true,
});
const parts = positionals.length > 0 ? positionals : ['smoke', 'managers', 'jest'];

/** Tools and the tarball; kept, so that only the first run downloads. */
const home = resolve('build-runtimes');
const smokeProgram = resolve('scripts/runtimes/smoke.cjs');
const smokeWords = ['create', 'encode', 'stream', 'fit', 'save', 'worker', 'terminate', ''].join('\n');
const processesPerRuntime = 6;
/** How the network is reached, without what `npm run` adds for its scripts. */
const ambient = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

let passed = 0;
let failed = 0;
if (values.newer) printNewer();
else {
  await installTools();
  const tarball = await pack();
  if (parts.includes('smoke')) await checkRuntimes(tarball);
  if (parts.includes('managers')) await checkManagers(tarball);
  if (parts.includes('jest')) await checkJest();
  console.log(`tests: ${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

function report(name, problem, seconds) {
  if (problem === undefined) passed += 1;
  else failed += 1;
  console.log(`  ${problem === undefined ? 'ok  ' : 'FAIL'}  ${name.padEnd(32)} ${seconds.toFixed(1).padStart(6)} s`);
  if (problem !== undefined) console.log(problem.trimEnd().replaceAll(/^/gm, '        '));
}

/** Runs `check`, which gives what is wrong or undefined, and prints how it went. */
async function timed(name, check) {
  const start = performance.now();
  const problem = await check().catch((error) => String(error));
  report(name, problem, (performance.now() - start) / 1000);
}

/** npm's names of the packages that hold the binaries: those that people install fetch them by install scripts. */
function packageOf(tool) {
  const { platform, arch } = process;
  if (tool === 'node') return platform === 'darwin' ? `node-bin-darwin-${arch}` : `node-${platform}-${arch}`;
  if (tool === 'bun') return `@oven/bun-${platform}-${arch === 'arm64' ? 'aarch64' : arch}`;
  if (tool === 'deno') return `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`;
  return tool;
}

/** Where version `major` of `tool` is installed. */
function toolFolder(tool, major) {
  return join(home, 'tools', 'node_modules', `${tool.split('/').at(-1)}-${major}`);
}

async function installTools() {
  const dependencies = Object.fromEntries(
    Object.entries(versions).flatMap(([tool, majors]) =>
      Object.entries(majors).map(([major, version]) => [
        `${tool.split('/').at(-1)}-${major}`,
        `npm:${packageOf(tool)}@${version}`,
      ]),
    ),
  );
  const manifest = JSON.stringify({ private: true, dependencies });
  const file = join(home, 'tools', 'package.json');
  if (existsSync(file) && readFileSync(file, 'utf8') === manifest) return;
  rmSync(join(home, 'tools'), { recursive: true, force: true });
  mkdirSync(join(home, 'tools'), { recursive: true });
  writeFileSync(file, manifest);
  const args = ['install', '--prefix', join(home, 'tools'), '--ignore-scripts', '--no-audit', '--no-fund'];
  await step('tools', 'npm install', 'npm', args);
}

async function pack() {
  const folder = join(home, 'package');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await step('tarball', 'npm pack', 'npm', ['pack', '--pack-destination', folder]);
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'));
  return join(folder, `${name}-${version}.tgz`);
}

/** A folder of programs that is all of PATH: a runtime, and the shell that package managers start. No compiler. */
function programs(project, nodeMajor) {
  const folder = join(project, 'bin');
  mkdirSync(folder, { recursive: true });
  symlinkSync(nodeBinary(nodeMajor), join(folder, 'node'));
  for (const name of ['sh', 'env', 'uname']) {
    const paths = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, name));
    symlinkSync(realpathSync(paths.find((path) => existsSync(path))), join(folder, name));
  }
  return folder;
}

function nodeBinary(major) {
  return join(toolFolder('node', major), 'bin', 'node');
}

function emptyProject(name) {
  const folder = join(home, 'projects', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "project", "private": true }');
  cpSync(smokeProgram, join(folder, 'smoke.cjs'));
  return folder;
}

/** What went wrong in a run of the smoke program, or undefined. */
async function smoke(command, args, folder, number, env) {
  const data = join(folder, `data-${number}`);
  mkdirSync(data, { recursive: true });
  const { code, output } = await run(command, [...args, 'smoke.cjs', data], { cwd: folder, env, timeout: 60_000 });
  rmSync(data, { recursive: true, force: true });
  return code === 0 && output === smokeWords ? undefined : `exit code ${code}, printed:\n${output}`;
}

async function checkRuntimes(tarball) {
  console.log(`the smoke program, ${processesPerRuntime} fresh processes each`);
  const folder = emptyProject('runtimes');
  await step('project', 'npm install', 'npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, tarball]);
  const runtimes = [
    ...Object.keys(versions.node).map((major) => [`Node.js ${versions.node[major]}`, nodeBinary(major), []]),
    ...Object.keys(versions.bun).map((major) => [
      `Bun ${versions.bun[major]}`,
      join(toolFolder('bun', major), 'bin', 'bun'),
      [],
    ]),
    ...Object.keys(versions.deno).map((major) => [
      `Deno ${versions.deno[major]}`,
      join(toolFolder('deno', major), 'deno'),
      ['run', '--quiet', '--allow-all'],
    ]),
  ];
  for (const [name, command, args] of runtimes) {
    await timed(name, async () => {
      const numbers = Array.from({ length: processesPerRuntime }, (_, i) => i);
      const problems = await inParallel(numbers, (number) => smoke(command, args, folder, number, process.env));
      return problems.find((problem) => problem !== undefined);
    });
  }
}

async function checkManagers(tarball) {
  console.log('the tarball by every package manager, in an empty project, without a compiler');
  const { npm, pnpm, yarn } = versions;
  const yarn4 = '@yarnpkg/cli-dist';
  const managers = [
    ...Object.keys(npm).map((major) => ({
      name: `npm ${npm[major]}`,
      node: Number(major) >= 12 ? '24' : '20',
      script: join(toolFolder('npm', major), 'bin', 'npm-cli.js'),
      args: ['install', '--no-audit', '--no-fund', '--no-update-notifier', tarball],
    })),
    ...Object.keys(pnpm).map((major) => ({
      name: `pnpm ${pnpm[major]}`,
      node: Number(major) >= 11 ? '24' : '20',
      script: join(toolFolder('pnpm', major), 'bin', Number(major) >= 11 ? 'pnpm.mjs' : 'pnpm.cjs'),
      args: ['add', tarball],
    })),
    ...Object.keys(yarn).map((major) => ({
      name: `Yarn ${yarn[major]}`,
      node: '20',
      script: join(toolFolder('yarn', major), 'bin', 'yarn.js'),
      args: ['add', tarball],
    })),
    ...Object.keys(versions[yarn4]).flatMap((major) =>
      ['node-modules', 'pnp'].map((linker) => ({
        name: `Yarn ${versions[yarn4][major]} (${linker})`,
        node: '20',
        script: join(toolFolder(yarn4, major), 'bin', 'yarn.js'),
        args: ['add', `stillvec@file:${tarball}`],
        // Its way to turn scripts off is a setting, not an option.
        files: (scripts) => ({
          '.yarnrc.yml': `nodeLinker: ${linker}\nenableScripts: ${scripts}\nenableTelemetry: false\n`,
          'yarn.lock': '',
        }),
        run: linker === 'pnp' ? ['--require', './.pnp.cjs'] : [],
      })),
    ),
    ...Object.keys(versions.bun).map((major) => ({
      name: `Bun ${versions.bun[major]}`,
      node: '20',
      program: join(toolFolder('bun', major), 'bin', 'bun'),
      args: ['add', tarball],
    })),
  ];
  const cases = managers.flatMap((manager) => [true, false].map((scripts) => ({ ...manager, scripts })));
  await inParallel(cases, (one) =>
    timed(`${one.name}, scripts ${one.scripts ? 'on' : 'off'}`, () => installAndSmoke(one)),
  );
}

async function installAndSmoke({ name, node, script, program, args, files, run: runArgs = [], scripts }) {
  const folder = emptyProject(`${name.replaceAll(/\W+/g, '-')}-${scripts ? 'on' : 'off'}`);
  for (const [file, text] of Object.entries(files?.(scripts) ?? {})) writeFileSync(join(folder, file), text);
  const bin = programs(folder, node);
  // Two Yarns that unpack one tarball into a cache that they share break each other's files.
  const env = { ...ambient, PATH: bin, CI: '1', YARN_CACHE_FOLDER: join(folder, '.yarn-cache') };
  const options = scripts || files ? args : [...args, '--ignore-scripts'];
  const [command, first] = program ? [program, []] : [join(bin, 'node'), [script]];
  const { code, output } = await run(command, [...first, ...options], { cwd: folder, env });
  if (code !== 0) return `exit code ${code}, printed:\n${output}`;
  if (/gyp|(build|install)[ -]?scripts?|rebuild/i.test(output)) return `it speaks of scripts:\n${output}`;
  return smoke(join(bin, 'node'), runArgs, folder, 0, env);
}

async function checkJest() {
  for (const major of ['20', '24', '26'].filter((major) => major !== values['without-jest'])) {
    await timed(`jest on Node.js ${versions.node[major]}`, async () => {
      const node = nodeBinary(major);
      const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
      const { code, output } = await run(node, ['node_modules/jest/bin/jest.js', '--silent'], { env });
      console.log(/^Tests: .*$/m.exec(output)?.[0] ?? 'no test ran');
      return code === 0 ? undefined : output.slice(-8000);
    });
  }
}

/** Applies `task` to all items, as many at a time as there are cores. */
async function inParallel(items, task) {
  const results = [];
  const queue = [...items.entries()];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results[next[0]] = await task(next[1]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

function printNewer() {
  const view = (...args) => JSON.parse(execFileSync('npm', ['view', ...args, '--json'], { encoding: 'utf8' }));
  for (const [tool, majors] of Object.entries(versions)) {
    for (const [major, pinned] of Object.entries(majors)) {
      const all = [view(`${tool}@${major}`, 'version')].flat().filter((version) => !version.includes('-'));
      const newest = all.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
      if (newest !== pinned) console.log(`${tool} ${pinned} -> ${newest}`);
    }
    const latest = view(tool, 'dist-tags.latest');
    if (!(latest.split('.')[0] in majors) && !tool.includes('yarn'))
      console.log(`${tool}: ${latest} is not in the list`);
  }
}
