import { describe, expect, test } from '@jest/globals';
import * as metrics from '../../lib/evaluation/metrics.js';

const hits = [false, true, false, true, true];

describe('ranking metrics', () => {
  test('accuracy', () => {
    expect([1, 2, 9].map((k) => metrics.accuracyAt(hits, k))).toEqual([0, 1, 1]);
  });

  test('precision counts missing hits as misses', () => {
    expect([1, 2, 5, 10].map((k) => metrics.precisionAt(hits, k))).toEqual([0, 1 / 2, 3 / 5, 3 / 10]);
  });

  test('recall', () => {
    expect([1, 2, 5, 10].map((k) => metrics.recallAt(hits, k, 6))).toEqual([0, 1 / 6, 3 / 6, 3 / 6]);
  });

  test('reciprocal rank', () => {
    expect([1, 2, 10].map((k) => metrics.reciprocalRankAt(hits, k))).toEqual([0, 1 / 2, 1 / 2]);
    expect(metrics.reciprocalRankAt([false], 10)).toBe(0);
    expect(metrics.reciprocalRankAt([], 10)).toBe(0);
  });

  test('NDCG', () => {
    const gain = 1 / Math.log2(3) + 1 / Math.log2(5) + 1 / Math.log2(6);
    const ideal = 1 + 1 / Math.log2(3) + 1 / Math.log2(4);
    expect(metrics.ndcgAt(hits, 10, 3)).toBeCloseTo(gain / ideal, 14);
    expect(metrics.ndcgAt(hits, 2, 3)).toBeCloseTo(1 / Math.log2(3) / (1 + 1 / Math.log2(3)), 14);
    expect(metrics.ndcgAt([true, true], 2, 7)).toBe(1);
  });

  test('average precision', () => {
    expect(metrics.averagePrecisionAt(hits, 10, 4)).toBeCloseTo((1 / 2 + 2 / 4 + 3 / 5) / 4, 14);
    expect(metrics.averagePrecisionAt(hits, 2, 4)).toBeCloseTo(1 / 2 / 2, 14);
  });
});

describe('correlations', () => {
  // scipy.stats.rankdata(a), pearsonr(a, b) and spearmanr(a, b)
  const a = [3, 1, 2, 2, 5, 3, 3, 0];
  const b = [0.5, 0.1, 0.2, 0.9, 0.3, 0.5, 0.5, 0.5];

  test('ranks of equal values are averaged', async () => {
    expect([...(await metrics.ranks(a))]).toEqual([6, 2, 3.5, 3.5, 8, 6, 6, 1]);
    expect([...(await metrics.ranks([]))]).toEqual([]);
  });

  test('Pearson and Spearman are those of SciPy', async () => {
    expect(metrics.pearson(a, b)).toBeCloseTo(-0.004848146513977226, 14);
    expect(await metrics.spearman(a, b)).toBeCloseTo(0.09155216830332326, 14);
  });

  test('are 1 and -1 for monotone series, NaN for a constant one or one with a NaN', async () => {
    expect(await metrics.spearman([1, 2, 3], Float64Array.of(1, 10, 11))).toBe(1);
    expect(await metrics.spearman([1, 2, 3], [3, 2, -1])).toBe(-1);
    expect(metrics.pearson([1, 2, 3], [4, 4, 4])).toBeNaN();
    expect(await metrics.spearman([1, 2, 3], [4, NaN, NaN])).toBeNaN();
  });
});
