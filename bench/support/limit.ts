import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const root = path.join(__dirname, '..', '..');
const build = path.join(root, 'build-limits');

/** Builds a program of native/bench/ that measures a limit of this machine. Undefined where it cannot be built. */
export async function buildLimit(name: 'gather' | 'training'): Promise<string | undefined> {
  const target = `stillvec_${name}_limit`;
  try {
    mkdirSync(build, { recursive: true });
    await run('cmake', ['-S', root, '-B', build, '-DCMAKE_BUILD_TYPE=Release', '-DSTILLVEC_LIMITS=ON']);
    await run('cmake', ['--build', build, '--config', 'Release', '--parallel', '--target', target]);
    return path.join(build, process.platform === 'win32' ? `Release/${target}.exe` : target);
  } catch {
    return undefined;
  }
}
