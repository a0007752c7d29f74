import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Waits until no other process holds the lock `file`, then holds it until this one ends. */
export async function lock(file) {
  for (let waited = false; !take(file); waited = true) {
    const holder = readHolder(file);
    if (holder !== undefined && !isAlive(holder)) rmSync(file, { force: true });
    else {
      if (!waited) process.stderr.write(`  waiting for process ${holder ?? '?'}, which is doing the same\n`);
      await setTimeout(100);
    }
  }
  process.on('exit', () => rmSync(file, { force: true }));
}

function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The process that holds the lock, or undefined while it writes its number. */
function readHolder(file) {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
