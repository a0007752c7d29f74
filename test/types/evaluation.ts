import { expectTypeOf } from 'expect-type';
import {
  EmbeddingSimilarityEvaluator,
  InformationRetrievalEvaluator,
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

expectTypeOf(model).toExtend<Encodes>();
expectTypeOf(search).toExtend<Evaluator>();
expectTypeOf(likeness).toExtend<Evaluator>();
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
