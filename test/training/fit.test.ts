import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  InformationRetrievalEvaluator,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type FitOptions,
  type FitProgress,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-fit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const dim = 32;
const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim, seed: 3 });

/** Names of things and their descriptions, which share one of their tokens. */
const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
const pairs = letters.flatMap((a) =>
  letters.slice(0, 12).map((b, i) => ({ anchor: `${a}${b}${i}`, positive: `${i} ${b} the ${a} ${a}` })),
);
const ranking = new MultipleNegativesRankingLoss();
const usual: FitOptions = { trainDataset: pairs, loss: ranking, epochs: 3, batchSize: 64, learningRate: 0.05 };

describe('fit', () => {
  test('learns: the loss falls and held-out pairs are found', async () => {
    const held = pairs.filter((_, i) => i % 10 === 0);
    const evaluator = new InformationRetrievalEvaluator({
      queries: Object.fromEntries(held.map(({ anchor }, i) => [`q${i}`, anchor])),
      corpus: Object.fromEntries(held.map(({ positive }, i) => [`d${i}`, positive])),
      relevantDocs: Object.fromEntries(held.map((_, i) => [`q${i}`, [`d${i}`]])),
    });
    const model = await newModel();
    const before = await evaluator.evaluate(model);
    const run = await model.fit({
      ...usual,
      trainDataset: pairs.filter((_, i) => i % 10 !== 0),
      epochs: 30,
      loss: new MatryoshkaLoss(ranking, { dims: [8, 16, 32] }),
      evaluator,
      evalSteps: 50,
    });
    const [first, last] = [run.history[0]!, run.history.at(-1)!];
    expect(last.loss).toBeLessThan(0.6 * first.loss);
    const after = run.evaluations.at(-1)!;
    expect(after.step).toBe(run.history.length);
    expect(run.evaluations[0]!.step).toBe(50);
    expect(after.metrics['cosine_ndcg@10']).toBeGreaterThan(before['cosine_ndcg@10']! + 0.1);
    expect(after.metrics['cosine_ndcg@10']).toBeGreaterThan(0.95);
    expect(await evaluator.evaluate(model)).toEqual(after.metrics);
  });

  test('the learning rate warms up and decays', async () => {
    const model = await newModel();
    const run = await model.fit({ ...usual, epochs: 2, warmupSteps: 4, learningRate: 0.1 });
    const rates = run.history.map(({ learningRate }) => learningRate);
    const total = rates.length;
    expect(rates.slice(0, 5)).toEqual([0, 0.025, 0.05, 0.1 * (3 / 4), 0.1].map((rate) => expect.closeTo(rate, 12)));
    expect(rates[total - 1]).toBeCloseTo(0.1 / (total - 4), 12);
    const constant = await (await newModel()).fit({ ...usual, scheduler: 'constant', warmupSteps: 0 });
    expect(new Set(constant.history.map(({ learningRate }) => learningRate))).toEqual(new Set([0.05]));
  });

  test('rows, columns and iterables train the same', async () => {
    const columns = { anchor: pairs.map((row) => row.anchor), positive: pairs.map((row) => row.positive) };
    async function* stream(): AsyncGenerator<(typeof pairs)[number]> {
      for (const row of pairs) yield await Promise.resolve(row);
    }
    const results = [];
    for (const trainDataset of [pairs, columns, stream(), new Set(pairs)]) {
      const model = await newModel();
      await model.fit({ ...usual, trainDataset });
      results.push((await model.encode('abc')).join());
    }
    expect(new Set(results).size).toBe(1);
  });

  test('the same seed gives the same bits, another one does not', async () => {
    const encodeAfter = async (seed: number): Promise<string> => {
      const model = await newModel();
      await model.fit({ ...usual, seed });
      return (await model.encode('abc fox')).join();
    };
    const first = await encodeAfter(1);
    expect(await encodeAfter(1)).toBe(first);
    expect(await encodeAfter(2)).not.toBe(first);
  });

  test.each(['float32', 'bfloat16'])('the number of threads does not change a bit (%s)', (precision) => {
    const program = `
      const { SentenceTransformer, MultipleNegativesRankingLoss, MatryoshkaLoss } = require(${JSON.stringify(path.resolve(__dirname, '../..'))});
      (async () => {
        const model = await SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 128, seed: 3 });
        const loss = new MatryoshkaLoss(new MultipleNegativesRankingLoss(), { dims: [16, 64, 128] });
        await model.fit({ trainDataset: ${JSON.stringify(pairs)}, loss, batchSize: 256, epochs: 4, precision: '${precision}' });
        console.log(model.info().threads, (await model.encode('abc fox dog')).join());
      })();`;
    const outputs = [1, 2, 5].map((threads) => {
      const env = { ...process.env, STILLVEC_THREADS: String(threads) };
      const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env });
      expect(stderr).toBe('');
      expect(stdout.startsWith(`${threads} `)).toBe(true);
      return stdout.slice(2);
    });
    expect(new Set(outputs).size).toBe(1);
  });

  test('reports progress of both phases', async () => {
    const seen: FitProgress[] = [];
    await (await newModel()).fit({ ...usual, onProgress: (progress) => seen.push(progress) });
    expect(seen[0]).toMatchObject({ phase: 'tokenize', total: 2 * pairs.length });
    const last = seen.at(-1)!;
    expect(last).toMatchObject({ phase: 'train', done: last.total, rows: 3 * pairs.length });
    expect(last.rowsPerSecond).toBeGreaterThan(0);
    expect(Number.isFinite(last.loss)).toBe(true);
  });

  test('tells where the time went', async () => {
    const { stages, seconds } = await (await newModel()).fit(usual);
    expect(Object.keys(stages)).toEqual(['sampling', 'index', 'catchUp', 'pooling', 'loss', 'update']);
    expect(stages.loss).toBeGreaterThan(0);
    expect(stages.update).toBeGreaterThan(0);
    const { sampling, index, catchUp, pooling, loss, update } = stages;
    expect(sampling + index + catchUp + pooling + loss + update).toBeLessThan(seconds);
  });

  test('encode goes on while it trains, with the table from before', async () => {
    const model = await newModel();
    const before = await model.encode('abc');
    const stop = new AbortController();
    const training = model.fit({ ...usual, epochs: 1_000_000, signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await model.encode('abc')).toEqual(before);
    stop.abort();
    await expect(training).rejects.toThrow();
    await model.fit(usual);
    expect(await model.encode('abc')).not.toEqual(before);
  });

  test('an aborted run ends soon, keeps what it has learned and rejects with the reason', async () => {
    const model = await newModel();
    const before = await model.encode('abc');
    const controller = new AbortController();
    const reason = new Error('enough');
    const training = model.fit({
      ...usual,
      epochs: 1_000_000,
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'train') controller.abort(reason);
      },
    });
    await expect(training).rejects.toBe(reason);
    expect(await model.encode('abc')).not.toEqual(before);
    await expect(model.fit({ ...usual, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('an evaluator that fails stops the run', async () => {
    const evaluator = { name: '', primaryMetric: '', evaluate: () => Promise.reject(new Error('no labels')) };
    await expect((await newModel()).fit({ ...usual, evaluator })).rejects.toThrow('no labels');
  });

  test('a batch holds no text twice', async () => {
    // Every anchor comes three times: batches of up to 312 different ones, so three of them a pass.
    const trainDataset = [0, 1, 2].flatMap((i) => pairs.map(({ anchor }) => ({ anchor, positive: `${anchor} ${i}` })));
    const run = await (await newModel()).fit({ ...usual, epochs: 1, batchSize: 936, trainDataset });
    expect(run.rows).toBeLessThanOrEqual(936);
    expect(run.history.length).toBe(1);
    const random = await (
      await newModel()
    ).fit({ ...usual, epochs: 1, batchSize: 936, trainDataset, batchSampler: 'random' });
    expect(random.rows).toBe(936);
    expect(run.rows).toBe(312);
  });
});

describe('wrong input', () => {
  test.each<[string, Partial<Record<keyof FitOptions | 'lr', unknown>>, RegExp]>([
    ['an unknown option', { lr: 1 }, /lr/],
    ['a NaN learning rate', { learningRate: NaN }, /learningRate/],
    ['a negative learning rate', { learningRate: -1 }, /learningRate/],
    ['a batch of one', { batchSize: 1 }, /batchSize/],
    ['no epochs', { epochs: 0 }, /epochs/],
    ['an empty dataset', { trainDataset: [] }, /trainDataset/],
    ['one row', { trainDataset: pairs.slice(0, 1) }, /trainDataset/],
    ['one column', { trainDataset: { anchor: ['a', 'b'] } }, /positive/],
    ['a row with a number', { trainDataset: [pairs[0], { anchor: 'a', positive: 5 }] }, /trainDataset\[1\]\.positive/],
    ['columns of two lengths', { trainDataset: { anchor: ['a', 'b'], positive: ['a'] } }, /positive/],
    ['no dataset', { trainDataset: undefined }, /trainDataset/],
    ['no loss', { loss: undefined }, /loss/],
    ['a loss that is none', { loss: {} }, /loss/],
    ['an unknown optimizer', { optimizer: 'sgd' }, /optimizer/],
    ['an unknown scheduler', { scheduler: 'step' }, /scheduler/],
    ['an unknown sampler', { batchSampler: 'all' }, /batchSampler/],
    ['an unknown precision', { precision: 'float16' }, /precision/],
    ['a negative seed', { seed: -1 }, /seed/],
    ['a max norm of 0', { maxGradNorm: 0 }, /maxGradNorm/],
    ['betas of 1', { betas: [0.9, 1] }, /betas/],
    ['dims above the width', { loss: new MatryoshkaLoss(ranking, { dims: [dim * 2] }) }, /dims.*at most 32/],
    ['equal texts only', { trainDataset: Array.from({ length: 5 }, () => ({ anchor: 'a', positive: 'b' })) }, /batch/],
  ])('%s', async (_, options, message) => {
    const model = await newModel();
    const fitting = model.fit({ ...usual, ...options } as FitOptions);
    await expect(fitting).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(INVALID_ARGUMENT|OUT_OF_RANGE)$/),
      message: expect.stringMatching(message),
    });
    expect(await model.encode('abc')).toEqual(await (await newModel()).encode('abc'));
  });

  test.each<[string, () => unknown]>([
    ['a scale of 0', () => new MultipleNegativesRankingLoss({ scale: 0 })],
    ['an unknown direction', () => new MultipleNegativesRankingLoss({ directions: ['up' as never] })],
    ['directions without query_to_doc', () => new MultipleNegativesRankingLoss({ directions: ['doc_to_query'] })],
    [
      'per_direction of one side',
      () =>
        new MultipleNegativesRankingLoss({
          directions: ['query_to_doc', 'query_to_query'],
          partitionMode: 'per_direction',
        }),
    ],
    ['no dims', () => new MatryoshkaLoss(ranking, { dims: [] })],
    ['dims twice', () => new MatryoshkaLoss(ranking, { dims: [8, 8] })],
    ['too few weights', () => new MatryoshkaLoss(ranking, { dims: [8, 16], weights: [1] })],
    ['nDimsPerStep 0', () => new MatryoshkaLoss(ranking, { dims: [8, 16], nDimsPerStep: 0 })],
    ['a loss in a loss in a loss', () => new MatryoshkaLoss(new MatryoshkaLoss(ranking, { dims: [8] }), { dims: [8] })],
  ])('%s', (_, construct) => {
    expect(construct).toThrow(expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }));
  });
});
