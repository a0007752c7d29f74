import { describe, expect, test } from '@jest/globals';
import { BinaryClassificationEvaluator } from 'stillvec';
import { expectMetrics } from './expect-metrics';
import { LatticeModel } from './lattice-model';

const indices = Array.from({ length: 30 }, (_, i) => i);
const sentences1 = indices.map((i) => `a${i}`);
const sentences2 = indices.map((i) => `b${(i * 7) % 30}`);
const labels: number[] = indices.map((i) => ((i * i) % 6 > 2 ? 1 : 0));

// Computed by Sentence Transformers 6.0.1 from the same vectors.
const expected = {
  bin_cosine_accuracy: 0.7,
  bin_cosine_accuracy_threshold: 0.14659187197685242,
  bin_cosine_f1: 0.6511627906976745,
  bin_cosine_f1_threshold: -0.6246098279953003,
  bin_cosine_precision: 0.5,
  bin_cosine_recall: 0.9333333333333333,
  bin_cosine_ap: 0.7065242312706079,
  bin_cosine_mcc: 0,
  bin_manhattan_accuracy: 0.6333333333333333,
  bin_manhattan_accuracy_threshold: 30.5,
  bin_manhattan_f1: 0.6666666666666667,
  bin_manhattan_f1_threshold: 48.5,
  bin_manhattan_precision: 0.5185185185185185,
  bin_manhattan_recall: 0.9333333333333333,
  bin_manhattan_ap: 0.6542648709315376,
  bin_manhattan_mcc: 0.1111111111111111,
  bin_max_accuracy: 0.7,
  bin_max_accuracy_threshold: 30.5,
  bin_max_f1: 0.6666666666666667,
  bin_max_f1_threshold: 48.5,
  bin_max_precision: 0.5185185185185185,
  bin_max_recall: 0.9333333333333333,
  bin_max_ap: 0.7065242312706079,
  bin_max_mcc: 0.1111111111111111,
};

describe('BinaryClassificationEvaluator', () => {
  test('gives the metrics of Sentence Transformers', async () => {
    const evaluator = new BinaryClassificationEvaluator({
      sentences1,
      sentences2,
      labels: Uint8Array.from(labels),
      name: 'bin',
      similarityFnNames: ['cosine', 'manhattan'],
    });
    expectMetrics(await evaluator.evaluate(new LatticeModel()), expected);
    expect(evaluator.primaryMetric).toBe('bin_max_ap');
    expect(evaluator.csvFile).toBe('binary_classification_evaluation_bin_results.csv');
  });

  test('goes by the similarity of the model', async () => {
    const evaluator = new BinaryClassificationEvaluator({ sentences1, sentences2, labels });
    const metrics = await evaluator.evaluate(new LatticeModel());
    expect(Object.keys(metrics)).toHaveLength(8);
    expect(metrics[evaluator.primaryMetric]).toBeCloseTo(expected.bin_cosine_ap, 6);
  });

  test.each<[object, string]>([
    [{ labels: labels.slice(1) }, 'expected equally many sentences1, sentences2 and labels but received 30, 30 and 29'],
    [{ sentences2: ['b1'] }, 'expected equally many sentences1 and sentences2 but received 30 and 1'],
    [{ labels: labels.with(3, 2) }, 'expected 0 or 1 for labels[3] but received 2'],
    [{ labels: labels.with(3, NaN) }, 'expected a finite number for labels[3] but received NaN'],
    [{ labels: labels.map(Boolean) }, 'expected a finite number for labels[0] but received false'],
    [{ labels: 'many' }, 'expected an array of numbers for labels but received "many"'],
    [{ scores: [1] }, 'unknown option scores for BinaryClassificationEvaluator'],
  ])('refuses %p', (options, message) => {
    expect(() => new BinaryClassificationEvaluator({ sentences1, sentences2, labels, ...options })).toThrow(message);
  });
});
