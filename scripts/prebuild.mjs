// `npm run prebuild`: builds the addon for this platform and leaves it in prebuilds/, where the published package's loader
// looks. prebuildify names, strips and places the file; the build itself is CMake's, as everywhere else. For arm64:
//
//   npm run prebuild -- --arch arm64 --toolchain cmake/linux-arm64.cmake --strip-bin aarch64-linux-gnu-strip
import { copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fail, step } from './support/run.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { values: options } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    toolchain: { type: 'string' },
    'strip-bin': { type: 'string', default: 'strip' },
  },
});
const target = `${process.platform}-${options.arch}`;
rmSync(join('prebuilds', target), { recursive: true, force: true });

// prebuildify moves the binary away from where it was built, so it works in a folder of its own.
const staging = `build-prebuild-${target}`;
mkdirSync(staging, { recursive: true });
copyFileSync('package.json', join(staging, 'package.json'));

const args = ['--napi', '--strip', '--strip-bin', options['strip-bin'], '--tag-libc', '--arch', options.arch];
if (options.arch === 'arm64') args.push('--tag-armv', '--armv', '8');
args.push('--cwd', staging, '--out', resolve('.'), '--node-gyp', resolve('scripts/support/cmake-as-node-gyp.mjs'));
const env = { ...process.env };
if (options.toolchain) env.STILLVEC_TOOLCHAIN = resolve(options.toolchain);

await step('prebuild', target, join('node_modules', '.bin', 'prebuildify'), args, { env });
const files = readdirSync(join('prebuilds', target));
if (files.length !== 1) fail(`expected one file in prebuilds/${target}, found ${files.join(', ')}`);
console.log(join('prebuilds', target, files[0]));
