import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CoSENTLoss,
  EmbeddingSimilarityEvaluator,
  InvalidArgumentError,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type Evaluator,
  type FitCallback,
  type FitOptions,
  type FitResult,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-evaluation-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const letters = Array.from('abcdefghijklmnopqrstuvwx');
const trainDataset = letters.map((letter, i) => ({ anchor: `${letter} red ${i}`, positive: `the ${letter}${i} fox` }));
const pairs = letters.map((letter, i) => ({ one: `${letter} red`, other: `${letter} fox`, score: (i % 5) / 4 }));
const loss = new MultipleNegativesRankingLoss();
const usual = { trainDataset, loss, batchSize: 6, learningRate: 0.05 } satisfies FitOptions; // 4 steps an epoch
const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim: 16, seed: 3 });

async function fit(options: Partial<FitOptions>): Promise<FitResult> {
  return (await newModel()).fit({ ...usual, ...options });
}

/** Gives these values, one an evaluation. */
function evaluatorOf(values: readonly number[], name = ''): Evaluator & { models: unknown[] } {
  const models: unknown[] = [];
  return {
    name,
    primaryMetric: 'accuracy',
    models,
    evaluate: (model) => {
      models.push(model);
      return Promise.resolve({ accuracy: values[models.length - 1] ?? 0, other: models.length });
    },
  };
}

async function bitsOf(model: SentenceTransformer): Promise<string> {
  return (await model.encode(letters)).data.join();
}

describe('evalDataset', () => {
  test('gives the loss of the table as it stands', async () => {
    const { evaluations, history } = await fit({ evalDataset: trainDataset, evalSteps: 2, batchSampler: 'sequential' });
    expect(evaluations.map(({ step }) => step)).toEqual([2, 4]);
    expect(evaluations.map(({ epoch }) => epoch)).toEqual([0.5, 1]);
    for (const { metrics } of evaluations) expect(Object.keys(metrics)).toEqual(['eval_loss']);
    const whole = await fit({ batchSize: 24, learningRate: 0, evalDataset: trainDataset });
    expect(whole.evaluations.at(-1)?.metrics['eval_loss']).toBeCloseTo(whole.history[0]!.loss, 6);
    expect(evaluations[1]!.metrics['eval_loss']).toBeLessThan(history[0]!.loss);
  });

  test('is measured without a trace in the run', async () => {
    const [plain, measured] = [await newModel(), await newModel()];
    await plain.fit({ ...usual, epochs: 3 });
    await measured.fit({ ...usual, epochs: 3, evalDataset: trainDataset, evalSteps: 1, loggingSteps: 1 });
    expect(await bitsOf(measured)).toBe(await bitsOf(plain));
  });

  test('may be several, each with its loss', async () => {
    const { evaluations } = await fit({
      trainDataset: { qa: trainDataset, sts: pairs },
      loss: { qa: loss, sts: new CoSENTLoss() },
      evalDataset: { qa: trainDataset, sts: pairs },
      evalStrategy: 'epoch',
      epochs: 2,
    });
    expect(evaluations.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(Object.keys(evaluations[0]!.metrics)).toEqual(['eval_qa_loss', 'eval_sts_loss']);
  });
});

describe('the best model', () => {
  test('is left where it was measured, with and without checkpoints', async () => {
    const expected = await newModel();
    await expected.fit({ ...usual, epochs: 2, evaluator: evaluatorOf([]), callbacks: [stopAt(4)] });
    for (const outputDir of [undefined, path.join(folder, 'best')]) {
      const model = await newModel();
      const { best, evaluations, history } = await model.fit({
        ...usual,
        epochs: 2,
        evaluator: evaluatorOf([0.1, 0.7, 0.5, 0.6]),
        evalSteps: 2,
        loadBestModelAtEnd: true,
        ...(outputDir !== undefined && { outputDir, saveTotalLimit: 1, saveSteps: 1 }),
      });
      expect(history).toHaveLength(8);
      expect(evaluations).toHaveLength(4);
      expect(best).toEqual({ metric: 'accuracy', value: 0.7, step: 4 });
      expect(await bitsOf(model)).toBe(await bitsOf(expected));
      if (outputDir !== undefined) expect(existsSync(path.join(outputDir, 'checkpoint-4'))).toBe(true);
    }
  });

  test('may be the one with the least', async () => {
    const evaluator = evaluatorOf([0.3, 0.1, 0.2]);
    const { best } = await fit({ epochs: 3, evaluator, evalStrategy: 'epoch', greaterIsBetter: false });
    expect(best).toMatchObject({ value: 0.1, step: 8 });
  });

  test('is what saveStrategy best saves', async () => {
    const outputDir = path.join(folder, 'only-best');
    const evaluator = evaluatorOf([0.3, 0.1, 0.4, 0.2]);
    const saved: number[] = [];
    const callbacks: FitCallback[] = [{ onSave: ({ step }) => void saved.push(step) }];
    await fit({ epochs: 4, evaluator, evalStrategy: 'epoch', outputDir, saveStrategy: 'best', callbacks });
    expect(saved).toEqual([4, 12]);
  });
});

function stopAt(step: number): FitCallback {
  return {
    onStepEnd: (state, control) => {
      if (state.step === step) control.stop();
    },
  };
}

test('early stopping waits as long as it is told', async () => {
  const values = [0.1, 0.5, 0.4, 0.5, 0.9];
  const run = await fit({ epochs: 5, evaluator: evaluatorOf(values), evalStrategy: 'epoch', earlyStoppingPatience: 2 });
  expect(run.history).toHaveLength(16);
  expect(run.best).toMatchObject({ value: 0.5, step: 8 });
  const threshold = { earlyStoppingPatience: 1, earlyStoppingThreshold: 0.5 };
  const strict = await fit({ epochs: 5, evaluator: evaluatorOf(values), evalStrategy: 'epoch', ...threshold });
  expect(strict.history).toHaveLength(8);
});

test('a resumed run knows the best model and how long it has waited', async () => {
  const outputDir = path.join(folder, 'best-resumed');
  const values = [0.1, 0.7, 0.5, 0.6, 0.4, 0.9];
  const options = {
    ...{ epochs: 3, scheduler: 'constant' as const, evalSteps: 2, saveSteps: 2 },
    ...{ loadBestModelAtEnd: true, earlyStoppingPatience: 3 },
  };
  const whole = await newModel();
  const { best } = await whole.fit({ ...usual, ...options, evaluator: evaluatorOf(values) });
  expect(best).toEqual({ metric: 'accuracy', value: 0.7, step: 4 });

  await fit({ ...options, outputDir, evaluator: evaluatorOf(values), maxSteps: 6 });
  const resumed = await newModel();
  const evaluator = evaluatorOf(values.slice(3));
  const second = await resumed.fit({ ...usual, ...options, outputDir, evaluator, resumeFromCheckpoint: true });
  expect(second.best).toEqual(best);
  expect(second.history).toHaveLength(10);
  expect(evaluator.models).toHaveLength(2);
  expect(await bitsOf(resumed)).toBe(await bitsOf(whole));
});

describe('callbacks', () => {
  test('are told what happens, in order, and awaited', async () => {
    const told: string[] = [];
    const events = [
      'onTrainBegin',
      'onEpochBegin',
      'onStepEnd',
      'onLog',
      'onEvaluate',
      'onSave',
      'onEpochEnd',
    ] as const;
    const teller = Object.fromEntries(
      [...events, 'onTrainEnd' as const].map((event) => [
        event,
        async ({ step }: { step: number }) => {
          await Promise.resolve();
          told.push(`${event} ${step}`);
        },
      ]),
    ) as FitCallback;
    const outputDir = path.join(folder, 'told');
    const evaluator = evaluatorOf([1, 2]);
    const options = { maxSteps: 2, evaluator, evalSteps: 2, loggingSteps: 1, saveSteps: 1, outputDir };
    await fit({ ...options, callbacks: [teller] });
    expect(told).toEqual([
      ...['onTrainBegin 0', 'onEpochBegin 0', 'onStepEnd 1', 'onLog 1', 'onSave 1'],
      ...['onStepEnd 2', 'onLog 2', 'onLog 2', 'onEvaluate 2', 'onSave 2', 'onEpochEnd 2', 'onTrainEnd 2'],
    ]);
  });

  test('can stop, evaluate and save', async () => {
    const outputDir = path.join(folder, 'asked');
    const callback: FitCallback = {
      onStepEnd: ({ step }, control) => {
        if (step === 2) control.evaluate();
        if (step === 3) control.save();
        if (step === 3) control.stop();
      },
    };
    const run = await fit({ epochs: 9, evaluator: evaluatorOf([]), outputDir, callbacks: [callback] });
    expect(run.history).toHaveLength(3);
    expect(run.evaluations.map(({ step }) => step)).toEqual([2, 3]);
    expect(readdirSync(outputDir)).toContain('checkpoint-3');
  });

  test('that throw end the run, and the model keeps what it learned', async () => {
    const [stopped, failed] = [await newModel(), await newModel()];
    await stopped.fit({ ...usual, epochs: 2, callbacks: [stopAt(3)] });
    const error = new Error('no more');
    const thrower: FitCallback = {
      onStepEnd: ({ step }) => {
        if (step === 3) throw error;
      },
    };
    await expect(failed.fit({ ...usual, epochs: 2, callbacks: [thrower] })).rejects.toBe(error);
    expect(await bitsOf(failed)).toBe(await bitsOf(stopped));
    expect(failed.lastFit?.history).toHaveLength(3);
  });
});

test('the log and the metrics of each evaluator are files, which a resumed run goes on with', async () => {
  const outputDir = path.join(folder, 'logged');
  const options = { evalStrategy: 'epoch', loggingSteps: 2, saveSteps: 4, outputDir } as const;
  const evaluator = (): Evaluator[] => [evaluatorOf([0.1, 0.2, 0.3], 'dev'), evaluatorOf([5, 6, 7], 'test')];
  await fit({ ...options, evaluator: evaluator(), maxSteps: 6 });
  const run = await fit({ ...options, evaluator: evaluator(), epochs: 2, maxSteps: 8, resumeFromCheckpoint: true });
  const records = readFileSync(path.join(outputDir, 'log.jsonl'), 'utf8').trim().split('\n');
  expect(records.map((line) => JSON.parse(line) as unknown)).toEqual(JSON.parse(JSON.stringify(run.log)));
  expect(run.log.filter((record) => 'loss' in record).map(({ step }) => step)).toEqual([2, 4, 6, 8]);
  expect(Object.keys(run.log[0]!)).toEqual(['loss', 'grad_norm', 'learning_rate', 'epoch', 'step']);
  const tables = readdirSync(path.join(outputDir, 'eval')).map((file) =>
    readFileSync(path.join(outputDir, 'eval', file), 'utf8')
      .trim()
      .split('\n'),
  );
  expect(tables.length).toBeGreaterThanOrEqual(2);
  for (const [head, ...lines] of tables) {
    expect(head).toMatch(/^epoch,steps,/);
    expect(lines.map((line) => line.split(',')[1])).toEqual(['4', '8']);
  }
});

describe('what cannot be', () => {
  const evaluator = evaluatorOf([]);
  test.each<[string, Partial<FitOptions>, string | RegExp]>([
    ['patience without evaluation', { earlyStoppingPatience: 2 }, 'for earlyStoppingPatience'],
    ['patience with one evaluation', { evaluator, earlyStoppingPatience: 2 }, "evalStrategy 'steps' or 'epoch'"],
    ['a strategy without an evaluator', { evalStrategy: 'epoch' }, 'neither evaluator nor evalDataset'],
    ['an unknown strategy', { evaluator, evalStrategy: 'never' as never }, 'evalStrategy'],
    ['saving the best of nothing', { saveStrategy: 'best', outputDir: folder }, "saveStrategy 'best'"],
    ['the best of nothing', { loadBestModelAtEnd: true }, 'loadBestModelAtEnd'],
    [
      'an unknown loss',
      { evalDataset: trainDataset, evalStrategy: 'epoch', metricForBestModel: 'eval_lost' },
      'expected one of eval_loss for metricForBestModel',
    ],
    [
      'an unknown metric',
      { evaluator: evaluatorOf([1]), evalStrategy: 'epoch', metricForBestModel: 'f1' },
      'expected one of eval_accuracy, eval_other for metricForBestModel',
    ],
    ['an evaluator of nothing', { evaluator: { ...evaluator, evaluate: () => undefined as never } }, /evaluat/],
    ['a callback of no known event', { callbacks: [{ onStep: () => undefined } as never] }, 'onStepEnd'],
    ['a callback that is none', { callbacks: [1 as never] }, 'callbacks[0]'],
    [
      'control without an evaluator',
      { callbacks: [{ onStepEnd: (_, control) => control.evaluate() }] },
      'control.evaluate()',
    ],
  ])('%s', async (_, options, message) => {
    const refused = fit(options);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
  });
});

test('maxGradNorm 0 clips nothing', async () => {
  const [zero, none] = [await newModel(), await newModel()];
  await zero.fit({ ...usual, maxGradNorm: 0 });
  await none.fit({ ...usual, maxGradNorm: null });
  expect(await bitsOf(zero)).toBe(await bitsOf(none));
});

test('a real evaluator measures the model as it is trained', async () => {
  const evaluator = new EmbeddingSimilarityEvaluator({
    sentences1: ['a red 1', 'b red 2', 'c red 3'],
    sentences2: ['the a1 fox', 'the b2 fox', 'the x fox'],
    scores: [1, 1, 0],
  });
  const { evaluations } = await fit({ evaluator, evalSteps: 2 });
  expect(evaluations).toHaveLength(2);
  expect(evaluations[0]!.metrics).not.toEqual(evaluations[1]!.metrics);
});
