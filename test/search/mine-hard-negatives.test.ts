import { beforeAll, describe, expect, test } from '@jest/globals';
import { mineHardNegatives, SentenceTransformer, type MinedRow, type MiningReport } from 'stillvec';

import { describeWithShared, materializeModel } from '../support/shared';
import { equalScores, readSearchGoldens } from './expected';

describeWithShared('mine_hard_negatives of Sentence Transformers', () => {
  const folder = materializeModel('goldens', 'encode', 'st-v6');
  const { rows, corpus, cases } = readSearchGoldens().mineHardNegatives;
  let model: SentenceTransformer;

  beforeAll(async () => {
    model = await SentenceTransformer.load(folder);
  });

  /** To tell whether two texts that changed places are equally similar. */
  async function scoreOf(anchor: string, text: string): Promise<number> {
    const [a, b] = [await model.encodeQuery([anchor]), await model.encodeDocument([text])];
    return model.similarityPairwise(a, b)[0]!;
  }

  test.each(cases)('$options', async ({ options, columns, rows: expected }) => {
    const given = options['corpus'] === 'corpus' ? { ...options, corpus } : options;
    const mined = await mineHardNegatives(model, rows, given);
    expect(Object.keys(mined[0]!)).toEqual(columns);
    expect(mined).toHaveLength(expected.length);
    for (const [i, [anchor, ...cells]] of expected.entries()) {
      const [ownAnchor, ...own] = Object.values(mined[i]!);
      expect(ownAnchor).toBe(anchor);
      const [values, ownValues] = [cells.flat(), own.flat()];
      expect(ownValues).toHaveLength(values.length);
      for (const [place, value] of values.entries()) await expectSame(anchor as string, ownValues[place], value);
    }
  });

  async function expectSame(anchor: string, own: unknown, value: unknown) {
    if (typeof value === 'number') expect(own).toBeCloseTo(value, 5);
    else if (own !== value) {
      const difference = (await scoreOf(anchor, own as string)) - (await scoreOf(anchor, value as string));
      expect(Math.abs(difference)).toBeLessThan(equalScores);
    }
  }

  test('takes columns, an iterable and names of columns', async () => {
    const expected = await mineHardNegatives(model, rows);
    const byColumns = { anchor: rows.map(({ anchor }) => anchor), positive: rows.map(({ positive }) => positive) };
    expect(await mineHardNegatives(model, byColumns)).toEqual(expected);
    async function* swapped() {
      for (const { anchor, positive } of rows) yield { id: 'x', positive, anchor };
    }
    const names = { anchorColumnName: 'anchor', positiveColumnName: 'positive' };
    expect(await mineHardNegatives(model, swapped(), names)).toEqual(expected);
  });

  test('draws at random what the seed says, of what is in range', async () => {
    const options = { samplingStrategy: 'random', rangeMin: 1, rangeMax: 12, numNegatives: 3 } as const;
    const negatives = (mined: MinedRow[]) => mined.map(({ negative }) => negative as string);
    const first = negatives(await mineHardNegatives(model, rows, options));
    expect(negatives(await mineHardNegatives(model, rows, options))).toEqual(first);
    expect(negatives(await mineHardNegatives(model, rows, { ...options, seed: 43 }))).not.toEqual(first);
    const all = negatives(await mineHardNegatives(model, rows, { rangeMin: 1, rangeMax: 12, numNegatives: 11 }));
    expect(first).toHaveLength(3 * rows.length);
    for (const [i, text] of first.entries()) {
      const query = Math.floor(i / 3);
      expect(all.slice(11 * query, 11 * (query + 1))).toContain(text);
    }
    // Nearest first, and none twice.
    expect(new Set(first.slice(0, 3)).size).toBe(3);
  });

  test('reports what it did', async () => {
    const reports: MiningReport[] = [];
    const done: number[] = [];
    const mined = await mineHardNegatives(model, rows, {
      absoluteMargin: 0.05,
      minScore: 0.1,
      onReport: (report) => reports.push(report),
      onProgress: ({ done: count, total }) => done.push(count / total),
    });
    const [report] = reports;
    expect(report).toMatchObject({ queries: new Set(rows.map(({ anchor }) => anchor)).size, negatives: mined.length });
    expect(report!.skipped.absoluteMargin).toBeGreaterThan(0);
    expect(report!.missing + report!.negatives).toBe(3 * report!.queries);
    expect(done.at(-1)).toBe(1);
  });
});

/** Vectors by text: the word before the first space is a number of degrees. */
const circle = {
  similarityFnName: 'cosine' as const,
  encodeQuery: (texts: readonly string[]) => Promise.resolve(atAngles(texts)),
  encodeDocument: (texts: readonly string[]) => Promise.resolve(atAngles(texts)),
};

function atAngles(texts: readonly string[]) {
  const angles = texts.map((text) => (Number.parseFloat(text) * Math.PI) / 180);
  const data = Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
  return { data, shape: [texts.length, 2] } as const;
}

describe('mineHardNegatives', () => {
  const pairs = [
    { query: '0 q', answer: '5 a' },
    { query: '0 q', answer: '20 b' },
    { query: '90 q', answer: '80 c' },
    { query: '180 q', answer: '170 d' },
  ];

  test('never takes a positive of the same anchor', async () => {
    expect(await mineHardNegatives(circle, pairs, { numNegatives: 1, outputFormat: 'n-tuple' })).toEqual([
      { query: '0 q', answer: '5 a', negative_1: '80 c' },
      { query: '0 q', answer: '20 b', negative_1: '80 c' },
      { query: '90 q', answer: '80 c', negative_1: '20 b' },
      { query: '180 q', answer: '170 d', negative_1: '80 c' },
    ]);
  });

  test('labels pairs and lists', async () => {
    const options = { numNegatives: 1, corpus: ['1 x', '179 y'] };
    expect(await mineHardNegatives(circle, pairs.slice(2), { ...options, outputFormat: 'labeled-pair' })).toEqual([
      { query: '90 q', answer: '80 c', label: 1 },
      { query: '90 q', answer: '170 d', label: 0 },
      { query: '180 q', answer: '170 d', label: 1 },
      { query: '180 q', answer: '179 y', label: 0 },
    ]);
    expect(await mineHardNegatives(circle, pairs.slice(3), { ...options, outputFormat: 'labeled-list' })).toEqual([
      { query: '180 q', answer: ['170 d', '179 y'], labels: [1, 0] },
    ]);
  });

  test('lets another model score pairs where bounds compare them', async () => {
    const asked: (readonly [string, string])[] = [];
    const crossEncoder = {
      predict: async (some: (readonly [string, string])[]) => {
        asked.push(...some);
        return some.map(([, text]) => (text === '80 c' ? 0.9 : text.startsWith('5') ? 0.5 : 0.1));
      },
    };
    const options = { crossEncoder, numNegatives: 1, outputScores: true } as const;
    const mined = await mineHardNegatives(circle, pairs, { ...options, absoluteMargin: 0 });
    // The bound of an anchor is its least similar positive.
    expect(mined).toEqual([
      { query: '0 q', answer: '5 a', negative: '170 d', scores: [0.5, 0.1] },
      { query: '0 q', answer: '20 b', negative: '170 d', scores: [0.1, 0.1] },
      { query: '90 q', answer: '80 c', negative: '5 a', scores: [0.9, 0.5] },
      { query: '180 q', answer: '170 d', negative: '20 b', scores: [0.1, 0.1] },
    ]);
    expect(asked.length).toBeGreaterThan(0);
    asked.length = 0;
    await mineHardNegatives(circle, pairs, options);
    expect(asked).toEqual([]);
  });

  test('stops when it is aborted', async () => {
    const reason = new Error('enough');
    const options = { signal: AbortSignal.abort(reason) };
    await expect(mineHardNegatives(circle, pairs, options)).rejects.toBe(reason);
  });
});

describe('wrong input', () => {
  const rows = [{ anchor: '1 a', positive: '2 b' }];

  test.each<[string, unknown[], RegExp]>([
    ['no model', [{}, rows], /SentenceTransformer for model/],
    ['no dataset', [circle, 3], /dataset.*3/],
    ['no rows', [circle, []], /at least one row in dataset/],
    ['one column', [circle, [{ anchor: 'a' }]], /two text columns.*anchor/],
    ['a number for a text', [circle, [...rows, { anchor: '1 a', positive: 2 }]], /dataset\[1\]\.positive.*2/],
    ['a row that is none', [circle, [...rows, 'text']], /dataset\[1\].*"text"/],
    ['columns of two lengths', [circle, { a: ['1'], b: ['1', '2'] }], /a has 1 rows and b has 2/],
    ['a column with a hole', [circle, { a: ['1', , '2'], b: ['1', '2', '3'] }], /dataset\.a\[1\].*undefined/],
    [
      'a column that is not there',
      [circle, rows, { anchorColumnName: 'anchors' }],
      /anchorColumnName.*did you mean anchor/,
    ],
    ['one column for both', [circle, rows, { positiveColumnName: 'anchor' }], /anchor for both/],
    ['a range of nothing', [circle, rows, { rangeMin: 5, rangeMax: 6 }], /3 negatives between rangeMin.*5 and 6/],
    ['a negative range', [circle, rows, { rangeMin: -1 }], /rangeMin.*-1/],
    ['no negatives', [circle, rows, { numNegatives: 0 }], /numNegatives.*0/],
    ['a margin that is no number', [circle, rows, { absoluteMargin: Number.NaN }], /absoluteMargin.*NaN/],
    ['another strategy', [circle, rows, { samplingStrategy: 'best' }], /samplingStrategy.*"best"/],
    ['another format', [circle, rows, { outputFormat: 'pair' }], /outputFormat.*"pair"/],
    ['a corpus of numbers', [circle, rows, { corpus: [1] }], /corpus\[0\].*1/],
    ['no cross encoder', [circle, rows, { crossEncoder: {} }], /predict\(pairs\) for crossEncoder/],
    ['a name of Python', [circle, rows, { useFaiss: true }], /useFaiss.*leave it out/],
    [
      'too few scores',
      [circle, rows, { crossEncoder: { predict: () => [] }, maxScore: 1 }],
      /1 scores of crossEncoder\.predict.*0/,
    ],
    [
      'a score that is none',
      [circle, rows, { crossEncoder: { predict: () => [Number.NaN] }, maxScore: 1 }],
      /numbers of crossEncoder\.predict.*NaN at 0/,
    ],
  ])('%s', async (_, args, message) => {
    const call = mineHardNegatives as (...args: unknown[]) => Promise<unknown>;
    await expect(call(...args)).rejects.toThrow(message);
  });
});
