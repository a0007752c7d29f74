import { beforeAll, describe, expect, test } from '@jest/globals';
import { paraphraseMining, SentenceTransformer, type ScoredPair } from 'stillvec';

import { describeWithShared, materializeModel } from '../support/shared';
import { inOrder, readSearchGoldens } from './expected';

describeWithShared('paraphrase_mining of Sentence Transformers', () => {
  const folder = materializeModel('goldens', 'encode', 'st-v6');
  const { texts, options, pairs } = readSearchGoldens().paraphraseMining;
  let model: SentenceTransformer;

  beforeAll(async () => {
    model = await SentenceTransformer.load(folder);
  });

  const order = (ranking: readonly ScoredPair[]) =>
    inOrder(
      ranking,
      ([score]) => score,
      ([, i, j]) => `${i} ${j}`,
    );

  test('finds the same pairs, in the same order, with the same scores', async () => {
    const found = await paraphraseMining(model, texts, options);
    expect(found).toHaveLength(pairs.length);
    for (const [rank, [score]] of pairs.entries()) expect(Math.abs(found[rank]![0] - score)).toBeLessThan(1e-5);
    expect(order(found)).toEqual(order(pairs));
  });

  test('finds them in embeddings as well', async () => {
    const embeddings = await model.encode(texts);
    expect(await paraphraseMining(embeddings, options)).toEqual(await paraphraseMining(model, texts, options));
  });
});

/** One vector at each of these angles, in degrees. */
const circle = (...angles: number[]) =>
  angles.map((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]);

describe('paraphraseMining', () => {
  const names = (pairs: readonly ScoredPair[]) => pairs.map(([, i, j]) => [i, j]);

  test('gives each pair once, the best first', async () => {
    const pairs = await paraphraseMining(circle(0, 90, 10, 95));
    expect(names(pairs)).toEqual([
      [1, 3],
      [0, 2],
      [1, 2],
      [2, 3],
      [0, 1],
      [0, 3],
    ]);
    expect(pairs[1]![0]).toBeCloseTo(Math.cos((10 * Math.PI) / 180), 6);
  });

  test('looks at the best of each text only', async () => {
    expect(names(await paraphraseMining(circle(0, 90, 10, 95), { topK: 1 }))).toEqual([
      [1, 3],
      [0, 2],
    ]);
  });

  test('keeps the best pairs of more than it may give', async () => {
    const many = circle(...Array.from({ length: 3000 }, (_, i) => (i * 360) / 3000 + i * i * 1e-7));
    const all = await paraphraseMining(many, { topK: 20 });
    const best = await paraphraseMining(many, { topK: 20, maxPairs: 1001 });
    expect(best.length).toBeLessThanOrEqual(1001);
    expect(best).toEqual(all.slice(0, best.length));
    expect(await paraphraseMining(many, { topK: 20, maxPairs: 1 })).toEqual(all.slice(0, 1));
  });

  test('has nothing to pair in one text, or none', async () => {
    expect(await paraphraseMining(circle(0))).toEqual([]);
    expect(await paraphraseMining({ data: new Float32Array(0), shape: [0, 8] })).toEqual([]);
  });
});

describe('wrong input', () => {
  const rows = circle(0, 1);
  const model = { encode: () => Promise.reject(new Error('not reached')) };

  test.each<[string, unknown[], RegExp]>([
    ['neither a model nor embeddings', ['text'], /model.*"text"/],
    ['no texts', [model, undefined], /texts.*undefined/],
    ['a number among the texts', [model, ['one', 2]], /texts\[1\].*2/],
    ['no others to look at', [rows, { topK: 0 }], /topK.*0/],
    ['no pairs', [model, ['one'], { maxPairs: -1 }], /maxPairs.*-1/],
    ['a prompt for embeddings', [rows, { prompt: 'query: ' }], /unknown option prompt/],
    ['a prompt that is no string', [model, ['one'], { prompt: 7 }], /prompt.*7/],
    ['a callback that is none', [rows, { onProgress: 7 }], /onProgress.*7/],
    ['a name of Python', [model, ['one'], { batchSize: 32 }], /batchSize.*leave it out/],
  ])('%s', async (_, args, message) => {
    const call = paraphraseMining as (...args: unknown[]) => Promise<unknown>;
    await expect(call(...args)).rejects.toThrow(message);
  });
});
