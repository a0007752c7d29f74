// Runs the jest suite against an addon built with AddressSanitizer and UndefinedBehaviorSanitizer: what goes wrong in it
// ends the test's process with a report. Takes jest's arguments. Run after a set-up; the checkout's own build is left
// alone. Linux only.
import { execFileSync, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { step } from './support/run.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const folder = 'build-sanitized';
await step('native addon', 'cmake-js, sanitized', resolve('node_modules/.bin/cmake-js'), [
  'build',
  `--out=${folder}`,
  '--config=Sanitize',
  '--CDSTILLVEC_SANITIZE=address,undefined',
]);

const library = (name) => execFileSync('c++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
const env = {
  ...process.env,
  STILLVEC_ADDON: resolve(folder, 'Sanitize/stillvec.node'),
  // Node.js itself is not instrumented, and leaks by design. Tests look at the memory of the process: little of what
  // is freed is kept back.
  LD_PRELOAD: [library('libasan.so'), library('libstdc++.so.6')].join(':'),
  ASAN_OPTIONS: 'detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=16',
  UBSAN_OPTIONS: 'print_stacktrace=1',
};
const jest = spawnSync(
  process.execPath,
  // The first holds the package's own binary, the second preload libraries of their own, and the others spend their time
  // outside the addon.
  [
    'node_modules/jest/bin/jest.js',
    '--testPathIgnorePatterns',
    'test/package',
    'test/faults/(?!addon)',
    'test/(types|demo|readme|errors|validate|interop)',
    'test/formats/(hub|library|regex|safetensors)',
    'test/training/dataset',
    'test/process/demo',
    '--testTimeout=120000',
    ...process.argv.slice(2),
  ],
  { env, stdio: 'inherit' },
);
process.exit(jest.status ?? 1);
