import { describe, expect, test } from '@jest/globals';
import { RerankingEvaluator, type RerankingSample } from 'stillvec';
import { expectMetrics } from './expect-metrics';
import { LatticeModel } from './lattice-model';

const documents = (count: number, number: (k: number) => number): string[] =>
  Array.from({ length: count }, (_, k) => `d${number(k) % 40}`);

// Some have no negative document and are left out; some have equal documents on both sides.
const samples: RerankingSample[] = Array.from({ length: 19 }, (_, i) => ({
  query: `q${i}`,
  positive: documents((i % 3) + 1, (k) => i * 5 + k * 3),
  negative: documents(i % 4, (k) => i * 7 + k),
}));

describe('RerankingEvaluator', () => {
  // Computed by Sentence Transformers 6.0.1 from the same vectors.
  test.each([
    [
      { name: 're' },
      { re_map: 0.6297619047619047, 're_mrr@10': 0.6845238095238095, 're_ndcg@10': 0.7462722462077087 },
      'RerankingEvaluator_re_results_@10.csv',
    ],
    [
      { atK: 2 },
      { map: 0.6297619047619047, 'mrr@2': 0.6428571428571429, 'ndcg@2': 0.5361383181057021 },
      'RerankingEvaluator_results_@2.csv',
    ],
  ])('%p gives the metrics of Sentence Transformers', async (options, expected, csvFile) => {
    const evaluator = new RerankingEvaluator({ samples, ...options });
    expectMetrics(await evaluator.evaluate(new LatticeModel()), expected);
    expect(evaluator.primaryMetric).toBe(Object.keys(expected)[2]);
    expect(evaluator.csvFile).toBe(csvFile);
  });

  test('encodes queries and documents as such', async () => {
    const model = new LatticeModel();
    await new RerankingEvaluator({ samples: samples.slice(0, 4), truncateDim: 5, similarityFct: 'dot' }).evaluate(
      model,
    );
    expect(model.calls).toEqual([
      { role: 'query', texts: 3, truncateDim: 5 },
      { role: 'document', texts: 2 + 3 + 1 + 1 + 2 + 3, truncateDim: 5 },
    ]);
  });

  test.each<[object, string]>([
    [{ samples: {} }, 'expected an array of { query, positive, negative } for samples but received an object'],
    [{ samples: ['q'] }, 'expected an object { query, positive, negative } for samples[0] but received "q"'],
    [{ samples: [{ positive: [], negative: [] }] }, 'expected a string for samples[0].query but received undefined'],
    [
      { samples: [...samples, { query: 'q1', positive: 'd1', negative: [] }] },
      'expected an array of strings for samples[19].positive but received "d1"',
    ],
    [{ samples: samples.slice(0, 1) }, 'expected at least one of samples that has both a positive and a negative'],
    [{ atK: 0 }, 'expected an integer at least 1 for atK but received 0'],
    [{ similarityFct: 'cos' }, "expected one of 'cosine', 'dot', 'euclidean', 'manhattan' for similarityFct"],
    [{ mrrAtK: 10 }, 'unknown option mrrAtK for RerankingEvaluator: its name is atK'],
  ])('refuses %p', (options, message) => {
    expect(() => new RerankingEvaluator({ samples, ...options })).toThrow(message);
  });
});
