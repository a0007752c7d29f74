import { describe, expect, test } from '@jest/globals';
import * as stillvec from 'stillvec';
import {
  AnglELoss,
  BatchHardTripletLoss,
  CosineSimilarityLoss,
  CoSENTLoss,
  ContrastiveLoss,
  DistillKLDivLoss,
  EmbedDistillLoss,
  GISTEmbedLoss,
  GlobalOrthogonalRegularizationLoss,
  MarginMSELoss,
  MSELoss,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  MultipleNegativesSymmetricRankingLoss,
  SumLoss,
  TripletLoss,
  type Guide,
  type Loss,
} from 'stillvec';

const guide: Guide = { encode: (texts) => texts.map((text) => [text.length, 1]) };

/** What each loss is told without options. */
const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  AnglELoss: { kind: 'cosent', similarity: 'angle', scale: 20 },
  BatchAllTripletLoss: { kind: 'batch_all_triplet', distanceMetric: 'euclidean', margin: 5 },
  BatchHardSoftMarginTripletLoss: { kind: 'batch_hard_soft_margin_triplet', distanceMetric: 'euclidean' },
  BatchHardTripletLoss: { kind: 'batch_hard_triplet', distanceMetric: 'euclidean', margin: 5 },
  BatchSemiHardTripletLoss: { kind: 'batch_semi_hard_triplet', distanceMetric: 'euclidean', margin: 5 },
  CoSENTLoss: { kind: 'cosent', similarity: 'cosine', scale: 20 },
  ContrastiveLoss: { kind: 'contrastive', distanceMetric: 'cosine', margin: 0.5, sizeAverage: true },
  CosineSimilarityLoss: { kind: 'cosine_similarity' },
  DistillKLDivLoss: { kind: 'distill_kl_div', similarity: 'dot', studentTemperature: 1, teacherTemperature: 1 },
  EmbedDistillLoss: { kind: 'embed_distill', distanceMetric: 'cosine', projectionDim: 0 },
  GlobalOrthogonalRegularizationLoss: {
    kind: 'global_orthogonal_regularization',
    meanWeight: 1,
    secondMomentWeight: 1,
    aggregation: 'mean',
  },
  MSELoss: { kind: 'embed_distill', distanceMetric: 'mse', projectionDim: 0 },
  MarginMSELoss: { kind: 'margin_mse', similarity: 'dot' },
  MegaBatchMarginLoss: { kind: 'mega_batch_margin', positiveMargin: 0.8, negativeMargin: 0.3 },
  OnlineContrastiveLoss: { kind: 'online_contrastive', distanceMetric: 'cosine', margin: 0.5 },
  TripletLoss: { kind: 'triplet', distanceMetric: 'euclidean', tripletMargin: 5 },
};

type AnyLoss = new (options?: unknown) => Loss;
const lossClasses = stillvec as unknown as Readonly<Record<string, AnyLoss>>;

describe.each(Object.entries(defaults))('%s', (name, settings) => {
  const LossClass = lossClasses[name]!;

  test('has the defaults of Sentence Transformers', () => {
    const loss = new LossClass();
    expect(loss.name).toBe(name);
    const [term, ...others] = loss.lower(64);
    expect(term).toEqual({
      objective: settings,
      weight: 1,
      matryoshkaDims: [],
      matryoshkaWeights: [],
      dimsPerStep: 0,
    });
    expect(others).toEqual([]);
  });

  test('refuses what is no option', () => {
    expect(() => new LossClass({ marign: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(`for ${name}`) }),
    );
    expect(() => new LossClass(guide)).toThrow(`expected options for ${name} but received a model`);
    expect(() => new LossClass({ model: guide })).toThrow('a loss here takes no model: leave it out');
    expect(() => new LossClass(null)).toThrow('options');
  });
});

describe('names for what there is', () => {
  const symmetric = { directions: ['query_to_doc', 'doc_to_query'], partitionMode: 'per_direction' } as const;

  test.each([
    ['CachedMultipleNegativesRankingLoss', new MultipleNegativesRankingLoss()],
    ['MultipleNegativesSymmetricRankingLoss', new MultipleNegativesRankingLoss(symmetric)],
    ['CachedMultipleNegativesSymmetricRankingLoss', new MultipleNegativesRankingLoss(symmetric)],
  ])('%s', (name, same) => {
    const loss = new lossClasses[name]!();
    expect(loss.name).toBe(name);
    expect(loss.lower(8)).toEqual(same.lower());
    expect(loss.needs).toEqual(same.needs);
    expect(() => new lossClasses[name]!({ miniBatchSize: 32 })).toThrow('batches of any size fit into memory');
  });

  test('CachedGISTEmbedLoss', () => {
    const loss = new stillvec.CachedGISTEmbedLoss(guide, { temperature: 0.05 });
    expect(loss.name).toBe('CachedGISTEmbedLoss');
    expect(loss.lower()).toEqual(new GISTEmbedLoss(guide, { temperature: 0.05 }).lower());
  });
});

describe('bad options', () => {
  test.each<[string, () => unknown, string]>([
    ['a metric', () => new TripletLoss({ distanceMetric: 'dot' as 'cosine' }), 'distanceMetric but received "dot"'],
    ['a margin', () => new ContrastiveLoss({ margin: NaN }), 'expected a finite number for margin but received NaN'],
    ['a margin by another name', () => new TripletLoss({ margin: 1 } as object), 'its name is tripletMargin'],
    ['a flag', () => new ContrastiveLoss({ sizeAverage: 1 as unknown as boolean }), 'sizeAverage'],
    ['a scale', () => new CoSENTLoss({ scale: 0 }), 'expected a finite number above 0 for scale but received 0'],
    ['a similarity of CoSENT', () => new CoSENTLoss({ similarityFct: 'x' } as object), 'AnglELoss'],
    ['a temperature', () => new DistillKLDivLoss({ teacherTemperature: -1 }), 'teacherTemperature but received -1'],
    ['a similarity', () => new MarginMSELoss({ similarity: 'l2' as 'dot' }), 'similarity but received "l2"'],
    ['a distance', () => new EmbedDistillLoss({ distanceMetric: 'l1' as 'l2' }), 'distanceMetric but received "l1"'],
    [
      'no term left',
      () => new GlobalOrthogonalRegularizationLoss({ meanWeight: 0, secondMomentWeight: 0 }),
      'meanWeight',
    ],
    ['an aggregation', () => new GlobalOrthogonalRegularizationLoss({ aggregation: 'max' as 'sum' }), 'aggregation'],
    ['a guide', () => new GISTEmbedLoss({} as Guide), 'expected a model, or an object with an encode(texts) for guide'],
    ['two models', () => new GISTEmbedLoss(guide, guide as object), 'received a model'],
    ['a strategy', () => new GISTEmbedLoss(guide, { marginStrategy: 'x' as 'absolute' }), 'marginStrategy'],
    ['batch metrics', () => new BatchHardTripletLoss({ distanceMetric: 'manhattan' as 'cosine' }), 'distanceMetric'],
    ['directions', () => new MultipleNegativesSymmetricRankingLoss({ directions: [] } as object), 'directions'],
    ['a loss function', () => new CosineSimilarityLoss({ lossFct: 'x' } as never), 'the error is squared'],
  ])('%s', (_, construct, message) => {
    expect(construct).toThrow(stillvec.InvalidArgumentError);
    expect(construct).toThrow(message);
  });
});

describe('SumLoss', () => {
  const ranking = new MultipleNegativesRankingLoss();
  const spread = new GlobalOrthogonalRegularizationLoss();

  test('weighs its terms, those of a Matryoshka loss among them', () => {
    const matryoshka = new MatryoshkaLoss(ranking, { dims: [8, 4] });
    const terms = new SumLoss([
      { loss: matryoshka, weight: 2 },
      { loss: spread, weight: 0.5 },
    ]).lower(8);
    expect(terms.map(({ objective, weight, matryoshkaDims }) => [objective.kind, weight, matryoshkaDims])).toEqual([
      ['multiple_negatives_ranking', 2, [4, 8]],
      ['global_orthogonal_regularization', 0.5, []],
    ]);
  });

  test('goes under a Matryoshka loss', () => {
    const terms = new MatryoshkaLoss(new SumLoss([{ loss: ranking }, { loss: spread }]), { dims: [8, 4] }).lower(8);
    expect(terms.map(({ weight, matryoshkaDims }) => [weight, matryoshkaDims])).toEqual([
      [1, [4, 8]],
      [1, [4, 8]],
    ]);
    const nested = new SumLoss([{ loss: new MatryoshkaLoss(ranking, { dims: [8] }) }]);
    expect(() => new MatryoshkaLoss(nested, { dims: [8] }).lower(8)).toThrow('a loss without a MatryoshkaLoss in it');
  });

  test('wants what all of its losses want', () => {
    const { needs, guides, name } = new SumLoss([
      { loss: spread },
      { loss: new GISTEmbedLoss(guide) },
      { loss: new AnglELoss() },
    ]);
    expect(name).toBe('SumLoss(GlobalOrthogonalRegularizationLoss, GISTEmbedLoss, AnglELoss)');
    expect(needs).toMatchObject({ texts: ['anchor', 'positive'], furtherTexts: 'negative', minimumRows: 2 });
    expect(needs.label?.isOptional?.(3)).toBe(true);
    expect(needs.label?.isOptional?.(2)).toBe(false);
    expect(guides).toEqual([undefined, guide, undefined]);
    expect(new SumLoss([{ loss: spread }, { loss: new CoSENTLoss() }]).needs).not.toHaveProperty('furtherTexts');
  });

  test('reads one label for all', () => {
    const { label } = new SumLoss([{ loss: new CosineSimilarityLoss() }, { loss: new ContrastiveLoss() }]).needs;
    expect(label?.accepts(1)).toBe(true);
    expect(label?.accepts(0.5)).toBe(false);
    expect(label?.expected).toBe('a finite number and 0 or 1');
    expect(label?.misfit({ vectors: 1, width: 2 }, 2, 8)).toBe('a plain number');
  });

  test.each<[string, unknown, string]>([
    ['no losses', [], 'expected an array of { loss, weight } for losses'],
    ['a loss alone', new CoSENTLoss(), 'expected an array of { loss, weight } for losses'],
    ['bare losses', [new CoSENTLoss()], 'losses[0]'],
    ['nothing', [null], 'losses[0]'],
    ['a class', [{ loss: CoSENTLoss }], 'losses[0].loss'],
    ['a weight', [{ loss: new CoSENTLoss(), weight: Infinity }], 'losses[0].weight but received Infinity'],
    ['other columns', [{ loss: new TripletLoss() }, { loss: new CoSENTLoss() }], 'CoSENTLoss, which takes sentence1'],
  ])('refuses %s', (_, losses, message) => {
    expect(() => new SumLoss(losses as [])).toThrow(message);
  });
});

describe('labels', () => {
  const misfit = (loss: Loss, vectors: number, width: number, texts: number): string | undefined =>
    loss.needs.label?.misfit({ vectors, width }, texts, 8);

  test.each<[Loss, number, number, number, string | undefined]>([
    [new CoSENTLoss(), 1, 1, 2, undefined],
    [new CoSENTLoss(), 1, 3, 2, 'a plain number'],
    [new MarginMSELoss(), 1, 1, 3, undefined],
    [new MarginMSELoss(), 1, 2, 3, undefined],
    [new MarginMSELoss(), 1, 3, 3, 'a number (the margin) or 2 (the scores)'],
    [new MarginMSELoss(), 1, 1, 5, '3 numbers (the margins) or 4 (the scores)'],
    [new DistillKLDivLoss(), 1, 3, 4, undefined],
    [new DistillKLDivLoss(), 1, 2, 4, '3 scores, one a candidate'],
    [new EmbedDistillLoss(), 1, 8, 2, undefined],
    [new EmbedDistillLoss(), 2, 8, 2, undefined],
    [new EmbedDistillLoss(), 3, 8, 2, "a vector of 8 numbers, the model's width, or an array of one for each text"],
    [new EmbedDistillLoss(), 1, 16, 1, "a vector of 8 numbers, the model's width"],
    [new EmbedDistillLoss({ projectionDim: 16 }), 1, 16, 1, undefined],
    [new MSELoss({ projectionDim: 16 }), 1, 8, 1, 'a vector of 16 numbers, projectionDim'],
  ])('of a shape that fits: case %#', (loss, vectors, width, texts, expected) => {
    expect(misfit(loss, vectors, width, texts)).toBe(expected);
  });

  test('are of the kind that the loss reads', () => {
    const accepts = (loss: Loss, value: number): boolean | undefined => loss.needs.label?.accepts(value);
    expect([0, 1, 2, NaN].map((value) => accepts(new ContrastiveLoss(), value))).toEqual([true, true, false, false]);
    expect([3, 1.5, 2 ** 25].map((value) => accepts(new BatchHardTripletLoss(), value))).toEqual([true, false, false]);
    expect([-0.5, NaN, Infinity].map((value) => accepts(new CoSENTLoss(), value))).toEqual([true, false, false]);
  });
});
