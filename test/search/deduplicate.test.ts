import { describe, expect, test } from '@jest/globals';
import { deduplicate } from 'stillvec';

const circle = (...angles: number[]) =>
  angles.map((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]);
const cosine = (angle: number) => Math.cos((angle * Math.PI) / 180);

/** Vectors by the number of degrees that a text begins with. */
const model = {
  calls: [] as (readonly string[])[],
  encode(texts: readonly string[]) {
    this.calls.push(texts);
    return Promise.resolve({
      data: Float32Array.from(circle(...texts.map((text) => Number.parseFloat(text))).flat()),
      shape: [texts.length, 2] as const,
    });
  },
};

describe('deduplicate', () => {
  test('leaves out what is near an earlier embedding, and names the nearest', async () => {
    const { selected, duplicates } = await deduplicate(circle(0, 90, 10, 6, 200, 91), { threshold: cosine(11) });
    expect(selected).toEqual([0, 1, 4]);
    expect(duplicates).toEqual([
      { id: 2, duplicateOf: 0, score: expect.closeTo(cosine(10), 6) },
      { id: 3, duplicateOf: 2, score: expect.closeTo(cosine(4), 6) },
      { id: 5, duplicateOf: 1, score: expect.closeTo(cosine(1), 6) },
    ]);
  });

  test('takes equal texts for duplicates, and embeds them once', async () => {
    const texts = ['0 a', '40 b', '0 a', '1 c', '40 b'];
    const { selected, duplicates } = await deduplicate(model, texts, { threshold: cosine(2) });
    expect(model.calls.at(-1)).toEqual(['0 a', '40 b', '1 c']);
    expect(selected).toEqual([0, 1]);
    expect(duplicates).toEqual([
      { id: 2, duplicateOf: 0, score: 1 },
      { id: 3, duplicateOf: 0, score: expect.closeTo(cosine(1), 6) },
      { id: 4, duplicateOf: 1, score: 1 },
    ]);
  });

  test('takes 0.9 by default, and equal vectors at 1', async () => {
    const rows = circle(0, 25, 52, 52);
    expect((await deduplicate(rows)).selected).toEqual([0, 2]);
    expect((await deduplicate(rows, { threshold: 1 })).selected).toEqual([0, 1, 2]);
    expect(await deduplicate({ data: new Float32Array(0), shape: [0, 2] })).toEqual({ selected: [], duplicates: [] });
    expect(await deduplicate(model, [])).toEqual({ selected: [], duplicates: [] });
  });

  test('finds copies in many', async () => {
    const dim = 32;
    let state = 1;
    const data = Float32Array.from(
      { length: 5000 * dim },
      () => (state = (Math.imul(state, 1664525) + 1013904223) | 0) / 2 ** 31,
    );
    for (let row = 100; row < 5000; row += 100) data.copyWithin(row * dim, (row - 37) * dim, (row - 36) * dim);
    const done: number[] = [];
    const { duplicates } = await deduplicate(
      { data, shape: [5000, dim] },
      { threshold: 0.999, onProgress: ({ done: count, total }) => done.push(count / total) },
    );
    expect(duplicates.map(({ id, duplicateOf }) => [id, duplicateOf])).toEqual(
      Array.from({ length: 49 }, (_, i) => [100 * (i + 1), 100 * (i + 1) - 37]),
    );
    expect(done.at(-1)).toBe(1);
  });
});

describe('wrong input', () => {
  test.each<[string, unknown[], RegExp]>([
    ['neither a model nor embeddings', ['text'], /model.*"text"/],
    ['a number among the texts', [model, ['one', 2]], /texts\[1\].*2/],
    ['a threshold of another scale', [model, ['one'], { threshold: 90 }], /threshold.*90/],
    ['a prompt for embeddings', [circle(0), { prompt: 'query: ' }], /unknown option prompt/],
    ['a signal that is none', [circle(0), { signal: {} }], /AbortSignal for signal/],
    ['another name', [model, ['one'], { similarity: 0.9 }], /threshold/],
  ])('%s', async (_, args, message) => {
    const call = deduplicate as (...args: unknown[]) => Promise<unknown>;
    await expect(call(...args)).rejects.toThrow(message);
  });
});
