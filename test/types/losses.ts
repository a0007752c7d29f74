import { expectTypeOf } from 'expect-type';
import {
  BatchHardTripletLoss,
  ContrastiveLoss,
  CosineSimilarityLoss,
  EmbedDistillLoss,
  GISTEmbedLoss,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  SumLoss,
  type Guide,
  type Loss,
  type SentenceTransformer,
} from 'stillvec';

declare const model: SentenceTransformer;
const ranking = new MultipleNegativesRankingLoss();

expectTypeOf(new ContrastiveLoss({ distanceMetric: 'manhattan', sizeAverage: false })).toExtend<Loss>();
expectTypeOf(new MatryoshkaLoss(new SumLoss([{ loss: ranking }]), { dims: [8] })).toExtend<Loss>();
expectTypeOf(new SumLoss([{ loss: ranking, weight: 2 }])).toExtend<Loss>();

// A guide is a model, or whatever gives vectors.
expectTypeOf(model).toExtend<Guide>();
expectTypeOf(new GISTEmbedLoss(model, { marginStrategy: 'relative' })).toExtend<Loss>();
expectTypeOf({ encode: (texts: readonly string[]) => texts.map((text) => [text.length]) }).toExtend<Guide>();
expectTypeOf({
  encode: (texts: readonly string[]) => Promise.resolve([new Float32Array(texts.length)]),
}).toExtend<Guide>();

// @ts-expect-error -- a guide encodes
new GISTEmbedLoss({});
// @ts-expect-error -- no options
new CosineSimilarityLoss({ scale: 20 });
// @ts-expect-error -- no such distance between texts of a batch
new BatchHardTripletLoss({ distanceMetric: 'manhattan' });
// @ts-expect-error -- no such distance to a teacher
new EmbedDistillLoss({ distanceMetric: 'euclidean' });
// @ts-expect-error -- losses come with their weights
new SumLoss([ranking]);
