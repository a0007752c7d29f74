import { describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from 'stillvec';
import { checkMetrics, csvFileOf, type Evaluator } from '../../lib/evaluation/evaluator.js';

class Own implements Evaluator {
  constructor(
    readonly name: string,
    readonly primaryMetric: string,
  ) {}

  evaluate(): Promise<Record<string, number>> {
    return Promise.resolve({});
  }
}

describe('checkMetrics', () => {
  test('gives back what an evaluator gave', () => {
    const metrics = { map: NaN, ndcg: 0.5 };
    expect(checkMetrics(new Own('dev', 'ndcg'), metrics)).toBe(metrics);
  });

  test.each<[unknown, string]>([
    [undefined, 'expected an object of numbers by name for the metrics of Own "dev" but received undefined'],
    [[0.5], 'expected an object of numbers by name for the metrics of Own "dev" but received an array of length 1'],
    [{ ndcg: '0.5' }, 'expected a number for ndcg among the metrics of Own "dev" but received "0.5"'],
    [{}, 'expected "ndcg", the primaryMetric, among the metrics of Own "dev" but received none'],
    [{ map: 1, mrr: 1 }, 'expected "ndcg", the primaryMetric, among the metrics of Own "dev" but received map, mrr'],
  ])('refuses %p', (metrics, message) => {
    expect(() => checkMetrics(new Own('dev', 'ndcg'), metrics)).toThrow(new InvalidArgumentError(message));
  });

  test('names an evaluator that has no class or no name', () => {
    const evaluate = (): Promise<Record<string, number>> => Promise.resolve({});
    expect(() => checkMetrics({ name: '', primaryMetric: 'x', evaluate }, null)).toThrow(
      'for the metrics of the evaluator but received null',
    );
    expect(() => checkMetrics(new Own('', 'x'), null)).toThrow('for the metrics of Own but received null');
  });
});

test.each([
  ['dev', undefined, 'evaluation_dev_results.csv'],
  ['', undefined, 'evaluation_results.csv'],
  ['dev', 'own.csv', 'own.csv'],
  ['../a b\\ä/c', undefined, 'evaluation_..-a-b-c_results.csv'],
  ['dev', '../../etc/own.csv', '-..-etc-own.csv'],
])('the metrics of %p with the file %p go to %s', (name, csvFile, expected) => {
  const evaluator = Object.assign(new Own(name, 'x'), csvFile === undefined ? {} : { csvFile });
  expect(csvFileOf(evaluator)).toBe(expected);
});
