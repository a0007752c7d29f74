#!/usr/bin/env node
// Stands where prebuildify expects node-gyp. It builds the addon with cmake-js and leaves a copy in build/Release of the
// folder it was started in, from where prebuildify takes it away. Of node-gyp's arguments only --arch matters: one
// Node-API binary serves every version of Node.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const arch = process.argv.find((argument) => argument.startsWith('--arch='))?.slice('--arch='.length) ?? process.arch;
const toolchain = process.env.STILLVEC_TOOLCHAIN;
// The checkout's own build folder serves unless the addon is for another machine.
const out = toolchain ? join(process.cwd(), 'cmake') : join(root, 'build');

const args = ['build', '--directory', root, '--out', out, '--arch', arch];
if (toolchain) args.push(`--CDCMAKE_TOOLCHAIN_FILE=${toolchain}`);
const { status } = spawnSync(join(root, 'node_modules', '.bin', 'cmake-js'), args, {
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
if (status !== 0) process.exit(status ?? 1);
mkdirSync(join('build', 'Release'), { recursive: true });
copyFileSync(join(out, 'Release', 'stillvec.node'), join('build', 'Release', 'stillvec.node'));
