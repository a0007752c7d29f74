import { describe, expect, test } from '@jest/globals';
import { quantizeEmbeddings, semanticSearch, semanticSearchAsync, SentenceTransformer } from 'stillvec';

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

describe('a search in two steps', () => {
  const [rows, dim, count] = [2000, 40, 30];
  const noise = (seed: number, length: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => Math.sin((i + 1) * 12.9898 + seed * 78.233) * ((i * 7919 + seed) % 11));
  const corpus = { data: noise(1, rows * dim), shape: [rows, dim] } as const;
  // Near to rows of the corpus.
  const queries = {
    data: noise(2, count * dim).map((value, i) => corpus.data[i * 3]! + 0.4 * value),
    shape: [count, dim],
  } as const;
  const bits = quantizeEmbeddings(corpus, { precision: 'ubinary' });
  const int8 = quantizeEmbeddings(corpus, { precision: 'int8' });

  test('scores the best by bits again', async () => {
    const [topK, rescoreMultiplier] = [5, 3];
    const found = semanticSearch(queries, bits, { topK, rescore: corpus, rescoreMultiplier });
    const coarse = semanticSearch(quantizeEmbeddings(queries, { precision: 'ubinary' }), bits, { topK: 15 });
    const exact = semanticSearch(queries, corpus, { topK: rows });
    for (const [query, hits] of found.entries()) {
      const candidates = new Set(coarse[query]!.map(({ corpusId }) => corpusId));
      expect(hits).toEqual(exact[query]!.filter(({ corpusId }) => candidates.has(corpusId)).slice(0, topK));
    }
    expect(await semanticSearchAsync(queries, bits, { topK, rescore: corpus, rescoreMultiplier })).toEqual(found);
  });

  test('is the exact search where all rows are scored again', () => {
    for (const scoreFunction of ['cosine', 'dot', 'euclidean', 'manhattan'] as const) {
      const options = { topK: 5, scoreFunction };
      const all = { ...options, rescoreMultiplier: rows / 5 };
      const exact = semanticSearch(queries, int8, options);
      expect(semanticSearch(queries, bits, { ...all, rescore: int8 })).toEqual(exact);
      expect(semanticSearch(queries, bits, { ...all, rescore: true })).toEqual(semanticSearch(queries, bits, options));
    }
  });

  test('scores four times as many as asked for unless told otherwise', () => {
    const options = { topK: 3, rescore: int8 };
    const found = semanticSearch(queries, bits, options);
    expect(found).toEqual(semanticSearch(queries, bits, { ...options, rescoreMultiplier: 4 }));
    expect(found).not.toEqual(semanticSearch(queries, bits, { ...options, rescoreMultiplier: 1 }));
    expect(semanticSearch(queries, bits, { topK: 3, rescore: false })).toEqual(
      semanticSearch(queries, bits, { topK: 3 }),
    );
  });

  test('takes signed bits, one query, and a corpus of none', () => {
    const options = { topK: 3, rescore: corpus };
    const signed = quantizeEmbeddings(corpus, { precision: 'binary' });
    expect(semanticSearch(queries, signed, options)).toEqual(semanticSearch(queries, bits, options));
    const one = queries.data.subarray(0, dim);
    expect(semanticSearch(one, bits, options)).toEqual(semanticSearch(queries, bits, options).slice(0, 1));
    const none = { data: new Uint8Array(0), shape: [0, 5], precision: 'ubinary' } as const;
    expect(semanticSearch(one, none, { rescore: true })).toEqual([[]]);
  });

  test('settles when it is aborted', async () => {
    const reason = new Error('enough');
    const options = { rescore: corpus, signal: AbortSignal.abort(reason) };
    await expect(semanticSearchAsync(queries, bits, options)).rejects.toBe(reason);
  });

  test.each<[string, unknown, unknown, object, RegExp]>([
    ['a corpus of floats', queries, corpus, { rescore: true }, /binary or ubinary corpus for rescore.*float32/],
    ['a corpus of int8', queries, int8, { rescore: corpus }, /binary or ubinary corpus for rescore.*int8/],
    ['queries of bits', bits, bits, { rescore: true }, /float32 embeddings for queries.*ubinary/],
    ['fewer rows to score', queries, bits, { rescore: queries }, /the 2000 rows of the corpus for rescore.*30/],
    ['narrower rows to score', queries, bits, { rescore: [[1, 2]] }, /queries and rescore of one dimension.*40 and 2/],
    ['no rows to score', queries, bits, { rescore: 'int8' }, /for rescore.*"int8"/],
    [
      'half a hit',
      queries,
      bits,
      { rescore: true, rescoreMultiplier: 1.5 },
      /integer at least 1 for rescoreMultiplier.*1\.5/,
    ],
    ['no hits', queries, bits, { rescoreMultiplier: 0 }, /at least 1 for rescoreMultiplier.*0/],
  ])('refuses %s', async (_, left, right, options, message) => {
    const refused = expect.objectContaining({ message: expect.stringMatching(message) });
    expect(() => semanticSearch(left as never, right as never, options)).toThrow(refused);
    await expect(semanticSearchAsync(left as never, right as never, options)).rejects.toEqual(refused);
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
