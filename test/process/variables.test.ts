import { spawnSync } from 'node:child_process';
import path from 'node:path';

import { expect, test } from '@jest/globals';

const program = `
  try {
    require(${JSON.stringify(path.resolve(__dirname, '../../dist/native/index.js'))}).native.info();
    console.log('fine');
  } catch (error) {
    console.log(error.name, error.code, error.message);
  }`;

test.each([
  ['STILLVEC_MAX_ISA', 'bogus', 'one of scalar, neon, avx2, avx512, amx'],
  ['STILLVEC_MAX_ISA', '', 'one of scalar, neon, avx2, avx512, amx'],
  ['STILLVEC_THREADS', 'abc', 'an integer from 1 to 1024'],
  ['STILLVEC_THREADS', '0', 'an integer from 1 to 1024'],
  ['STILLVEC_THREADS', '1025', 'an integer from 1 to 1024'],
])('%s=%s is refused', (variable, value, expected) => {
  const { stdout } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    env: { ...process.env, [variable]: value },
  });
  expect(stdout).toBe(
    `InvalidArgumentError ERR_INVALID_ARGUMENT expected ${expected} for the variable ${variable} but received ` +
      `${JSON.stringify(value)}: change or unset it\n`,
  );
});

test.each([
  ['STILLVEC_MAX_ISA', 'scalar'],
  ['STILLVEC_THREADS', '3'],
])('%s=%s is taken', (variable, value) => {
  const { stdout } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    env: { ...process.env, [variable]: value },
  });
  expect(stdout).toBe('fine\n');
});
