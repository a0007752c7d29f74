import { describe, expect, test } from '@jest/globals';
import { InformationRetrievalEvaluator } from '../../lib/evaluation/information-retrieval-evaluator.js';
import { LatticeModel } from './lattice-model';

const documentId = (i: number): string => `d${String(i).padStart(2, '0')}`;
const queries = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`q${i}`, `q${i}`]));
const corpus = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [documentId(i), `d${i}`]));
// Query i has i relevant documents: the first has none and is left out.
const relevantDocs = new Map(
  Array.from({ length: 7 }, (_, i) => [
    `q${i}`,
    new Set(Array.from({ length: i }, (_, k) => documentId((i * 5 + k * 3) % 40))),
  ]),
);

// Computed by the InformationRetrievalEvaluator of Sentence Transformers 6.0.1 from the same vectors.
const expected = {
  'toy_cosine_accuracy@1': 0,
  'toy_cosine_accuracy@3': 0.3333333333333333,
  'toy_cosine_accuracy@5': 0.5,
  'toy_cosine_accuracy@10': 0.8333333333333334,
  'toy_cosine_precision@1': 0,
  'toy_cosine_precision@3': 0.1111111111111111,
  'toy_cosine_precision@5': 0.10000000000000002,
  'toy_cosine_precision@10': 0.11666666666666665,
  'toy_cosine_recall@1': 0,
  'toy_cosine_recall@3': 0.09722222222222221,
  'toy_cosine_recall@5': 0.18055555555555555,
  'toy_cosine_recall@10': 0.33888888888888885,
  'toy_cosine_ndcg@10': 0.2048439240954991,
  'toy_cosine_mrr@10': 0.22916666666666666,
  'toy_cosine_map@100': 0.157108817342144,
};

describe('InformationRetrievalEvaluator', () => {
  test.each([40, 13, 1])('gives the metrics of Sentence Transformers, %i documents at a time', async (chunk) => {
    const evaluator = new InformationRetrievalEvaluator({
      queries,
      corpus,
      relevantDocs,
      name: 'toy',
      corpusChunkSize: chunk,
    });
    const metrics = await evaluator.evaluate(new LatticeModel());
    expect(Object.keys(metrics)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) expect(metrics[name]).toBeCloseTo(value, 12);
    expect(evaluator.primaryMetric).toBe('toy_cosine_ndcg@10');
  });

  test('takes other cut-offs and no name', async () => {
    const evaluator = new InformationRetrievalEvaluator({
      queries,
      corpus: new Map(Object.entries(corpus)),
      relevantDocs: Object.fromEntries([...relevantDocs].map(([id, documents]) => [id, [...documents]])),
      ndcgAtK: [5, 40],
      mrrAtK: [3],
      accuracyAtK: [2],
      precisionRecallAtK: [4],
      mapAtK: [7],
    });
    const metrics = await evaluator.evaluate(new LatticeModel());
    expect(Object.keys(metrics)).toEqual([
      'cosine_accuracy@2',
      'cosine_precision@4',
      'cosine_recall@4',
      'cosine_ndcg@5',
      'cosine_ndcg@40',
      'cosine_mrr@3',
      'cosine_map@7',
    ]);
    expect(evaluator.primaryMetric).toBe('cosine_ndcg@40');
  });

  test('passes prompts and dimension on, and reports its progress', async () => {
    const model = new LatticeModel();
    const progress: unknown[] = [];
    await new InformationRetrievalEvaluator({
      queries,
      corpus,
      relevantDocs,
      truncateDim: 4,
      queryPrompt: 'find: ',
      corpusPromptName: 'passage',
      corpusChunkSize: 25,
    }).evaluate(model, { onProgress: (state) => progress.push(state) });
    expect(model.calls).toEqual([
      { role: 'query', texts: 6, prompt: 'find: ', truncateDim: 4 },
      { role: 'document', texts: 25, promptName: 'passage', truncateDim: 4 },
      { role: 'document', texts: 15, promptName: 'passage', truncateDim: 4 },
    ]);
    expect(progress).toEqual([
      { done: 6, total: 46 },
      { done: 31, total: 46 },
      { done: 46, total: 46 },
    ]);
  });

  test('ranks equal scores by their ids, in any chunks', async () => {
    const same = new Map([
      ['z', 'd1'],
      ['a', 'd1'],
      ['m', 'd1'],
    ]);
    const rank = async (relevant: string, corpusChunkSize: number): Promise<number | undefined> => {
      const options = { queries: { q: 'q1' }, corpus: same, relevantDocs: { q: [relevant] }, corpusChunkSize };
      const metrics = await new InformationRetrievalEvaluator(options).evaluate(new LatticeModel());
      return metrics['cosine_mrr@10'];
    };
    for (const chunk of [1, 2, 3]) {
      expect(await Promise.all(['a', 'm', 'z'].map((id) => rank(id, chunk)))).toEqual([1, 1 / 2, 1 / 3]);
    }
  });

  test('stops when the signal is aborted', async () => {
    const reason = new Error('enough');
    const controller = new AbortController();
    const evaluator = new InformationRetrievalEvaluator({ queries, corpus, relevantDocs, corpusChunkSize: 1 });
    const model = new LatticeModel();
    const stopped = evaluator.evaluate(model, {
      signal: controller.signal,
      onProgress: ({ done }) => {
        if (done > 8) controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
    expect(model.calls.length).toBeLessThan(8);
    await expect(evaluator.evaluate(model, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each<[object, string]>([
    [{ queries: {} }, 'expected at least one text in queries but it is empty'],
    [{ corpus: { d: 7 } }, 'expected a string for corpus["d"] but received 7'],
    [{ corpus: undefined }, 'expected an object for corpus but received undefined'],
    [{ relevantDocs: { q0: 'd1' } }, 'expected a set or an array of ids for relevantDocs["q0"] but received "d1"'],
    [{ relevantDocs: { other: ['d1'] } }, 'expected at least one query that has relevantDocs, but none has'],
    [{ ndcgAtK: [0] }, 'expected an integer at least 1 for ndcgAtK[0] but received 0'],
    [{ mapAtK: 100 }, 'expected a non-empty array of integers for mapAtK but received 100'],
    [{ corpusPrompt: 7 }, 'expected a string for corpusPrompt but received 7'],
    [{ queryPromptName: null }, 'expected a string for queryPromptName but received null'],
    [{ mrrAtk: [1] }, 'unknown option mrrAtk for InformationRetrievalEvaluator: did you mean mrrAtK?'],
  ])('refuses %p', (options, message) => {
    expect(() => new InformationRetrievalEvaluator({ queries, corpus, relevantDocs, ...options })).toThrow(message);
  });
});
