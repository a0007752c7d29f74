import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Whether a program of this name is on PATH. */
export function onPath(name) {
  const extensions = process.platform === 'win32' ? (process.env.PATHEXT ?? '.EXE').split(';') : [''];
  return (process.env.PATH ?? '').split(delimiter).some((folder) =>
    extensions.some((extension) => {
      try {
        accessSync(join(folder, name + extension), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    }),
  );
}

/** Whether there is a C++ compiler. On Windows the build tools find it themselves, in the registry. */
function hasCompiler() {
  if (process.platform === 'win32' || process.env.CXX) return true;
  // macOS has a /usr/bin/c++ that only asks to install the compiler.
  if (process.platform === 'darwin') return spawnSync('xcode-select', ['-p']).status === 0;
  return ['c++', 'g++', 'clang++'].some(onPath);
}

/** The way in which the addon can be built here, as { how, tool, args }, or undefined. */
export function nativeBuild() {
  if (!hasCompiler()) return undefined;
  if (onPath('cmake')) {
    const ninja = onPath('ninja');
    if (!ninja && process.platform !== 'win32' && !onPath('make')) return undefined;
    return {
      how: `cmake-js${ninja ? ', Ninja' : ''}`,
      tool: 'cmake-js',
      args: ['build', '--parallel', String(availableParallelism())],
    };
  }
  const python = ['python3', 'python', 'py'].some(onPath);
  if (!python || (process.platform !== 'win32' && !onPath('make'))) return undefined;
  return { how: 'node-gyp', tool: 'node-gyp', args: ['rebuild', '--jobs=max', ...nodeHeaders()] };
}

/** node-gyp's argument for the headers that the running Node came with, where it did: otherwise it downloads them. */
export function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

/** The command that installs a compiler and a build tool on this system. */
export function installHint() {
  if (process.platform === 'darwin') return 'xcode-select --install && brew install cmake ninja';
  if (process.platform === 'win32') {
    return (
      'winget install Kitware.CMake Ninja-build.Ninja Microsoft.VisualStudio.2022.BuildTools --override ' +
      '"--quiet --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
    );
  }
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const ids = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)/gm)].flatMap((match) => match[1].split(' '));
  const hints = {
    debian: 'sudo apt-get install g++ cmake ninja-build',
    ubuntu: 'sudo apt-get install g++ cmake ninja-build',
    fedora: 'sudo dnf install gcc-c++ cmake ninja-build',
    rhel: 'sudo dnf install gcc-c++ cmake ninja-build',
    alpine: 'sudo apk add g++ cmake samurai linux-headers',
    arch: 'sudo pacman -S gcc cmake ninja',
    suse: 'sudo zypper install gcc-c++ cmake ninja',
  };
  const id = ids.find((name) => name in hints);
  return id === undefined ? 'a C++20 compiler, CMake and Ninja, from your system’s packages' : hints[id];
}
