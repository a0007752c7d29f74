import { describe, expect, test } from '@jest/globals';
import { descendingOrder } from '../../lib/sorted-order.js';
import { averagePrecision, rankScores, reciprocalRank, tieAveragedNdcg } from '../../lib/evaluation/ranked-scores.js';
import { bestAccuracy, bestF1, matthewsCorrelation } from '../../lib/evaluation/thresholds.js';

const scores = Float32Array.of(0.5, 0.25, 0.5, 0.75, 0.25, 0.25, 0.9, 0.1, 0.5, -0.2);
const labels = [1, 0, 0, 1, 1, 0, 0, 0, 1, 0];
const none = labels.map(() => 0);
const all = labels.map(() => 1);

describe('descendingOrder', () => {
  test.each([0, 1, 2, 2048, 2049, 10_000])('sorts %i values, equal ones in their order', async (count) => {
    const values = Float32Array.from({ length: count }, (_, i) => (i * 7919) % 97);
    const expected = Array.from(values.keys()).sort((i, j) => values[j]! - values[i]! || i - j);
    expect([...(await descendingOrder(values))]).toEqual(expected);
  });

  test('lets others have their turn, and stops when the signal is aborted', async () => {
    const values = Float32Array.from({ length: 500_000 }, (_, i) => (i * 7919) % 99991);
    let turns = 0;
    const timer = setInterval(() => ++turns, 1);
    await descendingOrder(values);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(1);
    const reason = new Error('enough');
    await expect(descendingOrder(values, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

// average_precision_score, ndcg_score and matthews_corrcoef of scikit-learn, and the thresholds of Sentence Transformers.
describe('metrics of ranked scores', () => {
  test('average precision counts equal scores together', async () => {
    expect(averagePrecision(await rankScores(scores, labels))).toBeCloseTo(0.55, 14);
    expect(averagePrecision(await rankScores(scores, none))).toBe(0);
    expect(averagePrecision(await rankScores(scores, all))).toBe(1);
  });

  test('NDCG is averaged over the orders of equal scores', async () => {
    const ranked = await rankScores(scores, labels);
    const expected = [0, 0.3868528072345415, 0.4525081529734507, 0.589193841737379, 0.7199718608079927];
    for (const [i, k] of [1, 2, 3, 5, 10].entries()) expect(tieAveragedNdcg(ranked, k)).toBeCloseTo(expected[i]!, 14);
    expect(tieAveragedNdcg(ranked, 20)).toBeCloseTo(expected[4]!, 14);
    expect(tieAveragedNdcg(await rankScores(scores, none), 10)).toBe(0);
  });

  test('reciprocal rank', async () => {
    const ranked = await rankScores(scores, labels);
    expect([1, 2, 10].map((k) => reciprocalRank(ranked, k))).toEqual([0, 1 / 2, 1 / 2]);
    expect(reciprocalRank(await rankScores(scores, none), 10)).toBe(0);
  });

  test('thresholds', async () => {
    const ranked = await rankScores(scores, labels);
    expect(bestAccuracy(ranked)).toEqual({ accuracy: 0.7, threshold: 0.5 });
    expect(bestF1(ranked)).toEqual({ f1: 0.7272727272727273, precision: 4 / 7, recall: 1, threshold: 0.25 });
    expect(matthewsCorrelation(ranked, 0.25)).toBeCloseTo(0.4082482904638631, 14);
  });

  test('thresholds where all examples are of one kind, or where there is one', async () => {
    const negatives = await rankScores(scores, none);
    expect(bestAccuracy(negatives)).toEqual({ accuracy: 0.9, threshold: Math.fround(0.825) });
    expect(bestF1(negatives)).toEqual({ f1: 0, precision: 0, recall: 0, threshold: undefined });
    expect(matthewsCorrelation(negatives, 0)).toBe(0);
    const positives = await rankScores(scores, all);
    expect(bestAccuracy(positives)).toEqual({ accuracy: 0.9, threshold: Math.fround(-0.05) });
    expect(bestF1(positives).f1).toBeCloseTo(0.9473684210526316, 14);
    expect(matthewsCorrelation(positives, 0)).toBe(0);
    expect(bestAccuracy(await rankScores(Float32Array.of(1), [1]))).toEqual({ accuracy: 0, threshold: undefined });
  });
});
