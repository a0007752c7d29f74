import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { MultipleNegativesRankingLoss, SentenceTransformer, type FitOptions } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';
import { describeWithPreload, isLong, packageRoot } from './support';

const root = mkdtempSync(path.join(tmpdir(), 'stillvec-checkpoints-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const letters = Array.from('abcdefgh');
const trainDataset = letters.flatMap((a) => letters.map((b) => ({ anchor: `${a} ${b}`, positive: `the ${a}${b}` })));
const usual = { trainDataset, batchSize: 16, epochs: 2, learningRate: 0.05, saveSteps: 2, saveTotalLimit: 2 };
const loss = new MultipleNegativesRankingLoss();

let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(root);
});

async function train(options: Partial<FitOptions>): Promise<string> {
  const model = await SentenceTransformer.create({ tokenizer, dim: 8, seed: 3 });
  await model.fit({ ...usual, loss, ...options });
  return (await model.encode(letters)).data.join();
}

const names = (folder: string): string[] =>
  (existsSync(folder) ? readdirSync(folder).sort() : []).filter((name) => !/^log.*\.jsonl$/.test(name));

/** What an action warns of. */
async function warningsOf(action: () => Promise<unknown>): Promise<unknown[]> {
  const emitWarning = jest.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  try {
    await action();
    return emitWarning.mock.calls.map(([warning]) => warning);
  } finally {
    emitWarning.mockRestore();
  }
}

test('a later run in a used folder keeps its own checkpoints, and all of the other one', async () => {
  const outputDir = path.join(root, 'used');
  await train({ outputDir });
  expect(names(outputDir)).toEqual(['checkpoint-6', 'checkpoint-8']);
  const before = readFileSync(path.join(outputDir, 'checkpoint-6', 'model.safetensors'));
  const expected = await train({ learningRate: 0.01 });
  await train({ outputDir, learningRate: 0.01, maxSteps: 6 });
  expect(names(outputDir)).toEqual(['checkpoint-4', 'checkpoint-6', 'checkpoint-6-1', 'checkpoint-8']);
  expect(readFileSync(path.join(outputDir, 'checkpoint-6-1', 'model.safetensors')).equals(before)).toBe(true);

  // The newest is the one saved last, not the one of the most steps.
  await train({ outputDir, maxSteps: 2 });
  await expect(train({ outputDir, maxSteps: 1, resumeFromCheckpoint: true })).rejects.toThrow(/maxSteps 2/);
  expect(await train({ learningRate: 0.01 })).toBe(expected);
});

test('a checkpoint of other settings is passed over where one of these follows', async () => {
  const outputDir = path.join(root, 'mixed');
  const expected = await train({});
  const controller = new AbortController();
  const onProgress: FitOptions['onProgress'] = ({ phase, done }) => {
    if (phase === 'train' && done >= 4) controller.abort();
  };
  await train({ outputDir, signal: controller.signal, onProgress }).catch(() => undefined);
  await train({ outputDir, learningRate: 0.01, maxSteps: 2 });
  const warnings = await warningsOf(async () => {
    expect(await train({ outputDir, resumeFromCheckpoint: true })).toBe(expected);
  });
  expect(warnings).toEqual([expect.stringMatching(/checkpoint-2.* was saved by a run with .*; the run goes on from/)]);
});

test.each(['trainer_state.safetensors', 'trainer_state.json'])(
  'where %s of the newest checkpoint is torn, the one before is taken',
  async (file) => {
    const outputDir = path.join(root, `torn-${file}`);
    const expected = await train({ outputDir });
    truncateSync(path.join(outputDir, 'checkpoint-8', file), 100);
    const warnings = await warningsOf(async () => {
      expect(await train({ outputDir, resumeFromCheckpoint: true })).toBe(expected);
    });
    expect(warnings).toEqual([expect.stringMatching(/checkpoint-8.*; the run goes on from checkpoint-6/)]);
    // The run has written the torn one again.
    expect(await warningsOf(() => train({ outputDir, resumeFromCheckpoint: true }))).toEqual([]);
  },
);

/** Changes the state of a checkpoint as someone who does not know of checksums, or leaves them out. */
function forge(folder: string, changes: Record<string, unknown>): void {
  const file = path.join(folder, 'trainer_state.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...changes }));
  const tensors = path.join(folder, 'trainer_state.safetensors');
  const bytes = readFileSync(tensors);
  const header = bytes.toString('latin1', 8, 8 + Number(bytes.readBigUInt64LE()));
  // As long as before, and unknown.
  bytes.write(header.replaceAll('"stillvec.', '"unknown__'), 8, 'latin1');
  writeFileSync(tensors, bytes);
}

test.each<[string, Record<string, unknown>]>([
  ['historyBegin', { historyBegin: 2 ** 32 - 6 }],
  ['historyBegin', { historyBegin: 2 ** 53 - 1 }],
  ['historyBegin', { historyBegin: -1 }],
  ['learning_rates', { historyBegin: 3 }],
  ['epoch', { epoch: 2 ** 53 - 1 }],
  ['epoch', { epoch: 'first' }],
  ['stepsOfEpoch', { stepsOfEpoch: 'all' }],
  ['stepsOfEpoch', { stepsOfEpoch: 1000 }],
  ['randomState', { randomState: '18446744073709551616' }],
  ['randomState', { randomState: '-1' }],
  ['randomState', { randomState: 5 }],
  ['history', { history: 'none' }],
  ['history', { history: [1, 2] }],
  ['step', { history: [{ step: 1, learningRate: 0, loss: 0, gradNorm: 0 }] }],
  ['loss', { history: [{ step: 0, learningRate: 0, loss: 'low', gradNorm: 0 }], historyBegin: 0 }],
  ['evaluations', { evaluations: null }],
  ['metrics', { evaluations: [{ step: 1, epoch: 0, metrics: 7 }] }],
  ['step', { evaluations: [{ step: 1e9, metrics: {} }] }],
  ['rows', { rows: 1.5 }],
  ['version', { version: 2 }],
  ['settings', { settings: [] }],
])('a state with another %s is refused (%j)', async (field, changes) => {
  const folder = path.join(root, 'forged');
  rmSync(folder, { recursive: true, force: true });
  await train({ outputDir: folder, maxSteps: 4 });
  forge(path.join(folder, 'checkpoint-4'), {});
  const resumeFromCheckpoint = path.join(folder, 'checkpoint-4');
  expect(await train({ maxSteps: 4, resumeFromCheckpoint })).toBe(await train({ maxSteps: 4 }));
  forge(resumeFromCheckpoint, changes);
  await expect(train({ maxSteps: 4, resumeFromCheckpoint })).rejects.toMatchObject({
    code: 'ERR_MODEL_CORRUPT',
    message: expect.stringContaining(field),
  });
});

describeWithPreload('a checkpoint that is killed at a system call', 'kill.c', root, (library) => {
  test.each([
    ['an empty folder', false],
    ['a folder with checkpoints of another run', true],
  ])(
    'leaves whole ones, and nothing of its own for long, in %s',
    async (_, isUsed) => {
      const expected = await train({});
      const used = path.join(root, `before-${isUsed}`);
      if (isUsed) await train({ outputDir: used, learningRate: 0.01 });
      const program = path.join(root, 'train.cjs');
      const outputDir = path.join(root, 'killed');
      writeFileSync(
        program,
        `const { MultipleNegativesRankingLoss, SentenceTransformer } = require(${JSON.stringify(packageRoot)});
         SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 8, seed: 3 }).then((model) =>
           model.fit({ ...${JSON.stringify({ ...usual, outputDir })}, loss: new MultipleNegativesRankingLoss() }));`,
      );
      const stride = isLong ? 1 : 23;
      let kills = 0;
      for (let at = isLong ? 1 : 1 + Math.floor(Math.random() * stride); ; at += stride) {
        rmSync(outputDir, { recursive: true, force: true });
        if (isUsed) cpSync(used, outputDir, { recursive: true });
        const env = {
          ...process.env,
          LD_PRELOAD: library,
          STILLVEC_KILL_FOLDER: outputDir,
          STILLVEC_KILL_AT: `${at}`,
          UV_USE_IO_URING: '0',
        };
        const { signal, status } = spawnSync(process.execPath, [program], { env, stdio: 'inherit' });
        const checkpoints = names(outputDir).filter((name) => name.startsWith('checkpoint-'));
        if (isUsed) expect(checkpoints.length).toBeGreaterThanOrEqual(2);
        for (const name of checkpoints) {
          await SentenceTransformer.load(path.join(outputDir, name));
          const resumeFromCheckpoint = path.join(outputDir, name);
          const other = /learningRate 0.01/;
          await train({ resumeFromCheckpoint }).then(
            (bits) => {
              expect(bits).toBe(expected);
            },
            (error: unknown) => {
              expect({ at, isUsed, message: String(error) }).toMatchObject({
                isUsed: true,
                message: expect.stringMatching(other),
              });
            },
          );
        }
        if (signal !== 'SIGKILL') {
          expect(status).toBe(0);
          break;
        }
        ++kills;
        if (!isUsed) {
          expect(await train({ outputDir, resumeFromCheckpoint: true })).toBe(expected);
          expect({ at, names: names(outputDir) }).toEqual({ at, names: ['checkpoint-6', 'checkpoint-8'] });
        }
      }
      expect(kills).toBeGreaterThan(3);
    },
    isLong ? 900_000 : 90_000,
  );
});
