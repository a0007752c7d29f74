import { describe, expect, test } from '@jest/globals';
import { TranslationEvaluator } from 'stillvec';
import { expectMetrics } from './expect-metrics';
import { LatticeModel } from './lattice-model';

const indices = Array.from({ length: 30 }, (_, i) => i);
const sourceSentences = indices.map((i) => `b${i % 3 > 0 ? (i * 37) % 30 : i}`);
const targetSentences = indices.map((i) => `b${i}`);

describe('TranslationEvaluator', () => {
  // Computed by Sentence Transformers 6.0.1 from the same vectors.
  test('gives the metrics of Sentence Transformers', async () => {
    const evaluator = new TranslationEvaluator({ sourceSentences, targetSentences, name: 'tr' });
    expectMetrics(await evaluator.evaluate(new LatticeModel()), {
      tr_src2trg_accuracy: 14 / 30,
      tr_trg2src_accuracy: 14 / 30,
      tr_mean_accuracy: 14 / 30,
    });
    expect(evaluator.primaryMetric).toBe('tr_mean_accuracy');
    expect(evaluator.csvFile).toBe('translation_evaluation_tr_results.csv');
  });

  test('of equally near translations the first counts', async () => {
    const evaluator = new TranslationEvaluator({ sourceSentences: ['b1', 'b2'], targetSentences: ['b1', 'b1'] });
    expect(await evaluator.evaluate(new LatticeModel())).toMatchObject({ src2trg_accuracy: 0.5 });
  });

  test.each<[object, string]>([
    [{ sourceSentences: ['b1'] }, 'expected equally many sourceSentences and targetSentences but received 1 and 30'],
    [{ targetSentences: null }, 'expected an array of strings for targetSentences but received null'],
    [{ printWrongMatches: true }, 'unknown option printWrongMatches for TranslationEvaluator: metrics alone are kept'],
  ])('refuses %p', (options, message) => {
    expect(() => new TranslationEvaluator({ sourceSentences, targetSentences, ...options })).toThrow(message);
  });
});
