// The attacks of test/faults in full, where `npm test` makes a part of them: takes minutes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const jest = spawnSync(
  process.execPath,
  ['node_modules/jest/bin/jest.js', 'test/faults', '--runInBand', ...process.argv.slice(2)],
  { env: { ...process.env, STILLVEC_FAULTS: 'long' }, stdio: 'inherit' },
);
process.exit(jest.status ?? 1);
