import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

// A checkout in small: the real set-up script, and programs that only note that they ran.
let folder: string;

function put(path: string, text: string, mode?: number): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode });
}

function program(path: string, commands: string): void {
  put(path, `#!/bin/sh\necho "$(basename "$0")" >> ran.txt\n${commands}\n`, 0o755);
}

function lock(version: string): string {
  return JSON.stringify({
    packages: {
      '': { name: 'stillvec' },
      'node_modules/some': { version },
      'node_modules/elsewhere': { version: '1.0.0', optional: true },
    },
  });
}

function setup(): { status: number | null; stderr: string; ran: string[] } {
  rmSync(join(folder, 'ran.txt'), { force: true });
  const env = { PATH: join(folder, 'bin') };
  const { status, stderr } = spawnSync(process.execPath, ['scripts/setup.mjs'], { cwd: folder, env, encoding: 'utf8' });
  const note = join(folder, 'ran.txt');
  return { status, stderr, ran: existsSync(note) ? readFileSync(note, 'utf8').trimEnd().split('\n') : [] };
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stillvec-setup-'));
  cpSync(resolve(__dirname, '../../scripts'), join(folder, 'scripts'), { recursive: true });
  for (const name of ['sh', 'mkdir', 'basename', 'cat']) {
    mkdirSync(join(folder, 'bin'), { recursive: true });
    const path = ['/bin', '/usr/bin'].map((place) => join(place, name)).find((file) => existsSync(file));
    symlinkSync(path ?? name, join(folder, 'bin', name));
  }
  program('bin/npm', 'cat package-lock.json > node_modules/.package-lock.json');
  for (const name of ['c++', 'cmake', 'ninja']) program(`bin/${name}`, '');
  program('node_modules/.bin/cmake-js', 'mkdir -p build/Release && cat native/some.cc > build/Release/stillvec.node');
  program('node_modules/.bin/tsc', 'mkdir -p dist && cat lib/index.ts > dist/index.js');
  for (const name of ['node-addon-api', 'node-api-headers', 'cmake-js', 'node-gyp', 'typescript', '@types/node']) {
    put(`node_modules/${name}/package.json`, '{ "version": "1.0.0" }');
  }
  put('package-lock.json', lock('1.0.0'));
  for (const name of ['CMakeLists.txt', 'binding.gyp', 'tsconfig.json', 'tsconfig.build.json']) put(name, name);
  put('native/some.cc', 'int some = 1;');
  put('native/test/some_test.cc', 'int tested = 1;');
  put('lib/index.ts', 'export const some = 1;');
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const describeOnPosix = process.platform === 'win32' ? describe.skip : describe;

describeOnPosix('the set-up of a checkout', () => {
  test('does everything once', () => {
    expect(setup()).toMatchObject({ status: 0, ran: ['npm', 'cmake-js', 'tsc'] });
    expect(setup()).toEqual({ status: 0, ran: [], stderr: '' });
  });

  test('does again what has changed, and goes by content, not by time', () => {
    setup();
    put('native/some.cc', 'int some = 2;');
    expect(setup().ran).toEqual(['cmake-js']);
    put('lib/index.ts', 'export const some = 2;');
    expect(setup().ran).toEqual(['tsc']);
    put('node_modules/node-addon-api/package.json', '{ "version": "2.0.0" }');
    expect(setup().ran).toEqual(['cmake-js']);
    put('package-lock.json', lock('1.0.1'));
    expect(setup().ran).toEqual(['npm']);
    rmSync(join(folder, 'build/Release/stillvec.node'));
    expect(setup().ran).toEqual(['cmake-js']);

    put('native/test/some_test.cc', 'int tested = 2;');
    utimesSync(join(folder, 'native/some.cc'), new Date(), new Date());
    expect(setup().ran).toEqual([]);
  });

  test('drops what lib/ no longer has', () => {
    setup();
    put('dist/gone.js', '');
    put('lib/index.ts', 'export const some = 2;');
    setup();
    expect(existsSync(join(folder, 'dist/gone.js'))).toBe(false);
  });

  test('drops a build folder of a checkout that stood elsewhere', () => {
    put('build/CMakeCache.txt', 'CMAKE_GENERATOR:INTERNAL=Ninja\nCMAKE_HOME_DIRECTORY:INTERNAL=/elsewhere\n');
    expect(setup().status).toBe(0);
    expect(existsSync(join(folder, 'build/CMakeCache.txt'))).toBe(false);
  });

  test('shows how a build ended and keeps all that it printed', () => {
    program('node_modules/.bin/cmake-js', `${'echo line\n'.repeat(100)}echo "some.cc: error: no such thing"; exit 3`);
    const { status, stderr, ran } = setup();
    expect(status).toBe(1);
    expect(stderr).toContain('some.cc: error: no such thing');
    expect(stderr).toContain('exited with 3; all that it printed is in setup.log');
    expect(stderr.split('\n').length).toBeLessThan(40);
    expect(readFileSync(join(folder, 'setup.log'), 'utf8').match(/^line$/gm)).toHaveLength(100);
    expect(ran).toEqual(['npm', 'cmake-js']);
    expect(setup().ran).toEqual(['cmake-js']);
  });

  /** Starts the set-up, and resolves once the program that it runs has written `file`. */
  async function start(file: string): Promise<ChildProcess> {
    const env = { PATH: join(folder, 'bin') };
    const running = spawn(process.execPath, ['scripts/setup.mjs'], { cwd: folder, env, stdio: 'ignore' });
    const written = join(folder, file);
    while (!existsSync(written) || readFileSync(written, 'utf8') === '') await setTimeout(20);
    return running;
  }

  function isAlive(pid: number): boolean {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }

  test.each([
    ['ends when it is told to', ''],
    ['does not', "trap '' TERM; "],
  ])('waits for what it started when it is interrupted, which %s', async (_, trap) => {
    symlinkSync(existsSync('/bin/sleep') ? '/bin/sleep' : '/usr/bin/sleep', join(folder, 'bin/sleep'));
    program('node_modules/.bin/cmake-js', `${trap}echo $$ > started.txt; sleep 60; sleep 60`);
    const running = await start('started.txt');
    const ended = once(running, 'exit');
    running.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(isAlive(Number(readFileSync(join(folder, 'started.txt'), 'utf8')))).toBe(false);
  });

  test('waits for another set-up of the same checkout, then finds its work done', async () => {
    symlinkSync(existsSync('/bin/sleep') ? '/bin/sleep' : '/usr/bin/sleep', join(folder, 'bin/sleep'));
    program('bin/npm', 'echo npm > started.txt; sleep 1; cat package-lock.json > node_modules/.package-lock.json');
    const first = await start('started.txt');
    const ended = once(first, 'exit');
    const second = setup();
    expect(second.status).toBe(0);
    expect(second.ran).not.toContain('npm');
    expect(second.stderr).toContain(`waiting for process ${first.pid}`);
    expect(await ended).toEqual([0, null]);
  });

  test('takes node-gyp where CMake is missing', () => {
    rmSync(join(folder, 'bin/cmake'));
    program('bin/make', '');
    program('bin/python3', '');
    program('node_modules/.bin/node-gyp', 'mkdir -p build/Release && cat native/some.cc > build/Release/stillvec.node');
    expect(setup()).toMatchObject({ status: 0, ran: ['npm', 'node-gyp', 'tsc'] });
  });

  test('comes before `npm pack`, so that a fresh clone packs what it has built', () => {
    const { scripts } = JSON.parse(readFileSync(resolve(__dirname, '../../package.json'), 'utf8')) as {
      scripts: { prepack: string };
    };
    program('bin/strip', '');
    put('bin/node', `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, 0o755);
    const { status } = spawnSync('sh', ['-c', scripts.prepack], { cwd: folder, env: { PATH: join(folder, 'bin') } });
    expect(status).toBe(0);
    expect(existsSync(join(folder, 'dist/index.js'))).toBe(true);
    const target = readdirSync(join(folder, 'prebuilds')).filter((name) => name.startsWith(process.platform));
    expect(readFileSync(join(folder, 'prebuilds', target[0]!, 'stillvec.node'), 'utf8')).toBe('int some = 1;');
  });

  test.each(['c++', 'cmake'])('says what to install where %s is missing', (name) => {
    rmSync(join(folder, 'bin', name));
    const { status, stderr, ran } = setup();
    expect({ status, ran }).toEqual({ status: 1, ran: [] });
    expect(stderr).toContain('no C++ compiler with a build tool was found');
    expect(stderr).toMatch(/(apt-get|dnf|apk|pacman|zypper|brew) .*cmake|CMake and Ninja/);
  });
});
