import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where tables, charts and JSON are written. */
export const resultsFolder = path.join(__dirname, '..', 'results');

/** Runs a script of this folder in a process of its own; what it prints is JSON. */
export async function runScript(script: string, args: readonly string[], environment = {}): Promise<unknown> {
  const { stdout } = await run(process.execPath, ['--expose-gc', '--import', 'tsx', script, ...args], {
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 28,
  });
  return JSON.parse(stdout);
}

/** The same for any other program. */
export async function runProgram(program: string, args: readonly string[], environment = {}): Promise<unknown> {
  const { stdout } = await run(program, [...args], { env: { ...process.env, ...environment }, maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

/** Calls `use` with a new folder, which is gone afterwards. */
export async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-bench-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Says on the standard error what is going on: the standard output is the result. */
export function report(what: string): void {
  process.stderr.write(`${what}\n`);
}

/** Writes the chart and the figures beside each other, and returns the chart's path. */
export function writeResults(name: string, chart: string, figures: object): string {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(path.join(resultsFolder, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`);
  const file = path.join(resultsFolder, `${name}.svg`);
  writeFileSync(file, chart);
  return file;
}
