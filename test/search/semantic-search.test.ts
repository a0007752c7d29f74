import { describe, expect, test } from '@jest/globals';
import { semanticSearch, semanticSearchAsync, SentenceTransformer } from 'stillvec';

import { describeWithShared, materializeModel } from '../support/shared';
import { inOrder, readSearchGoldens } from './expected';

describeWithShared('semantic_search of Sentence Transformers', () => {
  const folder = materializeModel('goldens', 'encode', 'st-v6');
  const { queries, corpus, topK, hits } = readSearchGoldens().semanticSearch;

  test('finds the same rows, in the same order, with the same scores', async () => {
    const model = await SentenceTransformer.load(folder);
    const [queryRows, corpusRows] = [await model.encode(queries), await model.encode(corpus)];
    const found = semanticSearch(queryRows, corpusRows, { topK });
    expect(found).toHaveLength(hits.length);
    for (const [query, expected] of hits.entries()) {
      const mine = found[query]!;
      for (const [rank, [, score]] of expected.entries())
        expect(Math.abs(mine[rank]!.score - score)).toBeLessThan(1e-5);
      const order = inOrder(
        expected,
        ([, score]) => score,
        ([id]) => String(id),
      );
      expect(
        inOrder(
          mine,
          ({ score }) => score,
          ({ corpusId }) => String(corpusId),
        ),
      ).toEqual(order);
    }
    expect(await semanticSearchAsync(queryRows, corpusRows, { topK })).toEqual(found);
  });
});

/** Rows of small integers, whose products are exact. */
function lattice(rows: number, dim: number, seed: number): number[][] {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: dim }, (__, j) => (((i + seed) * 37 + j * j * 11 + ((i * j) % 7) * 3) % 13) - 6),
  );
}

describe('semanticSearch', () => {
  const corpus = lattice(600, 24, 1);
  const queries = lattice(50, 24, 9);

  test('ranks by the score function', () => {
    const found = semanticSearch(queries, corpus, { topK: 3, scoreFunction: 'dot' });
    for (const [query, hits] of found.entries()) {
      const expected = corpus
        .map((row, corpusId) => ({ corpusId, score: row.reduce((sum, x, j) => sum + x * queries[query]![j]!, 0) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 3);
      expect(hits).toEqual(expected);
    }
  });

  describe.each(['int8', 'uint8', 'binary', 'ubinary'] as const)('of a corpus of %s', (precision) => {
    const isPacked = precision.endsWith('binary');
    const rows = Array.from({ length: 700 }, (_, i) =>
      Array.from({ length: 12 }, (__, j) => (Math.imul(i * 12 + j + 1, 2654435761) >>> 24) & 255),
    );
    const signed = precision === 'int8' || precision === 'binary';
    const bytes = rows.flat().map((byte) => byte - (signed ? 128 : 0));
    const stored = { data: (signed ? Int8Array : Uint8Array).from(bytes), shape: [700, 12], precision } as const;
    // A bit stands for 1 or -1.
    const values = isPacked
      ? rows.map((row) => row.flatMap((byte) => Array.from({ length: 8 }, (_, b) => ((byte >> (7 - b)) & 1) * 2 - 1)))
      : rows.map((row) => row.map((byte) => byte - (signed ? 128 : 0)));

    test('finds what it finds in the values', async () => {
      const floats = lattice(40, isPacked ? 96 : 12, 5);
      const expected = semanticSearch(floats, values, { topK: 4 });
      expect(semanticSearch(floats, stored, { topK: 4 })).toEqual(expected);
      expect(await semanticSearchAsync(floats, stored, { topK: 4 })).toEqual(expected);
    });

    test('finds quantized queries', async () => {
      const own = semanticSearch(stored, stored, { topK: 1 });
      expect(own.map(([hit]) => hit!.corpusId)).toEqual(rows.map((_, i) => i));
      expect(own[0]![0]!.score).toBeCloseTo(1, 5);
      expect(await semanticSearchAsync(stored, stored, { topK: 1 })).toEqual(own);
    });
  });

  test('gives ten hits by default, and no more than there are rows', () => {
    expect(semanticSearch(queries, corpus).map((hits) => hits.length)).toEqual(queries.map(() => 10));
    expect(semanticSearch([queries[0]!], corpus.slice(0, 4))[0]).toHaveLength(4);
    expect(semanticSearch(queries, { data: new Float32Array(0), shape: [0, 24] })).toEqual(queries.map(() => []));
    expect(semanticSearch({ data: new Float32Array(0), shape: [0, 24] }, corpus)).toEqual([]);
  });

  test('tells how far it is', async () => {
    const done: number[] = [];
    const onProgress = ({ done: count, total }: { done: number; total: number }) => done.push(count / total);
    await semanticSearchAsync(lattice(3000, 24, 2), corpus, { onProgress });
    expect(done.at(-1)).toBe(1);
  });

  test('settles when it is aborted', async () => {
    const reason = new Error('enough');
    const control = { signal: AbortSignal.abort(reason) };
    await expect(semanticSearchAsync(lattice(3000, 24, 2), corpus, control)).rejects.toBe(reason);
  });
});

describe('wrong input', () => {
  const rows = [[1, 2]];

  test.each<[string, unknown[], string, RegExp]>([
    ['no queries', [undefined, rows], 'ERR_INVALID_ARGUMENT', /queries.*undefined/],
    ['rows of two lengths', [rows, [[1, 2, 3]]], 'ERR_INVALID_ARGUMENT', /one dimension.*2 and 3/],
    ['text for a vector', [rows, ['one']], 'ERR_INVALID_ARGUMENT', /corpus\[0\].*"one"/],
    ['no hits', [rows, rows, { topK: 0 }], 'ERR_OUT_OF_RANGE', /topK.*0/],
    ['half a hit', [rows, rows, { topK: 1.5 }], 'ERR_INVALID_ARGUMENT', /topK.*1\.5/],
    ['another function', [rows, rows, { scoreFunction: 'l2' }], 'ERR_INVALID_ARGUMENT', /scoreFunction.*"l2"/],
    ['a name of Python', [rows, rows, { queryChunkSize: 9 }], 'ERR_INVALID_ARGUMENT', /queryChunkSize.*leave it out/],
    ['a signal', [rows, rows, { signal: AbortSignal.abort() }], 'ERR_INVALID_ARGUMENT', /semanticSearchAsync/],
  ])('%s', (_, args, code, message) => {
    const call = semanticSearch as (...args: unknown[]) => unknown;
    expect(() => call(...args)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
