import { describe, expect, test } from '@jest/globals';
import { datasetParts, type TrainingColumns } from '../../lib/training/dataset.js';

/** A dataset of few rows, whole. */
async function readDataset(...call: Parameters<typeof datasetParts>): Promise<TrainingColumns> {
  const parts: TrainingColumns[] = [];
  for await (const part of datasetParts(...call)) parts.push(part);
  expect(parts).toHaveLength(1);
  return parts[0]!;
}

const rows = [
  { anchor: 'a0', positive: 'p0', negative: 'n0', score: 0.5 },
  { score: 1, negative: 'n1', positive: 'p1', anchor: 'a1' },
];
const expected = {
  columns: [
    { name: 'anchor', texts: ['a0', 'a1'] },
    { name: 'positive', texts: ['p0', 'p1'] },
    { name: 'negative', texts: ['n0', 'n1'] },
  ],
  labels: Float32Array.of(0.5, 1),
  rows: 2,
};

async function* asynchronously<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) yield await Promise.resolve(value);
}

describe('a dataset may be', () => {
  test.each<[string, unknown]>([
    ['rows', rows],
    ['a set of rows', new Set(rows)],
    ['an async iterable of rows', asynchronously(rows)],
    ['columns', { anchor: ['a0', 'a1'], positive: ['p0', 'p1'], negative: ['n0', 'n1'], score: [0.5, 1] }],
    [
      'columns with typed labels',
      { anchor: ['a0', 'a1'], positive: ['p0', 'p1'], negative: ['n0', 'n1'], score: Float64Array.of(0.5, 1) },
    ],
  ])('%s', async (_, dataset) => {
    expect(await readDataset(dataset)).toMatchObject(expected);
  });

  test('rows without a label, in the column order of the first row', async () => {
    expect(await readDataset([{ question: 'q', answer: '' }])).toMatchObject({
      columns: [
        { name: 'question', texts: ['q'] },
        { name: 'answer', texts: [''] },
      ],
      rows: 1,
    });
  });

  test('label before labels before score before scores', async () => {
    for (const [first, second] of [
      ['label', 'score'],
      ['labels', 'scores'],
      ['score', 'scores'],
    ] as const) {
      const error = await readDataset([{ [second]: 'text', text: 'text', [first]: 1 }]);
      expect(error.labels).toEqual(Float32Array.of(1));
      expect(error.columns.map(({ name }) => name)).toEqual([second, 'text']);
    }
  });
});

describe('a dataset may not be', () => {
  test.each<[string, unknown, string]>([
    [
      'no dataset',
      undefined,
      'expected an array of rows, an object of columns or an (async) iterable of rows for trainDataset but received undefined',
    ],
    [
      'a string',
      'rows',
      'expected an array of rows, an object of columns or an (async) iterable of rows for trainDataset but received "rows"',
    ],
    ['no rows', [], 'expected at least one row in trainDataset but it is empty'],
    ['an empty iterable', new Set(), 'expected at least one row in trainDataset but it is empty'],
    ['empty columns', { anchor: [], positive: [] }, 'expected at least one row in trainDataset but it is empty'],
    ['no columns', {}, 'expected at least one text column in trainDataset but found no columns'],
    ['only a label', [{ label: 1 }], 'expected at least one text column in trainDataset but found only label'],
    [
      'a row that is no object',
      [{ a: '' }, 'text'],
      'expected a row such as { anchor, positive } for trainDataset[1] but received "text"',
    ],
    [
      'a row that is an array',
      [['a', 'b']],
      'expected a row such as { anchor, positive } for trainDataset[0] but received an array of length 2',
    ],
    [
      'a text that is no string',
      [
        { anchor: 'a', positive: 'p' },
        { anchor: 'a', positive: 7 },
      ],
      'expected a string for trainDataset[1].positive but received 7',
    ],
    [
      'a missing column',
      [{ anchor: 'a', positive: 'p' }, { anchor: 'a' }],
      'expected a string for trainDataset[1].positive but received undefined',
    ],
    [
      'a surplus column',
      [{ anchor: 'a' }, { anchor: 'a', positive: 'p' }],
      'trainDataset[1] has a column positive, which the first row of trainDataset has not',
    ],
    [
      'a NaN label',
      [{ anchor: 'a', score: NaN }],
      'expected a finite number for trainDataset[0].score but received NaN',
    ],
    [
      'a text as label',
      [{ anchor: 'a', label: 'x' }],
      'expected a finite number for trainDataset[0].label but received "x"',
    ],
    [
      'ragged columns',
      { anchor: ['a', 'b'], positive: ['p'] },
      'expected columns of equal length in trainDataset but anchor has 2 rows and positive has 1',
    ],
    [
      'ragged labels',
      { anchor: ['a', 'b'], score: [1, 0, 1] },
      'expected columns of equal length in trainDataset but anchor has 2 rows and score has 3',
    ],
    [
      'a column that is no array',
      { anchor: 'a' },
      'expected an array of strings for trainDataset.anchor but received "a"',
    ],
    [
      'a column with a hole',
      { anchor: ['a', , 'b'] },
      'expected a string for trainDataset.anchor[1] but received undefined',
    ],
    [
      'labels that are no array',
      { anchor: ['a'], label: 1 },
      'expected an array of numbers for trainDataset.label but received 1',
    ],
    [
      'an infinite label in a column',
      { anchor: ['a'], label: [Infinity] },
      'expected a finite number for trainDataset.label[0] but received Infinity',
    ],
  ])('%s', async (_, dataset, message) => {
    await expect(readDataset(dataset)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message });
  });

  test('to go on once the signal is aborted', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let drawn = 0;
    async function* endless(): AsyncGenerator<{ anchor: string }> {
      for (;;) {
        if (++drawn === 3) controller.abort(reason);
        yield await Promise.resolve({ anchor: 'a' });
      }
    }
    await expect(readDataset(endless(), { signal: controller.signal })).rejects.toBe(reason);
    expect(drawn).toBe(3);
  });

  test('a dataset by the name that the caller gives it', async () => {
    await expect(readDataset([], { option: 'evalDataset' })).rejects.toThrow('evalDataset');
  });
});

test('an iterable comes in parts, and the rows are counted through', async () => {
  const rows = (count: number, last: unknown) =>
    (function* () {
      for (let i = 0; i < count; ++i) yield { a: `a${i}`, b: `b${i}`, score: i };
      yield last;
    })();
  const parts: TrainingColumns[] = [];
  for await (const part of datasetParts(rows(20_000, { a: 'last', b: '', score: 1 }))) parts.push(part);
  expect(parts.map((part) => part.rows).reduce((sum, n) => sum + n)).toBe(20_001);
  expect(parts.length).toBeGreaterThan(2);
  expect(parts.flatMap((part) => part.columns[0]!.texts)[12_345]).toBe('a12345');
  expect(parts.at(-1)!.labels!.at(-1)).toBe(1);
  const drain = async () => {
    for await (const part of datasetParts(rows(20_000, { a: 'last', b: 3, score: 1 })))
      expect(part.rows).toBeGreaterThan(0);
  };
  await expect(drain()).rejects.toThrow('trainDataset[20000].b');
});
