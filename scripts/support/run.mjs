import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';

const running = new Set();
const windows = process.platform === 'win32';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    killAll();
    process.exit(128 + constants.signals[signal]);
  });
}
process.on('exit', killAll);

// Children lead process groups of their own, so that a compiler started by a build tool started by npm ends too.
function killAll() {
  for (const child of running) {
    try {
      if (windows) spawn('taskkill', ['/pid', String(child.pid), '/T', '/F']);
      else process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has ended meanwhile.
    }
  }
  running.clear();
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
    running.add(child);
    child.stdout.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      running.delete(child);
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
