import { describe, expect, test } from '@jest/globals';
import { SequentialEvaluator, TranslationEvaluator, type Evaluator, type Metrics } from 'stillvec';
import { LatticeModel } from './lattice-model';

function giving(name: string, metrics: unknown, primaryMetric = `${name}_score`): Evaluator {
  return { name, primaryMetric, evaluate: () => Promise.resolve(metrics as Metrics) };
}

const model = new LatticeModel();

describe('SequentialEvaluator', () => {
  test('gives the metrics of all, and the last primary one as the score', async () => {
    const evaluator = new SequentialEvaluator([
      giving('a', { a_score: 0.25, a_other: 7 }),
      new TranslationEvaluator({ sourceSentences: ['b1'], targetSentences: ['b1'] }),
    ]);
    const metrics = await evaluator.evaluate(model);
    expect(Object.entries(metrics)).toEqual([
      ['a_score', 0.25],
      ['a_other', 7],
      ['src2trg_accuracy', 1],
      ['trg2src_accuracy', 1],
      ['mean_accuracy', 1],
      ['sequential_score', 1],
    ]);
    expect(evaluator.primaryMetric).toBe('sequential_score');
    expect(evaluator.csvFile).toBe('sequential_evaluation_results.csv');
  });

  test('makes the score as it is told', async () => {
    const mainScoreFunction = ([a = 0, b = 0]: readonly number[]): number => (a + b) / 2;
    const evaluators = [giving('a', { a_score: 0.25 }), giving('b', { b_score: 0.75 })];
    const metrics = await new SequentialEvaluator(evaluators, { mainScoreFunction }).evaluate(model);
    expect(metrics).toEqual({ a_score: 0.25, b_score: 0.75, sequential_score: 0.5 });
  });

  test('stops between two evaluators, and passes the signal on', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const first: Evaluator = {
      name: 'first',
      primaryMetric: 'x',
      evaluate: (_, options) => {
        expect(options?.signal).toBe(controller.signal);
        controller.abort(reason);
        return Promise.resolve({ x: 1 });
      },
    };
    const second = giving('second', undefined);
    const evaluation = new SequentialEvaluator([first, second]).evaluate(model, { signal: controller.signal });
    await expect(evaluation).rejects.toBe(reason);
  });

  test('names an evaluator that returns nothing', async () => {
    const evaluator = new SequentialEvaluator([giving('a', { a_score: 1 }), giving('dev', undefined)]);
    await expect(evaluator.evaluate(model)).rejects.toThrow(
      'expected an object of numbers by name for the metrics of the evaluator "dev" but received undefined',
    );
    await expect(evaluator.evaluate({} as never)).rejects.toThrow('expected a SentenceTransformer for model');
  });

  test.each<[unknown, object, string]>([
    [[], {}, 'expected a non-empty array of evaluators for evaluators but received an array of length 0'],
    [giving('a', {}), {}, 'expected a non-empty array of evaluators for evaluators but received an object'],
    [[giving('a', {}), model], {}, 'expected an evaluator for evaluators[1] but received an instance of LatticeModel'],
    [[giving('a', {})], { mainScoreFunction: 'mean' }, 'expected a function for mainScoreFunction but received "mean"'],
    [[giving('a', {})], { mainScore: Math.max }, 'unknown option mainScore for SequentialEvaluator'],
  ])('refuses %p, %p', (evaluators, options, message) => {
    expect(() => new SequentialEvaluator(evaluators as Evaluator[], options)).toThrow(message);
  });
});
