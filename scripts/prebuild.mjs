// `npm run prebuild`: builds the addon for this platform and leaves it in prebuilds/, where the published package's loader
// looks. For arm64:
//
//   npm run prebuild -- --arch arm64 --toolchain cmake/linux-arm64.cmake --strip aarch64-linux-gnu-strip
import { copyFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { step } from './support/run.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { values: options } = parseArgs({
  options: {
    arch: { type: 'string', default: process.arch },
    toolchain: { type: 'string' },
    strip: { type: 'string', default: 'strip' },
  },
});

// Node names the C library that it was built for, when it was glibc.
const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
const target = [process.platform, options.arch, ...(process.platform === 'linux' ? [libc] : [])].join('-');
// The checkout's own build folder serves unless the addon is for another machine.
const build = options.toolchain ? `build-prebuild-${target}` : 'build';
const args = ['build', '--out', build, '--arch', options.arch];
if (options.toolchain) args.push(`--CDCMAKE_TOOLCHAIN_FILE=${resolve(options.toolchain)}`);
await step('native addon', 'cmake-js', join('node_modules', '.bin', 'cmake-js'), args);

const file = join('prebuilds', target, 'stillvec.node');
mkdirSync(join('prebuilds', target), { recursive: true });
copyFileSync(join(build, 'Release', 'stillvec.node'), file);
if (process.platform !== 'win32') {
  const only = process.platform === 'darwin' ? ['-Sx'] : ['--strip-all'];
  await step('strip', options.strip, options.strip, [...only, file]);
}
console.error(file);
