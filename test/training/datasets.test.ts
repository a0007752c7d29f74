import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BatchAllTripletLoss,
  CoSENTLoss,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  readDatasetFile,
  SentenceTransformer,
  type FitOptions,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-datasets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim: 32, seed: 3 });
const ranking = new MultipleNegativesRankingLoss();
const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
const nli = letters.flatMap((a) => letters.map((b, i) => ({ anchor: `${a}${b}${i}`, positive: `${i} ${b} ${a} the` })));
const qa = {
  question: nli.slice(0, 100).map(({ anchor }) => `fox ${anchor}`),
  answer: nli.slice(0, 100).map(({ positive }) => positive),
};
const sts = nli.slice(0, 60).map(({ anchor, positive }, i) => ({ one: anchor, other: positive, score: (i % 5) / 4 }));

const anchorColumn = (name: string): object => ({ name, role: 'anchor' });
const positiveColumn = (name: string): object => ({ name, role: 'positive' });

describe('several datasets', () => {
  const usual = { batchSize: 20, batchSampler: 'random', learningRate: 0.05 } as const;
  const losses = { nli: ranking, qa: ranking, sts: new CoSENTLoss() };
  const all = { trainDataset: { nli, qa, sts }, loss: losses };

  test('each gives all its batches in an epoch, in a random order', async () => {
    const { history, rows, datasets, dataset } = await (await newModel()).fit({ ...usual, ...all, epochs: 2 });
    const steps = (name: string, from: typeof history): number => from.filter((step) => step.dataset === name).length;
    expect([steps('nli', history), steps('qa', history), steps('sts', history)]).toEqual([68, 10, 6]);
    const half = history.slice(0, history.length / 2);
    expect([steps('nli', half), steps('qa', half), steps('sts', half)]).toEqual([34, 5, 3]);
    expect(rows).toBe(2 * (nli.length + 100 + sts.length));
    expect(half.map((step) => step.dataset)).not.toEqual(half.map((step) => step.dataset).sort());
    expect(datasets).toEqual({
      nli: { rows: 676, unusedRows: 0, columns: [anchorColumn('anchor'), positiveColumn('positive')] },
      qa: { rows: 100, unusedRows: 0, columns: [anchorColumn('question'), positiveColumn('answer')] },
      sts: { rows: 60, unusedRows: 0, columns: expect.any(Array), label: 'score' },
    });
    expect(dataset).toEqual(datasets['nli']);
  });

  test('thirty of different sizes and columns share one loss', async () => {
    const loss = new MatryoshkaLoss(ranking, { dims: [8, 16, 32], nDimsPerStep: 2 });
    const sizes = Array.from({ length: 30 }, (_, i) => 2 + ((i * 37) % 90));
    const trainDataset = Object.fromEntries(
      sizes.map((size, k) => [
        `set ${k}`,
        nli.slice(k * 19, k * 19 + size).map(({ anchor, positive }) => ({
          ...{ anchor, positive },
          ...(k % 3 === 1 && { negative: `${positive} red` }),
          ...(k % 3 === 2 && { negative: `${anchor} dog`, other: `fox ${anchor}` }),
        })),
      ]),
    );
    const run = await (await newModel()).fit({ ...usual, trainDataset, loss });
    // A batch of one row has no negatives.
    const steps = sizes.map((size) => Math.floor(size / 20) + (size % 20 > 1 ? 1 : 0));
    for (const [k, expected] of steps.entries()) {
      expect(run.history.filter((step) => step.dataset === `set ${k}`)).toHaveLength(expected);
    }
    expect(run.history.every((step) => Number.isFinite(step.loss) && step.loss > 0)).toBe(true);
    expect(run.datasets['set 2']!.columns.map(({ role }) => role)).toEqual([
      'anchor',
      'positive',
      'negative_1',
      'negative_2',
    ]);
  });

  test('take turns until the first has no batch left', async () => {
    const options = { ...usual, ...all, multiDatasetBatchSampler: 'round_robin' } as const;
    const { history } = await (await newModel()).fit(options);
    expect(history.map((step) => step.dataset)).toEqual(['nli', 'qa', 'sts', 'nli', 'qa', 'sts', 'nli', 'qa', 'sts']);
  });

  test('one of them alone trains as a dataset does', async () => {
    const [single, named] = [await newModel(), await newModel()];
    const first = await single.fit({ ...usual, trainDataset: nli, loss: ranking });
    const second = await named.fit({ ...usual, trainDataset: { nli }, loss: { nli: ranking } });
    expect(second.history).toEqual(first.history);
    expect(Object.keys(first.datasets)).toEqual(['trainDataset']);
    expect(Object.keys(second.datasets)).toEqual(['nli']);
  });

  test.each(['proportional', 'round_robin'] as const)(
    'resume to the same bits (%s)',
    async (multiDatasetBatchSampler) => {
      const outputDir = path.join(folder, multiDatasetBatchSampler);
      const options = { ...usual, ...all, epochs: 3, multiDatasetBatchSampler, seed: 5 };
      const [whole, cut] = [await newModel(), await newModel()];
      const { history } = await whole.fit({ ...options, outputDir, saveSteps: 7 });
      const [checkpoint = ''] = readdirSync(outputDir);
      const resumed = await cut.fit({ ...options, resumeFromCheckpoint: path.join(outputDir, checkpoint) });
      expect(resumed.history).toEqual(history);
      expect(cut.encodeSync('abc')).toEqual(whole.encodeSync('abc'));

      const resume = async (given: Pick<FitOptions, 'trainDataset' | 'loss'>): Promise<unknown> =>
        (await newModel()).fit({ ...options, ...given, resumeFromCheckpoint: path.join(outputDir, checkpoint) });
      await expect(resume({ trainDataset: { nli, qa }, loss: ranking })).rejects.toThrow(
        /saved by a run on the datasets nli, qa, sts, but this one has nli, qa/,
      );
      await expect(resume({ ...all, trainDataset: { nli, qa, sts: sts.slice(1) } })).rejects.toThrow(
        /on another dataset: .* in sts/,
      );
      const labels = sts.map((row) => ({ ...row, score: 1 - row.score }));
      await expect(resume({ ...all, trainDataset: { nli, qa, sts: labels } })).rejects.toThrow(/in sts/);
    },
  );

  test('have token caches of their own, with their labels', async () => {
    const file = (name: string, rows: readonly object[]): string => {
      writeFileSync(path.join(folder, name), rows.map((row) => JSON.stringify(row)).join('\n'));
      return path.join(folder, name);
    };
    const [nliFile, stsFile] = [file('nli.jsonl', nli), file('sts.jsonl', sts)];
    const train = async (tokenCache: boolean): Promise<unknown> => {
      const trainDataset = {
        nli: readDatasetFile(nliFile, { tokenCache }),
        sts: readDatasetFile(stsFile, { tokenCache }),
      };
      const loss = { nli: losses.nli, sts: losses.sts };
      return (await (await newModel()).fit({ ...usual, trainDataset, loss })).history;
    };
    const expected = await train(false);
    expect(await train(true)).toEqual(expected);
    expect(readdirSync(folder).filter((name) => name.endsWith('.stillvec-tokens'))).toHaveLength(2);
    expect(await train(true)).toEqual(expected);
  });

  test('are told of while they are tokenized', async () => {
    const seen = new Set<string | undefined>();
    await (
      await newModel()
    ).fit({ ...usual, ...all, onProgress: ({ phase, dataset }) => seen.add(`${phase} ${dataset}`) });
    expect([...seen]).toEqual(expect.arrayContaining(['tokenize nli', 'tokenize qa', 'tokenize sts']));
  });
});

describe('rows drawn by their class', () => {
  const loss = new BatchAllTripletLoss();
  const rows = (labels: readonly number[]): object[] =>
    labels.map((label, i) => ({ text: `fox ${letters[i % 26]} ${i}`, label }));
  const batches = { batchSampler: 'group_by_label', batchSize: 4, learningRate: 0.05 } as const;

  test('train; a class of one row is never drawn', async () => {
    const trainDataset = rows([...Array.from({ length: 40 }, (_, i) => i % 4), 99]);
    const run = await (await newModel()).fit({ ...batches, loss, trainDataset });
    expect(run.history.length).toBeGreaterThanOrEqual(8);
    expect(run.rows).toBeLessThanOrEqual(40);
    expect(run.history.every((step) => Number.isFinite(step.loss))).toBe(true);
  });

  test.each<[string, Pick<FitOptions, 'trainDataset' | 'loss'> & Partial<FitOptions>, RegExp]>([
    [
      'one class',
      { trainDataset: rows([1, 1, 1, 1]), loss },
      /^trainDataset: expected two or more classes .* but received 1/,
    ],
    [
      'no class twice',
      { trainDataset: { a: rows([1, 2, 3, 4]) }, loss },
      /^trainDataset\.a: expected two or more classes .* but received 4 in 4 rows/,
    ],
    ['no labels', { trainDataset: nli, loss: ranking }, /^trainDataset: expected a class .* but received none/],
    ['an odd batch', { trainDataset: rows([1, 1, 2, 2]), loss, batchSize: 5 }, /batchSize/],
  ])('refuse %s', async (_, options, message) => {
    await expect((await newModel()).fit({ ...batches, ...options })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(INVALID_ARGUMENT|OUT_OF_RANGE)$/),
      message: expect.stringMatching(message),
    });
  });
});

describe('several datasets that do not fit', () => {
  test.each<[string, Pick<FitOptions, 'trainDataset' | 'loss'>, RegExp]>([
    [
      'an empty one among them',
      { trainDataset: { nli, empty: [] }, loss: ranking },
      /at least one row in trainDataset\.empty/,
    ],
    [
      'a loss for one that does not exist',
      { trainDataset: { nli, qa }, loss: { nli: ranking, qa: ranking, sst: ranking } },
      /expected names of datasets \(nli, qa\) for loss but received sst/,
    ],
    ['one without a loss', { trainDataset: { nli, qa }, loss: { nli: ranking } }, /for loss\.qa, as trainDataset has/],
    ['a loss by name that is none', { trainDataset: { nli }, loss: { nli: 1, qa: ranking } as never }, /for loss\.nli/],
    [
      'losses by name for one dataset',
      { trainDataset: nli, loss: { nli: ranking } },
      /one, since trainDataset is one dataset/,
    ],
    ['columns of another loss', { trainDataset: { nli, sts }, loss: ranking }, /"score" of trainDataset\.sts/],
    [
      'a label that its loss cannot use',
      {
        trainDataset: { nli, sts: [...sts, { one: 'a', other: 'b', score: NaN }] },
        loss: { nli: ranking, sts: new CoSENTLoss() },
      },
      /a finite number for trainDataset\.sts\[60\]\.score but received NaN/,
    ],
    ['a promise of one', { trainDataset: { nli, qa: Promise.resolve(nli) as never }, loss: ranking }, /await/],
    ['a text for one', { trainDataset: { nli, qa: 'qa.jsonl' as never }, loss: ranking }, /trainDataset\.qa/],
  ])('%s', async (_, options, message) => {
    await expect((await newModel()).fit(options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});
