import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';

/** Children that run, each with the promise of its end. */
const running = new Map();
const windows = process.platform === 'win32';

/** How long children may take to end by themselves once they are told to. */
const graceMilliseconds = 3000;

let ending = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    // A second signal waits for nobody.
    if (ending) process.exit(128 + constants.signals[signal]);
    ending = true;
    void endChildren().then(() => process.exit(128 + constants.signals[signal]));
  });
}
process.on('exit', () => signalAll('SIGKILL'));

/** Ends all children and waits for it: one that went on, such as npm, would work on what the next run has begun. */
async function endChildren() {
  signalAll('SIGTERM');
  const timer = setTimeout(() => signalAll('SIGKILL'), graceMilliseconds);
  await Promise.all(running.values());
  clearTimeout(timer);
}

// Children lead process groups of their own, so that a compiler started by a build tool started by npm ends too.
function signalAll(signal) {
  for (const child of running.keys()) {
    try {
      if (windows) spawn('taskkill', ['/pid', String(child.pid), '/T', '/F']);
      else process.kill(-child.pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** Runs a command to its end. Resolves with its exit code and all it printed, in the order in which it came. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    // npm and npx are batch files on Windows, which only a shell starts.
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: !windows,
      shell: windows,
      ...options,
    });
    let output = '';
    running.set(child, new Promise((ended) => child.on('close', ended).on('error', ended)));
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => {
      running.delete(child);
      reject(error);
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      // The signal's own handler ends this process; the command has not failed by itself.
      if (ending) return;
      resolve({ code: code ?? 128 + constants.signals[signal], output });
    });
  });
}

/**
 * Runs one step behind a single line: a clock while it works, a tick and its seconds when it is done. If it fails, prints
 * the end of its output, keeps all of it in `setup.log`, and ends the process.
 */
export async function step(title, how, command, args, options) {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`.padStart(8);
  const line = (mark) => `  ${mark} ${title.padEnd(14)} ${dim(how.padEnd(24))} ${seconds()}`;
  const live = process.stderr.isTTY;
  const show = (mark, end) => process.stderr.write(`${live ? '\r\x1b[2K' : ''}${line(mark)}${end}`);

  const timer = live ? setInterval(() => show(dim('·'), ''), 100) : undefined;
  const { code, output } = await run(command, args, options).catch((error) => ({ code: 127, output: String(error) }));
  clearInterval(timer);
  if (code === 0) {
    show(green('✔'), '\n');
    return;
  }
  show(red('✘'), '\n');
  writeFileSync('setup.log', `$ ${[command, ...args].join(' ')}\n${output}`);
  const tail = output.trimEnd().split('\n').slice(-25);
  process.stderr.write(`\n${tail.map((text) => `    ${text}`).join('\n')}\n\n`);
  fail(`${command} ${args[0] ?? ''} exited with ${code}; all that it printed is in setup.log`);
}

/** Ends the process with a message. */
export function fail(message) {
  process.stderr.write(`${red('error')} ${message}\n`);
  process.exit(1);
}

const style = (code) => (text) => (process.stderr.hasColors?.() ? `\x1b[${code}m${text}\x1b[0m` : text);
const dim = style(2);
const red = style(31);
const green = style(32);
