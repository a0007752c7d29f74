import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import {
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type FitOptions,
  type Scheduler,
  type SchedulerOptions,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-schedulers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tokenizer = writeTinyTokenizer(folder);

const trainDataset = Array.from({ length: 8 }, (_, i) => ({ anchor: `fox ${i}`, positive: `dog ${i}` }));

/** The learning rates of a run of 12 steps. */
async function rates(options: Partial<FitOptions>): Promise<number[]> {
  const model = await SentenceTransformer.create({ tokenizer, dim: 8 });
  const { history } = await model.fit({
    trainDataset,
    loss: new MultipleNegativesRankingLoss(),
    batchSampler: 'sequential',
    batchSize: 2,
    epochs: 3,
    learningRate: 0.2,
    ...options,
  });
  return history.map(({ learningRate }) => learningRate);
}

/** What transformers 5 gives for 12 steps, 3 of them warm-up, and the peak 0.2. */
const warmup = [0, 0.066667, 0.133333];
const cosine = [...warmup, 0.2, 0.193969, 0.176604, 0.15, 0.117365, 0.082635, 0.05, 0.023396, 0.006031];
const linear = [...warmup, 0.2, 0.177778, 0.155556, 0.133333, 0.111111, 0.088889, 0.066667, 0.044444, 0.022222];
const cases: [Scheduler, SchedulerOptions, number[]][] = [
  ['constant', {}, Array.from({ length: 12 }, () => 0.2)],
  ['constant_with_warmup', {}, [...warmup, ...Array.from({ length: 9 }, () => 0.2)]],
  ['linear', {}, linear],
  ['cosine', {}, cosine],
  ['cosine', { numCycles: 1.5 }, [...warmup, 0.2, 0.15, 0.05, 0, 0.05, 0.15, 0.2, 0.15, 0.05]],
  ['cosine_with_restarts', {}, cosine],
  ['cosine_with_restarts', { numCycles: 3 }, [...warmup, 0.2, 0.15, 0.05, 0.2, 0.15, 0.05, 0.2, 0.15, 0.05]],
  ['polynomial', {}, linear],
  [
    'polynomial',
    { power: 2, lrEnd: 0.01 },
    [...warmup, 0.2, 0.160123, 0.124938, 0.094444, 0.068642, 0.047531, 0.031111, 0.019383, 0.012346],
  ],
  ['inverse_sqrt', {}, [...warmup, 0.2, 0.173205, 0.154919, 0.141421, 0.130931, 0.122474, 0.11547, 0.109545, 0.104447]],
  [
    'inverse_sqrt',
    { timescale: 5 },
    [...warmup, 0.2, 0.182574, 0.169031, 0.158114, 0.149071, 0.141421, 0.13484, 0.129099, 0.124035],
  ],
];

describe('the scheduler', () => {
  test.each(cases)('%s with %j gives the rates of transformers', async (scheduler, schedulerOptions, expected) => {
    const actual = await rates({ scheduler, schedulerOptions, warmupSteps: 3 });
    expect(actual).toHaveLength(12);
    for (const [i, rate] of actual.entries()) expect(Math.abs(rate - expected[i]!)).toBeLessThan(1.1e-6);
  });

  test.each<[string, Partial<FitOptions>, RegExp]>([
    ['an unknown scheduler', { scheduler: 'step' as never }, /expected one of 'constant', .* for scheduler/],
    [
      "another scheduler's option",
      { scheduler: 'cosine', schedulerOptions: { power: 2 } },
      /unknown option power for schedulerOptions of the scheduler cosine: its options are numCycles/,
    ],
    ['an option of one that has none', { schedulerOptions: { power: 2 } }, /of the scheduler linear: it has none/],
    [
      'a Python name',
      { scheduler: 'cosine', schedulerOptions: { num_cycles: 2 } as never },
      /unknown option num_cycles .*did you mean numCycles\?/,
    ],
    [
      'options that are none',
      { schedulerOptions: 2 as never },
      /expected an object for schedulerOptions but received 2/,
    ],
    [
      'a power of 0',
      { scheduler: 'polynomial', schedulerOptions: { power: 0 } },
      /expected a finite number above 0 for schedulerOptions.power but received 0/,
    ],
    [
      'no cycles',
      { scheduler: 'cosine_with_restarts', schedulerOptions: { numCycles: NaN } },
      /expected a finite number above 0 for schedulerOptions.numCycles but received NaN/,
    ],
    [
      'a time scale of half a step',
      { scheduler: 'inverse_sqrt', schedulerOptions: { timescale: 0.5 } },
      /expected an integer at least 1 for schedulerOptions.timescale but received 0.5/,
    ],
    [
      'an end above the peak',
      { scheduler: 'polynomial', schedulerOptions: { lrEnd: 0.3 } },
      /expected a number above schedulerOptions.lrEnd \(0.3\) for learningRate but received 0.2/,
    ],
    ['a peak at the end', { scheduler: 'polynomial', learningRate: 0 }, /above schedulerOptions.lrEnd \(1e-7\)/],
  ])('refuses %s', async (_, options, message) => {
    await expect(rates(options)).rejects.toThrow(message);
  });
});

/** A Python that has transformers: $STILLVEC_PYTHON, or the first one on the path. */
const python = process.env['STILLVEC_PYTHON'] ?? 'python3';
const version = spawnSync(python, ['-c', 'import torch, transformers; print(transformers.__version__)'], {
  encoding: 'utf8',
});
const describeWithPython = version.status === 0 ? describe : describe.skip;
const name =
  version.status === 0
    ? `transformers ${version.stdout.trim()}`
    : `transformers (skipped: ${python} cannot import it and torch)`;

describeWithPython(name, () => {
  test('schedules every step alike', async () => {
    const program = `
import json, re, sys, torch, transformers
rates = []
for name, options, warmup in json.load(sys.stdin):
    options = {re.sub("[A-Z]", lambda c: "_" + c[0].lower(), name): value for name, value in options.items()}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.2)
    scheduler = transformers.get_scheduler(name, optimizer, warmup, 12, scheduler_specific_kwargs=options)
    rates.append([])
    for step in range(12):
        rates[-1].append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
print(json.dumps(rates))`;
    const runs = cases.flatMap(([scheduler, options]) =>
      [0, 1, 5, 11, 20].map((warmupSteps) => [scheduler, options, warmupSteps] as const),
    );
    const { stdout, stderr, status } = spawnSync(python, ['-c', program], {
      encoding: 'utf8',
      input: JSON.stringify(runs),
    });
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
    const expected = JSON.parse(stdout) as number[][];
    for (const [i, [scheduler, schedulerOptions, warmupSteps]] of runs.entries()) {
      const actual = await rates({ scheduler, schedulerOptions, warmupSteps });
      for (const [step, rate] of actual.entries()) {
        expect([i, step, Math.abs(rate - expected[i]![step]!) < 1e-12]).toEqual([i, step, true]);
      }
    }
  }, 60_000);
});
