import { expectTypeOf } from 'expect-type';
import {
  BinaryClassificationEvaluator,
  EmbeddingSimilarityEvaluator,
  InformationRetrievalEvaluator,
  MSEEvaluator,
  NanoBEIREvaluator,
  ParaphraseMiningEvaluator,
  RerankingEvaluator,
  SequentialEvaluator,
  TranslationEvaluator,
  TripletEvaluator,
  type Encodes,
  type Evaluator,
  type FitOptions,
  type FitResult,
  type SentenceTransformer,
} from 'stillvec';

declare const model: SentenceTransformer;

const search = new InformationRetrievalEvaluator({
  queries: new Map([['q', 'a query']]),
  corpus: { d: 'a document' },
  relevantDocs: { q: new Set(['d']) },
});
const likeness = new EmbeddingSimilarityEvaluator({
  sentences1: ['a', 'b'],
  sentences2: ['a', 'b'],
  scores: Float32Array.of(1, 0),
  precision: 'ubinary',
});
const all = new SequentialEvaluator(
  [
    search,
    likeness,
    new TripletEvaluator({ anchors: ['a'], positives: ['b'], negatives: ['c'], margin: { dot: 1 } }),
    new BinaryClassificationEvaluator({ sentences1: ['a'], sentences2: ['b'], labels: Uint8Array.of(1) }),
    new RerankingEvaluator({
      samples: [{ query: 'a', positive: ['b'], negative: ['c'] }],
      atK: 3,
      similarityFct: 'dot',
    }),
    new TranslationEvaluator({ sourceSentences: ['a'], targetSentences: ['b'], name: 'fr', truncateDim: 64 }),
    new MSEEvaluator({ sourceSentences: ['a'], targetSentences: ['b'], teacherModel: model }),
    new ParaphraseMiningEvaluator({ sentences: { a: 'a', b: 'b' }, duplicates: [['a', 'b']], topK: 5 }),
    new NanoBEIREvaluator(),
    new NanoBEIREvaluator({
      datasetNames: ['msmarco', 'NQ'],
      queryPrompts: { nq: 'query: ', msmarco: '' },
      ndcgAtK: [5],
    }),
    { name: 'own', primaryMetric: 'rows', evaluate: () => Promise.resolve({ rows: 1 }) },
  ],
  { mainScoreFunction: (scores) => Math.max(...scores) },
);

expectTypeOf(model).toExtend<Encodes>();
expectTypeOf(search).toExtend<Evaluator>();
expectTypeOf(likeness).toExtend<Evaluator>();
expectTypeOf(all).toExtend<Evaluator>();
expectTypeOf(all.evaluate(model)).resolves.toEqualTypeOf<Record<string, number>>();
expectTypeOf(search.evaluate(model)).resolves.toEqualTypeOf<Record<string, number>>();
expectTypeOf(search.primaryMetric).toEqualTypeOf<string>();

// One of the user's own, and what `fit` makes of it.
const own = {
  name: 'own',
  primaryMetric: 'rows',
  evaluate: async (encodes: Encodes) => ({ rows: (await encodes.encode(['a', 'b'])).shape[0] }),
};
expectTypeOf(own).toExtend<NonNullable<FitOptions['evaluator']>>();
expectTypeOf<FitResult['evaluations'][number]['step']>().toEqualTypeOf<number>();

// @ts-expect-error -- relevantDocs are missing
new InformationRetrievalEvaluator({ queries: { q: 'a query' }, corpus: { d: 'a document' } });
// @ts-expect-error -- the options are an object
new InformationRetrievalEvaluator({ q: 'a query' }, { d: 'a document' }, { q: ['d'] });
// @ts-expect-error -- scores are numbers
new EmbeddingSimilarityEvaluator({ sentences1: ['a'], sentences2: ['a'], scores: ['1'] });
// @ts-expect-error -- there is no such similarity
new TripletEvaluator({ anchors: ['a'], positives: ['b'], negatives: ['c'], similarityFnNames: ['hamming'] });
// @ts-expect-error -- a sample has both sides
new RerankingEvaluator({ samples: [{ query: 'a', positive: ['b'] }] });
// @ts-expect-error -- the teacher is missing
new MSEEvaluator({ sourceSentences: ['a'], targetSentences: ['b'] });
// @ts-expect-error -- the first argument is an array
new SequentialEvaluator({ evaluators: [] });
