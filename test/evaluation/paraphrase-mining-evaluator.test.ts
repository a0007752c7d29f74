import { describe, expect, test } from '@jest/globals';
import { ParaphraseMiningEvaluator } from 'stillvec';
import { expectMetrics } from './expect-metrics';
import { LatticeModel } from './lattice-model';

const indices = Array.from({ length: 30 }, (_, i) => i);
const sentences = new Map(indices.map((i) => [`id${i}`, `d${i}`]));
const duplicates: [string, string][] = [
  ...indices
    .filter((i) => i % 2 === 0 && (i * i + 3) % 30 !== i)
    .map((i): [string, string] => [`id${i}`, `id${(i * i + 3) % 30}`]),
  ['id1', 'gone'],
];

describe('ParaphraseMiningEvaluator', () => {
  // Computed by Sentence Transformers 6.0.1 from the same vectors.
  test.each([
    [{}, [0.027847787622022745, 0.06741573033707865, 0.03488372093023256, 1, -0.8042280077934265]],
    [
      { addTransitiveClosure: true, topK: 3 },
      [0.0006802721088435374, 0.025316455696202528, 0.02040816326530612, 0.03333333333333333, 0.4712381362915039],
    ],
    [
      { maxPairs: 120 },
      [0.0012345679012345679, 0.028985507246376812, 0.018518518518518517, 0.06666666666666667, 0.46407628059387207],
    ],
  ])('%p gives the metrics of Sentence Transformers', async (options, values) => {
    const evaluator = new ParaphraseMiningEvaluator({ sentences, duplicates, name: 'pm', ...options });
    const [average_precision, f1, precision, recall, threshold] = values;
    expectMetrics(await evaluator.evaluate(new LatticeModel()), {
      pm_average_precision: average_precision!,
      pm_f1: f1!,
      pm_precision: precision!,
      pm_recall: recall!,
      pm_threshold: threshold!,
    });
    expect(evaluator.primaryMetric).toBe('pm_average_precision');
    expect(evaluator.csvFile).toBe('paraphrase_mining_evaluation_pm_results.csv');
  });

  test('is 0 where nothing is a duplicate, and leaves out what pairs a sentence with itself', async () => {
    const evaluator = new ParaphraseMiningEvaluator({ sentences, duplicates: [['id1', 'id1']] });
    expect(await evaluator.evaluate(new LatticeModel())).toEqual({
      average_precision: 0,
      f1: 0,
      precision: 0,
      recall: 0,
      threshold: 0,
    });
  });

  test('closes a long chain of duplicates', () => {
    const ids = Array.from({ length: 50_000 }, (_, i) => String(i));
    const chain = ids.slice(1).map((id, i): [string, string] => [ids[i]!, id]);
    const texts = new Map(ids.map((id) => [id, `d${id}`]));
    const options = { sentences: texts, duplicates: chain, addTransitiveClosure: true };
    expect(new ParaphraseMiningEvaluator(options).primaryMetric).toBe('average_precision');
  });

  test('encodes at a dimension, and rejects with the reason of the signal', async () => {
    const model = new LatticeModel();
    const evaluator = new ParaphraseMiningEvaluator({ sentences, duplicates, truncateDim: 4 });
    await evaluator.evaluate(model);
    expect(model.calls).toEqual([{ role: 'encode', texts: 30, truncateDim: 4 }]);
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopped = evaluator.evaluate(model, { signal: controller.signal });
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
  });

  test.each<[object, string]>([
    [{ sentences: {} }, 'expected at least one text in sentences but it is empty'],
    [{ sentences: { a: 1 } }, 'expected a string for sentences["a"] but received 1'],
    [{ duplicates: 'id1' }, 'expected an array of pairs of ids for duplicates but received "id1"'],
    [{ duplicates: [['id1', 'id2', 'id3']] }, 'expected a pair of ids for duplicates[0] but received an array of leng'],
    [{ duplicates: [['id1', 2]] }, 'expected an id for duplicates[0][1] but received 2'],
    [{ addTransitiveClosure: 1 }, 'expected a boolean for addTransitiveClosure but received 1'],
    [{ topK: 0 }, 'expected an integer at least 1 for topK but received 0'],
    [{ maxPairs: 1.5 }, 'expected an integer at least 1 for maxPairs but received 1.5'],
    [{ duplicates_list: [] }, 'unknown option duplicates_list for ParaphraseMiningEvaluator: its name is duplicates'],
  ])('refuses %p', (options, message) => {
    expect(() => new ParaphraseMiningEvaluator({ sentences, duplicates, ...options })).toThrow(message);
  });
});
