import { describe, expect, test } from '@jest/globals';
import { EmbeddingSimilarityEvaluator } from '../../lib/evaluation/embedding-similarity-evaluator.js';
import { LatticeModel } from './lattice-model';

const sentences1 = Array.from({ length: 30 }, (_, i) => `a${i}`);
const sentences2 = Array.from({ length: 30 }, (_, i) => `b${(i * 7) % 30}`);
const scores = Array.from({ length: 30 }, (_, i) => (i * i) % 6);

// Computed by the EmbeddingSimilarityEvaluator of Sentence Transformers 6.0.1 (SciPy) from the same vectors.
const cosine = { sts_pearson_cosine: 0.13769516816792507, sts_spearman_cosine: 0.1706909575021486 };
const all = {
  ...cosine,
  sts_pearson_dot: 0.13932968744501167,
  sts_spearman_dot: 0.14630653500184165,
  sts_pearson_euclidean: 0.17083381185162588,
  sts_spearman_euclidean: 0.14295031100921304,
  sts_pearson_manhattan: 0.14697816752481002,
  sts_spearman_manhattan: 0.10130328274330433,
  sts_pearson_max: 0.17083381185162588,
  sts_spearman_max: 0.1706909575021486,
};

describe('EmbeddingSimilarityEvaluator', () => {
  test.each([
    [{}, cosine, 'sts_spearman_cosine'],
    [{ similarityFnNames: ['cosine', 'dot', 'euclidean', 'manhattan'] as const }, all, 'sts_spearman_max'],
    [
      { truncateDim: 3 },
      { sts_pearson_cosine: -0.13820952679072365, sts_spearman_cosine: -0.13237257928738053 },
      'sts_spearman_cosine',
    ],
    [
      { mainSimilarity: 'euclidean' as const },
      { sts_pearson_euclidean: 0.17083381185162588, sts_spearman_euclidean: 0.14295031100921304 },
      'sts_spearman_euclidean',
    ],
  ])('%p gives the metrics of Sentence Transformers', async (options, expected, primary) => {
    const evaluator = new EmbeddingSimilarityEvaluator({ sentences1, sentences2, scores, name: 'sts', ...options });
    const metrics = await evaluator.evaluate(new LatticeModel());
    expect(Object.keys(metrics)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) expect(metrics[name]).toBeCloseTo(value, 6);
    expect(evaluator.primaryMetric).toBe(primary);
  });

  test('unpacks binary embeddings, signed and unsigned alike', async () => {
    const results = await Promise.all(
      (['binary', 'ubinary'] as const).map(async (precision) => {
        const model = new LatticeModel();
        const options = { sentences1, sentences2, scores, precision, similarityFnNames: ['manhattan'] as const };
        const metrics = await new EmbeddingSimilarityEvaluator(options).evaluate(model);
        expect(model.calls[0]).toEqual({ role: 'encode', texts: 30, precision, normalizeEmbeddings: true });
        return metrics;
      }),
    );
    expect(results[0]).toEqual(results[1]);
    // By hand: the first bits of the packed rows are the signs of the columns, so the distance is a Hamming distance.
    const sign = (text: string, salt: number, j: number): number => {
      const i = Number(text.slice(1));
      return ((i * 37 + salt * 11 + j * j * 7 + ((i * j) % 5) * 3) % 17) - 8 > 0 ? 1 : 0;
    };
    const hamming = sentences1.map((text, i) => {
      let distance = 0;
      for (let j = 0; j < 6; ++j) distance += Math.abs(sign(text, 1, j) - sign(sentences2[i]!, 2, j));
      return -distance;
    });
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [x, y] = [hamming, scores].map((values) => values.map((value) => value - mean(values))) as [
      number[],
      number[],
    ];
    const product = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    expect(results[0]!['pearson_manhattan']).toBeCloseTo(product(x, y) / Math.sqrt(product(x, x) * product(y, y)), 12);
  });

  test('reports its progress and obeys the signal', async () => {
    const evaluator = new EmbeddingSimilarityEvaluator({ sentences1, sentences2, scores });
    const progress: unknown[] = [];
    await evaluator.evaluate(new LatticeModel(), { onProgress: (state) => progress.push(state) });
    expect(progress).toEqual([
      { done: 30, total: 60 },
      { done: 60, total: 60 },
    ]);
    const reason = new Error('enough');
    await expect(evaluator.evaluate(new LatticeModel(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each<[object, string]>([
    [{ scores: [1] }, 'expected equally many sentences1, sentences2 and scores but received 30, 30 and 1'],
    [{ sentences1: ['a', 3] }, 'expected a string for sentences1[1] but received 3'],
    [{ sentences1: ['a'], sentences2: ['b'], scores: [1] }, 'expected at least two pairs of sentences but received 1'],
    [{ scores: scores.with(4, NaN) }, 'expected a finite number for scores[4] but received NaN'],
    [{ precision: 'float16' }, "expected one of 'float32', 'int8', 'uint8', 'binary', 'ubinary' for precision"],
    [{ similarityFnNames: ['cos'] }, "expected one of 'cosine', 'dot', 'euclidean', 'manhattan'"],
    [{ similarity: 'dot' }, 'unknown option similarity for EmbeddingSimilarityEvaluator'],
  ])('refuses %p', (options, message) => {
    expect(() => new EmbeddingSimilarityEvaluator({ sentences1, sentences2, scores, ...options })).toThrow(message);
  });
});
