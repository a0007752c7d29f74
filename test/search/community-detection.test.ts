import { describe, expect, test } from '@jest/globals';
import { communityDetection, communityDetectionAsync, SentenceTransformer } from 'stillvec';

import { describeWithShared, materializeModel } from '../support/shared';
import { equalScores, readSearchGoldens } from './expected';

describeWithShared('community_detection of Sentence Transformers', () => {
  const folder = materializeModel('goldens', 'encode', 'st-v6');
  const { communityDetection: cases, paraphraseMining } = readSearchGoldens();

  test.each(cases)('$options', async ({ options, communities }) => {
    const model = await SentenceTransformer.load(folder);
    const embeddings = await model.encode(paraphraseMining.texts);
    const found = communityDetection(embeddings, options);
    expect(await communityDetectionAsync(embeddings, options)).toEqual(found);
    const cosines = model.similarity(embeddings, embeddings);
    // Of equal texts another one may be the centre, and members that are equally near may change places.
    const members = (all: number[][]) => all.map((community) => [...community].sort((a, b) => a - b));
    expect(members(found)).toEqual(members(communities));
    for (const [i, [centre = 0, ...others]] of communities.entries()) {
      const mine = found[i]!;
      expect(cosines.row(centre)[mine[0]!]!).toBeGreaterThan(1 - equalScores);
      for (const [rank, other] of others.entries()) {
        const difference = cosines.row(centre)[other]! - cosines.row(centre)[mine[rank + 1]!]!;
        expect(Math.abs(difference)).toBeLessThan(2 * equalScores);
      }
    }
  });
});

const circle = (...angles: number[]) =>
  angles.map((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]);

describe('communityDetection', () => {
  const rows = circle(0, 90, 2, 92, 3, 200, 91, 1);

  test('groups what is close, the largest group first and its centre before the others', () => {
    const found = communityDetection(rows, { threshold: Math.cos((2.5 * Math.PI) / 180), minCommunitySize: 2 });
    // At 2 degrees, with 1 and 3 degrees equally near, and at 90.
    expect(found.map(([centre]) => centre)).toEqual([2, 1]);
    expect(found.map((community) => community.toSorted((a, b) => a - b))).toEqual([
      [0, 2, 4, 7],
      [1, 3, 6],
    ]);
    expect(found[0]!.at(-1)).toBe(0);
    expect(found[1]).toEqual([1, 6, 3]);
  });

  test('leaves out what is too small', () => {
    expect(communityDetection(rows, { threshold: 0.99, minCommunitySize: 4 })).toHaveLength(1);
    expect(communityDetection(rows, { threshold: 0.99 })).toEqual([]);
    expect(communityDetection(rows, { threshold: 1.1, minCommunitySize: 1 })).toEqual([]);
    expect(communityDetection({ data: new Float32Array(0), shape: [0, 4] })).toEqual([]);
  });

  test('stops when it is aborted', async () => {
    const reason = new Error('enough');
    const control = { signal: AbortSignal.abort(reason) };
    await expect(communityDetectionAsync(rows, control)).rejects.toBe(reason);
  });
});

describe('wrong input', () => {
  test.each<[string, unknown[], RegExp]>([
    ['no embeddings', [undefined], /embeddings.*undefined/],
    ['a threshold that is no number', [[[1]], { threshold: '0.5' }], /threshold.*"0\.5"/],
    ['no size', [[[1]], { minCommunitySize: 0 }], /minCommunitySize.*0/],
    ['a name of Python', [[[1]], { batchSize: 1024 }], /batchSize.*leave it out/],
    ['a signal', [[[1]], { signal: AbortSignal.abort() }], /communityDetectionAsync/],
  ])('%s', (_, args, message) => {
    const call = communityDetection as (...args: unknown[]) => unknown;
    expect(() => call(...args)).toThrow(message);
  });
});
