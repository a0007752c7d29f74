import { describe, expect, test } from '@jest/globals';
import { TripletEvaluator } from 'stillvec';
import { expectMetrics } from './expect-metrics';
import { LatticeModel } from './lattice-model';

const indices = Array.from({ length: 30 }, (_, i) => i);
const anchors = indices.map((i) => `a${i}`);
const positives = indices.map((i) => `b${(i * 7) % 30}`);
const negatives = indices.map((i) => `b${(i * 11 + 3) % 30}`);

describe('TripletEvaluator', () => {
  // Computed by Sentence Transformers 6.0.1 from the same vectors.
  test('gives the metrics of Sentence Transformers', async () => {
    const evaluator = new TripletEvaluator({
      anchors,
      positives,
      negatives,
      name: 'tri',
      similarityFnNames: ['cosine', 'dot', 'euclidean', 'manhattan'],
      margin: { dot: 5, euclidean: 0.5 },
    });
    expectMetrics(await evaluator.evaluate(new LatticeModel()), {
      tri_cosine_accuracy: 15 / 30,
      tri_dot_accuracy: 14 / 30,
      tri_euclidean_accuracy: 11 / 30,
      tri_manhattan_accuracy: 9 / 30,
      tri_max_accuracy: 15 / 30,
    });
    expect(evaluator.primaryMetric).toBe('tri_max_accuracy');
    expect(evaluator.csvFile).toBe('triplet_evaluation_tri_results.csv');
  });

  test('encodes anchors as queries and the others as documents, at a dimension', async () => {
    const model = new LatticeModel();
    const progress: unknown[] = [];
    const evaluator = new TripletEvaluator({ anchors, positives, negatives, truncateDim: 3 });
    const metrics = await evaluator.evaluate(model, { onProgress: (state) => progress.push(state) });
    expectMetrics(metrics, { cosine_accuracy: 12 / 30 });
    expect(model.calls).toEqual([
      { role: 'query', texts: 30, truncateDim: 3 },
      { role: 'document', texts: 30, truncateDim: 3 },
      { role: 'document', texts: 30, truncateDim: 3 },
    ]);
    expect(progress).toEqual([30, 60, 90].map((done) => ({ done, total: 90 })));
  });

  test('the main similarity decides, and is what is measured where no other is named', async () => {
    const evaluator = new TripletEvaluator({ anchors, positives, negatives, mainSimilarityFunction: 'dot' });
    expect(Object.keys(await evaluator.evaluate(new LatticeModel()))).toEqual(['dot_accuracy']);
    expect(evaluator.primaryMetric).toBe('dot_accuracy');
  });

  test('rejects with the reason of the signal', async () => {
    const reason = new Error('enough');
    const evaluator = new TripletEvaluator({ anchors, positives, negatives });
    await expect(evaluator.evaluate(new LatticeModel(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const stopped = evaluator.evaluate(new LatticeModel(), {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(reason);
      },
    });
    await expect(stopped).rejects.toBe(reason);
  });

  test.each<[object, string]>([
    [{ negatives: ['b1'] }, 'expected equally many anchors, positives and negatives but received 30, 30 and 1'],
    [{ positives: positives.with(2, 3 as never) }, 'expected a string for positives[2] but received 3'],
    [{ anchors: undefined }, 'expected an array of strings for anchors but received undefined'],
    [
      { anchors: [], positives: [], negatives: [] },
      'expected at least one of anchors, positives and negatives each but received none',
    ],
    [{ margin: NaN }, 'expected a finite number for margin but received NaN'],
    [{ margin: 'wide' }, 'expected a number or an object of them by similarity for margin but received "wide"'],
    [{ margin: { cosine: '1' } }, 'expected a finite number for margin.cosine but received "1"'],
    [{ margin: { cos: 1 } }, 'unknown option cos for margin'],
    [{ similarityFnNames: 'cosine' }, 'expected an array of names for similarityFnNames but received "cosine"'],
    [{ similarityFnNames: ['cos'] }, "expected one of 'cosine', 'dot', 'euclidean', 'manhattan' for similarityFnNames"],
    [
      { similarityFnNames: ['cosine'], mainSimilarityFunction: 'dot' },
      'expected one of similarityFnNames (cosine) for mainSimilarityFunction but received "dot"',
    ],
    [{ mainDistanceFunction: 'dot' }, 'unknown option mainDistanceFunction for TripletEvaluator: its name is mainSim'],
    [{ batch_size: 16 }, 'unknown option batch_size for TripletEvaluator: encode takes any number of texts'],
    [{ truncateDim: 0 }, 'expected an integer at least 1 for truncateDim but received 0'],
    [{ name: 7 }, 'expected a string for name but received 7'],
  ])('refuses %p', (options, message) => {
    expect(() => new TripletEvaluator({ anchors, positives, negatives, ...options })).toThrow(message);
  });

  test('refuses what are no options', () => {
    expect(() => new TripletEvaluator(null as never)).toThrow(
      'expected an object such as { anchors, positives, negatives } for options but received null',
    );
  });
});
