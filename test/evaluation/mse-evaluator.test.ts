import { describe, expect, test } from '@jest/globals';
import { MSEEvaluator } from 'stillvec';
import { expectMetrics } from './expect-metrics';
import { LatticeModel } from './lattice-model';

const indices = Array.from({ length: 30 }, (_, i) => i);
const sourceSentences = indices.map((i) => `a${i}`);
const targetSentences = indices.map((i) => `b${(i * 7) % 30}`);
const texts = { sourceSentences, targetSentences };

describe('MSEEvaluator', () => {
  // Computed by Sentence Transformers 6.0.1 from the same vectors.
  test('gives the metric of Sentence Transformers', async () => {
    const evaluator = new MSEEvaluator({ ...texts, teacherModel: new LatticeModel(), name: 'mse' });
    expectMetrics(await evaluator.evaluate(new LatticeModel()), { mse_negative_mse: -5195 });
    expect(evaluator.primaryMetric).toBe('mse_negative_mse');
    expect(evaluator.csvFile).toBe('mse_evaluation_mse_results.csv');
  });

  test('asks the teacher once, at the same dimension', async () => {
    const [teacherModel, model] = [new LatticeModel(), new LatticeModel()];
    const evaluator = new MSEEvaluator({ ...texts, teacherModel, truncateDim: 2 });
    const progress: unknown[] = [];
    const onProgress = (state: unknown): void => void progress.push(state);
    const first = await evaluator.evaluate(model, { onProgress });
    expectMetrics(first, { negative_mse: -5278.33349609375 });
    expect(await evaluator.evaluate(model, { onProgress })).toEqual(first);
    expect(teacherModel.calls).toEqual([{ role: 'encode', texts: 30, truncateDim: 2 }]);
    expect(model.calls).toHaveLength(2);
    expect(progress).toEqual([
      { done: 30, total: 60 },
      { done: 60, total: 60 },
      { done: 30, total: 30 },
    ]);
  });

  test('asks the teacher again where an evaluation was aborted', async () => {
    const teacherModel = new LatticeModel();
    const evaluator = new MSEEvaluator({ ...texts, teacherModel });
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopped = evaluator.evaluate(new LatticeModel(), { signal: controller.signal });
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    expectMetrics(await evaluator.evaluate(new LatticeModel()), { negative_mse: -5195 });
    expect(teacherModel.calls).toHaveLength(2);
  });

  test('refuses a teacher of another width', async () => {
    const teacherModel = { encode: () => Promise.resolve({ data: new Float32Array(60), shape: [30, 2] as const }) };
    const evaluator = new MSEEvaluator({ ...texts, teacherModel });
    await expect(evaluator.evaluate(new LatticeModel())).rejects.toThrow(
      'expected a teacherModel of 6 dimensions, as the model has, but received one of 2; truncateDim uses the first',
    );
  });

  test.each<[object, string]>([
    [{ teacherModel: undefined }, 'expected a SentenceTransformer for teacherModel but received undefined'],
    [{ teacherModel: 'st-v6' }, 'expected a SentenceTransformer for teacherModel but received "st-v6"'],
    [{ sourceSentences: ['a1'] }, 'expected equally many sourceSentences and targetSentences but received 1 and 30'],
    [{ teacher: new LatticeModel() }, 'unknown option teacher for MSEEvaluator'],
  ])('refuses %p', (options, message) => {
    expect(() => new MSEEvaluator({ ...texts, teacherModel: new LatticeModel(), ...options })).toThrow(message);
  });
});
