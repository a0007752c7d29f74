import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AnglELoss,
  BatchAllTripletLoss,
  BatchHardSoftMarginTripletLoss,
  BatchHardTripletLoss,
  BatchSemiHardTripletLoss,
  CosineSimilarityLoss,
  CoSENTLoss,
  ContrastiveLoss,
  DistillKLDivLoss,
  EmbedDistillLoss,
  GISTEmbedLoss,
  InvalidArgumentError,
  MarginMSELoss,
  MatryoshkaLoss,
  MegaBatchMarginLoss,
  MSELoss,
  MultipleNegativesRankingLoss,
  OnlineContrastiveLoss,
  SentenceTransformer,
  SumLoss,
  TripletLoss,
  type Dataset,
  type FitResult,
  type Guide,
  type Loss,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-losses-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const dim = 8;
const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim, seed: 3 });

const letters = Array.from('abcdefghijklmnopqrstuvwx');
const anchor = letters.map((letter, i) => `${letter} red ${i}`);
const positive = letters.map((letter, i) => `the ${letter}${letter} ${i % 7} fox`);
const negative = letters.map((letter) => `over the blue ${letter} sea`);

/** The same number for each row. */
function label<T>(value: T): T[] {
  return letters.map(() => value);
}

async function fit(loss: Loss, trainDataset: Dataset, options: { epochs?: number } = {}): Promise<FitResult> {
  const model = await newModel();
  return model.fit({ trainDataset, loss, batchSize: 12, batchSampler: 'sequential', learningRate: 0.05, ...options });
}

describe('a dataset that does not fit the loss', () => {
  test.each<[string, Loss, Dataset, string]>([
    ['one text for a pair', new CoSENTLoss(), { anchor, label: label(1) }, 'sentence1, sentence2'],
    ['two texts for a triplet', new TripletLoss(), { anchor, positive }, 'anchor, positive, negative'],
    ['three for a pair', new ContrastiveLoss(), { anchor, positive, negative, label: label(1) }, '"negative"'],
    ['two for a class', new BatchAllTripletLoss(), { anchor, positive, label: label(1) }, '"positive"'],
    ['no label', new CosineSimilarityLoss(), { anchor, positive }, 'CosineSimilarityLoss finds its label'],
    ['no label beside a pair', new AnglELoss(), { anchor, positive }, 'AnglELoss finds its label'],
    ['a label that nobody reads', new TripletLoss(), { anchor, positive, negative, label: label(1) }, '"label"'],
    ['NaN', new CoSENTLoss(), { anchor, positive, label: label(NaN) }, 'trainDataset.label[0] but received NaN'],
    [
      'half a yes',
      new ContrastiveLoss(),
      { anchor, positive, label: label(0.5) },
      'expected 0 or 1 for trainDataset.label[0]',
    ],
    ['2', new OnlineContrastiveLoss(), { anchor, positive, label: label(2) }, 'expected 0 or 1'],
    ['half a class', new BatchHardTripletLoss(), { anchor, label: label(1.5) }, 'a class (an integer'],
    ['a class as text', new BatchSemiHardTripletLoss(), { anchor, label: label('sea') } as Dataset, 'label'],
    ['a vector for a number', new CoSENTLoss(), { anchor, positive, label: label([1, 2]) }, 'a plain number'],
    [
      'three margins for one',
      new MarginMSELoss(),
      { anchor, positive, negative, label: label([1, 2, 3]) },
      'a number (the margin) or 2 (the scores)',
    ],
    ['one score for two', new DistillKLDivLoss(), { anchor, positive, negative, label: label(1) }, '2 scores'],
    ['a narrow teacher', new MSELoss(), { anchor, label: label([1, 2, 3]) }, `a vector of ${dim} numbers`],
    [
      'a teacher of three texts',
      new EmbedDistillLoss(),
      { anchor, positive, label: label([anchor, positive, negative].map(() => new Float32Array(dim))) },
      'an array of one for each text',
    ],
    [
      'a teacher of another projection',
      new MSELoss({ projectionDim: 3 }),
      { anchor, label: label([1, 2]) },
      'projectionDim',
    ],
    [
      'a projection of prefixes',
      new MatryoshkaLoss(new MSELoss({ projectionDim: 3 }), { dims: [8, 4] }),
      { anchor, label: label([1, 2, 3]) },
      'expected no projectionDim under MatryoshkaLoss',
    ],
    ['one class', new BatchHardSoftMarginTripletLoss(), { anchor, label: label(1) }, 'two or more classes'],
    ['every class alone', new BatchAllTripletLoss(), { anchor, label: letters.map((_, i) => i) }, 'two or more rows'],
    ['one row', new MegaBatchMarginLoss(), { anchor: ['a'], positive: ['b'] }, 'at least 2 rows'],
  ])('%s', async (_, loss, dataset, message) => {
    const refused = fit(loss, dataset);
    await expect(refused).rejects.toThrow(InvalidArgumentError);
    await expect(refused).rejects.toThrow(message);
  });
});

describe('degenerate batches', () => {
  const alone = letters.map((_, i) => Math.max(1, i));

  test.each<[string, Loss, Dataset]>([
    ['most classes alone', new BatchHardTripletLoss(), { anchor, label: alone }],
    ['most classes alone, soft', new BatchHardSoftMarginTripletLoss(), { anchor, label: alone }],
    ['most classes alone, semi-hard', new BatchSemiHardTripletLoss(), { anchor, label: alone }],
    ['most classes alone, all triplets', new BatchAllTripletLoss(), { anchor, label: alone }],
    ['one label', new CoSENTLoss(), { anchor, positive, label: label(1) }],
    ['positives only', new OnlineContrastiveLoss(), { anchor, positive, label: label(1) }],
    ['equal texts', new TripletLoss(), { anchor, positive: anchor, negative: anchor }],
    [
      'equal texts at prefixes',
      new MatryoshkaLoss(new AnglELoss(), { dims: [8, 3] }),
      { anchor, positive: anchor, negative: anchor },
    ],
    ['texts of nothing', new CosineSimilarityLoss(), { anchor: label(''), positive, label: label(1) }],
    ['a teacher of nothing', new EmbedDistillLoss(), { anchor, label: label(new Float32Array(dim)) }],
    ['one score far above', new DistillKLDivLoss(), { anchor, positive, negative, label: label([1e30, -1e30]) }],
  ])('%s', async (_, loss, dataset) => {
    const { history } = await fit(loss, dataset);
    expect(history.length).toBe(2);
    for (const step of history) expect(Number.isFinite(step.loss) && Number.isFinite(step.gradNorm)).toBe(true);
  });
});

test('SumLoss is the weighted sum', async () => {
  const [ranking, triplet] = [new MultipleNegativesRankingLoss(), new TripletLoss()];
  const dataset = { anchor, positive, negative };
  const first = async (loss: Loss): Promise<number> => (await fit(loss, dataset)).history[0]!.loss;
  const sum = new SumLoss([{ loss: ranking, weight: 0.5 }, { loss: triplet }]);
  expect(await first(sum)).toBeCloseTo(0.5 * (await first(ranking)) + (await first(triplet)), 5);
  const prefixes = { dims: [8, 4] };
  const sumOfPrefixes = new SumLoss([
    { loss: new MatryoshkaLoss(ranking, prefixes), weight: 0.5 },
    { loss: new MatryoshkaLoss(triplet, prefixes) },
  ]);
  expect(await first(new MatryoshkaLoss(sum, prefixes))).toBeCloseTo(await first(sumOfPrefixes), 5);
});

test('a guide is asked once for each text, whatever the epochs', async () => {
  const guide = await newModel();
  const asked: string[] = [];
  const encode: Guide['encode'] = (texts) => {
    asked.push(...texts);
    return guide.encode(texts);
  };
  const { history } = await fit(new GISTEmbedLoss({ encode }), { anchor, positive, negative }, { epochs: 3 });
  expect(history.length).toBe(6);
  expect(asked.sort()).toEqual([...anchor, ...positive, ...negative].sort());
});

test("a guide's failure reaches the caller, and the model stays as it is", async () => {
  const model = await newModel();
  const before = model.encodeSync('red sea');
  const encode = (): Promise<never> => Promise.reject(new Error('no GPU'));
  const loss = new GISTEmbedLoss({ encode });
  await expect(model.fit({ trainDataset: { anchor, positive }, loss, batchSize: 12 })).rejects.toThrow('no GPU');
  expect(model.encodeSync('red sea')).toEqual(before);
});

describe('a projection to the width of a teacher', () => {
  const teacher = letters.map((_, i) => Float32Array.from({ length: 12 }, (__, k) => Math.sin(i * (k + 1))));
  const trainDataset = { anchor, label: teacher };
  const options = { trainDataset, batchSize: 12, learningRate: 0.05, scheduler: 'constant', epochs: 60 } as const;

  test('is learned', async () => {
    const { history } = await (await newModel()).fit({ ...options, loss: new EmbedDistillLoss({ projectionDim: 12 }) });
    expect(history.at(-1)!.loss).toBeLessThan(0.3 * history[0]!.loss);
  });

  test('goes on from a checkpoint to the same bits', async () => {
    const outputDir = path.join(folder, 'run');
    const loss = new SumLoss([
      { loss: new MSELoss({ projectionDim: 12 }) },
      { loss: new EmbedDistillLoss({ projectionDim: 12 }) },
    ]);
    const whole = await newModel();
    const first = await whole.fit({ ...options, loss, epochs: 5, outputDir, saveSteps: 4 });
    const resumed = await newModel();
    const checkpoint = path.join(outputDir, 'checkpoint-8');
    const second = await resumed.fit({ ...options, loss, epochs: 5, resumeFromCheckpoint: checkpoint });
    expect(second.history).toEqual(first.history);
    expect(resumed.encodeSync('a red sea')).toEqual(whole.encodeSync('a red sea'));
  });
});
