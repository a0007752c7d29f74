import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import {
  InformationRetrievalEvaluator,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  TrainingError,
  type Dataset,
  type FitOptions,
  type FitProgress,
  type FitResult,
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
    const { stages, overhead, seconds } = await (await newModel()).fit(usual);
    expect(Object.keys(stages)).toEqual(['sampling', 'index', 'catchUp', 'pooling', 'loss', 'update']);
    expect(stages.loss).toBeGreaterThan(0);
    expect(stages.update).toBeGreaterThan(0);
    const { sampling, index, catchUp, pooling, loss, update } = stages;
    const { tokenizing, setup, finishing } = overhead;
    for (const part of [tokenizing, setup, finishing]) expect(part).toBeGreaterThan(0);
    const all = sampling + index + catchUp + pooling + loss + update + tokenizing + setup + finishing;
    expect(all).toBeLessThan(seconds);
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
    const { history, evaluations, rows } = model.lastFit!;
    expect(history.length).toBeGreaterThan(0);
    expect(history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    expect(rows).toBeGreaterThanOrEqual(history.length);
    expect(evaluations).toEqual([]);
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
    expect(run.history.length).toBe(3);
    const random = await (
      await newModel()
    ).fit({ ...usual, epochs: 1, batchSize: 936, trainDataset, batchSampler: 'random' });
    expect(random.history.length).toBe(1);
    expect([run.rows, random.rows]).toEqual([936, 936]);
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
    ['a max norm of -1', { maxGradNorm: -1 }, /maxGradNorm/],
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

describe('what fit does not use', () => {
  const warningsOf = async (work: () => Promise<unknown>): Promise<{ code: string; message: string }[]> => {
    const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    await work();
    const warnings = (emit.mock.calls as unknown[][]).map(([message, options]) => ({
      message: String(message),
      code: String((options as { code?: unknown }).code),
    }));
    emit.mockRestore();
    return warnings;
  };

  test('rows that share a text are counted and told of', async () => {
    const trainDataset = Array.from({ length: 100 }, (_, i) => ({
      anchor: `number ${i}`,
      positive: `the ${i} again`,
      negative: i < 70 ? 'red' : `blue ${i}`,
    }));
    const model = await newModel();
    let dataset: FitResult['dataset'] | undefined;
    const warnings = await warningsOf(async () => {
      ({ dataset } = await model.fit({ trainDataset, loss: ranking, batchSize: 10 }));
    });
    // The other 30 rows make four batches, each with room for one of the 70.
    expect(dataset).toEqual({
      rows: 100,
      unusedRows: 66,
      columns: [
        { name: 'anchor', role: 'anchor' },
        { name: 'positive', role: 'positive' },
        { name: 'negative', role: 'negative_1' },
      ],
    });
    expect(warnings).toEqual([
      { code: 'STILLVEC_ROWS_NOT_USED', message: expect.stringMatching(/66 of the 100 rows.*batchSampler 'random'/) },
    ]);
    const random = await model.fit({ trainDataset, loss: ranking, batchSize: 10, batchSampler: 'random' });
    expect(random.dataset.unusedRows).toBe(0);
  });

  test('rows that all share a text make no batch, which is found at once', async () => {
    const trainDataset = Array.from({ length: 60_000 }, (_, i) => ({ anchor: `fox ${i}`, positive: 'dog' }));
    await expect((await newModel()).fit({ trainDataset, loss: ranking })).rejects.toThrow(/no batch.*trainDataset/);
  });

  test('rows put off leave in shorter last batches', async () => {
    const trainDataset = Array.from({ length: 500 }, (_, i) => ({
      anchor: `number ${i}`,
      positive: i % 10 === 0 ? `the ${i % 70} again` : `blue ${i}`,
    }));
    const { rows, dataset } = await (await newModel()).fit({ trainDataset, loss: ranking, batchSize: 64, epochs: 3 });
    expect(rows).toBe(1500);
    expect(dataset.unusedRows).toBe(0);
  });

  test.each(['rows', 'columns', 'an iterable'])('a label beside a ranking loss is refused: %s', async (form) => {
    const rows = pairs.slice(0, 50).map((pair, i) => ({ ...pair, score: i }));
    const forms: Record<string, Dataset> = {
      rows,
      columns: {
        anchor: rows.map(({ anchor }) => anchor),
        positive: rows.map(({ positive }) => positive),
        score: rows.map(({ score }) => score),
      },
      'an iterable': new Set(rows),
    };
    const model = await newModel();
    await expect(model.fit({ trainDataset: forms[form]!, loss: ranking })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/"score" of trainDataset.*label.*MultipleNegativesRankingLoss takes.*no label/),
    });
  });

  test.each<[string, object, RegExp]>([
    ['an id in front', { id: 'a1', anchor: 'a', positive: 'b' }, /"id" of trainDataset.*anchor.*columns/],
    ['an id of another name', { query_id: 'a1', anchor: 'a', positive: 'b' }, /"query_id"/],
    ['a number that is no label', { anchor: 'a', positive: 'b', year: 1999 }, /"year".*1999/],
    ['one text', { anchor: 'a', score: 1 }, /text columns for anchor, positive.*only anchor/],
  ])('%s is refused', async (_, row, message) => {
    const model = await newModel();
    await expect(model.fit({ trainDataset: [row, row], loss: ranking })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});

describe('a run that cannot go on', () => {
  test('ends at a loss that is no number, with the model that was good', async () => {
    const model = await newModel();
    const texts = pairs.slice(0, 50).map(({ anchor }) => anchor);
    const steps: number[] = [];
    const failing = model.fit({
      ...usual,
      // Products of this scale are infinite once vectors have grown.
      loss: new MultipleNegativesRankingLoss({ scale: 1e30, similarity: 'dot' }),
      learningRate: 1000,
      warmupRatio: 0,
      maxGradNorm: null,
      scheduler: 'constant',
      epochs: 20,
      onProgress: ({ phase, done }) => {
        if (phase === 'train') steps.push(done);
      },
    });
    const error = await failing.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TrainingError);
    expect(error).toMatchObject({ code: 'ERR_NOT_FINITE', message: expect.stringMatching(/^step \d+ was not taken/) });
    const { data } = await model.encode(texts);
    expect(data.every(Number.isFinite)).toBe(true);
    expect(Number(/^step (\d+)/.exec((error as Error).message)![1])).toBe(steps.at(-1) ?? 0);
    // It is of use afterwards.
    expect((await model.fit({ ...usual, epochs: 1 })).history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  });

  test('learning rates and decays that cannot be meant are refused', async () => {
    const model = await newModel();
    const refused = { code: 'ERR_OUT_OF_RANGE' };
    await expect(model.fit({ ...usual, learningRate: 1e30 })).rejects.toMatchObject(refused);
    await expect(model.fit({ ...usual, learningRate: 10, weightDecay: 0.2 })).rejects.toMatchObject(refused);
  });

  test('a second run beside the first is refused, and the first one goes on', async () => {
    const model = await newModel();
    const first = model.fit({ ...usual, epochs: 5 });
    await expect(model.fit(usual)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
    expect((await first).history.length).toBeGreaterThan(5);
    expect((await model.fit({ ...usual, epochs: 1 })).history.length).toBeGreaterThan(0);
  });
});

describe('an abort', () => {
  test('gives up a step that takes long, and resumes to the same bits', async () => {
    const outputDir = path.join(folder, 'aborted');
    const many = Array.from({ length: 3000 }, (_, i) => ({ anchor: `number ${i} red`, positive: `the ${i} again` }));
    const options: FitOptions = { trainDataset: many, loss: ranking, batchSize: 1000, epochs: 4, learningRate: 0.05 };
    const [whole, cut] = [await newModel(), await newModel()];
    const history = (await whole.fit(options)).history;
    for (const delay of [1, 5, 20, 40]) {
      const controller = new AbortController();
      setTimeout(() => controller.abort(), delay);
      const { signal } = controller;
      await cut.fit({ ...options, outputDir, signal, resumeFromCheckpoint: true }).catch(() => undefined);
    }
    const resumed = await cut.fit({ ...options, outputDir, resumeFromCheckpoint: true });
    expect(resumed.history).toEqual(history);
    expect(cut.encodeSync('number 7 red')).toEqual(whole.encodeSync('number 7 red'));
  });

  test('settles while a dataset keeps fit waiting', async () => {
    async function* never(): AsyncGenerator<{ anchor: string; positive: string }> {
      yield { anchor: 'a', positive: 'b' };
      await new Promise(() => undefined);
    }
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const fitting = (await newModel()).fit({ trainDataset: never(), loss: ranking, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    await expect(fitting).rejects.toBe(reason);
  });

  test('settles while an evaluator keeps fit waiting', async () => {
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const evaluator = { name: 'slow', primaryMetric: 'x', evaluate: () => new Promise<never>(() => undefined) };
    const fitting = (await newModel()).fit({ ...usual, evaluator, evalSteps: 1, signal: controller.signal });
    setTimeout(() => controller.abort(reason), 100);
    await expect(fitting).rejects.toBe(reason);
  });
});

describe('what people bring from Sentence Transformers is told what to do', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['a loss with the model', () => new MultipleNegativesRankingLoss(usual as never), /unknown option trainDataset/],
    [
      'a class for a loss',
      async () => (await newModel()).fit({ ...usual, loss: ranking.constructor as never }),
      /loss, such as new/,
    ],
    ['nothing', async () => (await newModel()).fit(undefined as never), /trainDataset, loss/],
    [
      'numTrainEpochs',
      async () => (await newModel()).fit({ ...usual, numTrainEpochs: 1 } as never),
      /its name is epochs/,
    ],
    ['trainObjectives', async () => (await newModel()).fit({ trainObjectives: [] } as never), /trainDataset/],
    [
      'a promise for a dataset',
      async () => (await newModel()).fit({ ...usual, trainDataset: Promise.resolve(pairs) as never }),
      /await/,
    ],
    ['matryoshkaDims', () => new MatryoshkaLoss(ranking, { matryoshkaDims: [8] } as never), /its name is dims/],
  ])('%s', async (_, call, message) => {
    await expect((async () => call())()).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  test('a loss that is given the model', async () => {
    const model = await newModel();
    expect(() => new MultipleNegativesRankingLoss(model as never)).toThrow(/a loss here takes none.*model\.fit/);
  });
});
