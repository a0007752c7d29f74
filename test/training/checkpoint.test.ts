import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { MatryoshkaLoss, MultipleNegativesRankingLoss, SentenceTransformer, type FitOptions } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-checkpoint-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
const trainDataset = letters.flatMap((a) =>
  letters.map((b, i) => ({ anchor: `${a}${b}${i}`, positive: `${i % 7} ${b} the ${a} ${b}` })),
);
const loss = new MatryoshkaLoss(new MultipleNegativesRankingLoss(), { dims: [8, 16, 64], nDimsPerStep: 2 });
const usual: FitOptions = { trainDataset, loss, epochs: 6, batchSize: 32, learningRate: 0.05, saveSteps: 10 };
const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim: 64, seed: 3 });

async function trainedBits(options: Partial<FitOptions>): Promise<{ bits: string; steps: number }> {
  const model = await newModel();
  const run = await model.fit({ ...usual, ...options });
  return { bits: (await model.encode(letters)).data.join(), steps: run.history.length };
}

const checkpoints = (outputDir: string): string[] =>
  readdirSync(outputDir)
    .filter((name) => name.startsWith('checkpoint-'))
    .sort();

test.each(['adamw', 'sparse_adam'] as const)(
  'a run that is killed and resumed ends with the same bits (%s)',
  async (optimizer) => {
    const outputDir = path.join(folder, `killed-${optimizer}`);
    const expected = await trainedBits({ optimizer });
    const program = path.join(folder, 'train.cjs');
    writeFileSync(
      program,
      `const { MatryoshkaLoss, MultipleNegativesRankingLoss, SentenceTransformer } = require(${JSON.stringify(path.resolve(__dirname, '../..'))});
     const loss = new MatryoshkaLoss(new MultipleNegativesRankingLoss(), { dims: [8, 16, 64], nDimsPerStep: 2 });
     SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 64, seed: 3 }).then(async (model) => {
       await model.fit({ ...${JSON.stringify({ ...usual, optimizer, outputDir, saveSteps: 3, resumeFromCheckpoint: true })}, loss });
       console.log((await model.encode(${JSON.stringify(letters)})).data.join());
     });`,
    );
    let output = '';
    let kills = 0;
    // Each attempt lives a little longer, so the kills fall anywhere, in the writing of a checkpoint as well.
    for (let milliseconds = 150; output === ''; milliseconds += 45) {
      const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.on('data', (data: Buffer) => {
        output += data.toString();
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
      const [, signal] = (await once(child, 'close')) as [number | null, string | null];
      clearTimeout(timer);
      if (signal === 'SIGKILL') ++kills;
    }
    expect(kills).toBeGreaterThan(2);
    expect(output.trim()).toBe(expected.bits);
  },
  120_000,
);

test('an aborted run goes on where it stopped', async () => {
  const outputDir = path.join(folder, 'aborted');
  const expected = await trainedBits({});
  const controller = new AbortController();
  const model = await newModel();
  const aborted = model.fit({
    ...usual,
    outputDir,
    saveSteps: 1000,
    signal: controller.signal,
    onProgress: ({ phase }) => {
      if (phase === 'train') controller.abort();
    },
  });
  await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
  expect(checkpoints(outputDir)).toHaveLength(1);
  expect(await trainedBits({ outputDir, saveSteps: 1000, resumeFromCheckpoint: true })).toEqual(expected);
});

test('keeps the newest checkpoints, each a model that loads', async () => {
  const outputDir = path.join(folder, 'kept');
  await trainedBits({ outputDir, saveTotalLimit: 3, maxSteps: 57 });
  expect(checkpoints(outputDir)).toEqual(['checkpoint-40', 'checkpoint-50', 'checkpoint-57']);
  const model = await SentenceTransformer.load(path.join(outputDir, 'checkpoint-50'));
  expect(model.dim).toBe(64);
  const resumed = await trainedBits({ maxSteps: 57, resumeFromCheckpoint: path.join(outputDir, 'checkpoint-40') });
  expect(resumed).toEqual(await trainedBits({ maxSteps: 57 }));
});

test('resuming where there is nothing yet begins a new run', async () => {
  const outputDir = path.join(folder, 'new');
  const { steps } = await trainedBits({ outputDir, maxSteps: 5, resumeFromCheckpoint: true });
  expect(steps).toBe(5);
  expect(existsSync(path.join(outputDir, 'checkpoint-10'))).toBe(false);
});

test('a finished run is extended from its last checkpoint', async () => {
  const outputDir = path.join(folder, 'extended');
  const perEpoch = Math.ceil(trainDataset.length / 32);
  const options: FitOptions = { ...usual, batchSampler: 'random', outputDir };
  const model = await newModel();
  const { history } = await model.fit({ ...options, epochs: 3 });
  expect(history).toHaveLength(3 * perEpoch);

  const longer = await (await newModel()).fit({ ...options, epochs: 5, resumeFromCheckpoint: true });
  expect(longer.history).toHaveLength(5 * perEpoch);
  expect(longer.history.slice(0, 3 * perEpoch)).toEqual(history);
  // From there on with the learning rates of a run of five epochs, and its batches.
  const whole = await (await newModel()).fit({ ...usual, batchSampler: 'random', epochs: 5 });
  const rates = (run: typeof whole): number[] => run.history.slice(3 * perEpoch).map((step) => step.learningRate);
  expect(rates(longer)).toEqual(rates(whole));

  const resumeFromCheckpoint = path.join(outputDir, `checkpoint-${5 * perEpoch}`);
  const shorter = (await newModel()).fit({ ...options, epochs: 4, resumeFromCheckpoint });
  await expect(shorter).rejects.toThrow(/saved by a run with epochs 5, but this one has 4/);
  const limited = (await newModel()).fit({ ...options, epochs: 5, maxSteps: 10, resumeFromCheckpoint });
  await expect(limited).rejects.toThrow(/maxSteps/);
});

test('a run with other settings, a damaged checkpoint and a folder without one are refused', async () => {
  const outputDir = path.join(folder, 'refused');
  await trainedBits({ outputDir, maxSteps: 10 });
  const resumeFromCheckpoint = path.join(outputDir, 'checkpoint-10');
  const resume = (options: Partial<FitOptions>): Promise<unknown> => trainedBits({ resumeFromCheckpoint, ...options });
  await expect(resume({ maxSteps: 10, batchSize: 64 })).rejects.toThrow(/batchSize 32, but this one has 64/);
  await expect(resume({ maxSteps: 10, trainDataset: trainDataset.slice(1) })).rejects.toThrow(/dataset/);
  await expect(resume({ resumeFromCheckpoint: folder })).rejects.toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
  await expect(trainedBits({ resumeFromCheckpoint: true })).rejects.toThrow(/outputDir/);
  const tensors = path.join(resumeFromCheckpoint, 'trainer_state.safetensors');
  truncateSync(tensors, readFileSync(tensors).length - 8);
  await expect(resume({ maxSteps: 10 })).rejects.toMatchObject({ code: 'ERR_MODEL_CORRUPT' });
});
