import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

const checkout = path.resolve(__dirname, '../..');

function startDemo(...args: string[]): ChildProcessWithoutNullStreams {
  // The command of `npm start`, after the set-up that the tests have run already.
  const command = ['--import', 'tsx', path.join('demo', 'search-docs.ts'), ...args];
  // What is piped is plain, though CI is where colour libraries use colours, and jest may ask for them.
  const env = { ...process.env, CI: 'true', FORCE_COLOR: '1', NO_COLOR: undefined };
  return spawn(process.execPath, command, { cwd: checkout, env });
}

async function finish(
  demo: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; out: string; err: string }> {
  let [out, err] = ['', ''];
  demo.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  demo.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const code = await new Promise<number | null>((resolve) => demo.on('close', resolve));
  return { code, out, err };
}

test('learns, measures, saves and answers, in plain text when piped', async () => {
  // A model of another vocabulary would stay until the new one is whole, which then lies in a folder of its own.
  const saved = path.join(checkout, 'models', 'search-docs-quick');
  rmSync(saved, { recursive: true, force: true });
  const { code, out, err } = await finish(startDemo('--quick', 'how do I', 'abort a request'));
  expect(err).toBe('');
  expect(code).toBe(0);
  expect(out).not.toMatch(/[\x1b\r]/);
  expect(out).toMatch(/^ {2}Training +100 % +loss \d+\.\d\d +[\d,]+ pairs\/s$/m);
  expect(out).toMatch(/^ {2}how do I abort a request$/m);
  expect(out).toMatch(/^ {2}Encoding +[\d,]+ texts\/s/m);

  const scores = (label: string): number[] => {
    const row = new RegExp(`^ {2}${label} +([\\d. ]+)$`, 'm').exec(out)?.[1] ?? '';
    return row.trim().split(/ +/).map(Number);
  };
  const [before = NaN] = scores('before training');
  const [after = NaN] = scores('after training');
  expect(after).toBeGreaterThan(before);
  expect(scores('BM25')[0]).toBeGreaterThan(0.1);
  expect(scores('BM25 and the model')[0]).toBeGreaterThan(after);
  expect(scores('pooled by the mean')[0]).toBeGreaterThan(0.1);

  expect(existsSync(path.join(saved, 'model.safetensors'))).toBe(true);
  expect(JSON.parse(readFileSync(path.join(saved, 'modules.json'), 'utf8'))).toHaveLength(1);
});

test('stops at an interrupt', async () => {
  const demo = startDemo('--quick');
  demo.stdout.once('data', () => demo.kill('SIGINT'));
  const { code, out } = await finish(demo);
  expect(out).toMatch(/Stopped\.\s*$/);
  expect(code).toBe(130);
});

test('explains an unknown option', async () => {
  const { code, err } = await finish(startDemo('--quik'));
  expect(code).toBe(1);
  expect(err).toMatch(/error.*--quik/);
  expect(err).not.toMatch(/^ +at /m);
});
