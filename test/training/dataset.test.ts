import { describe, expect, test } from '@jest/globals';
import { Matrix } from 'stillvec';

import type { ColumnNeeds } from '../../lib/training/columns.js';
import { datasetParts, type DatasetReading, type TrainingColumns } from '../../lib/training/dataset.js';
import { binaryLabel, classLabel, marginLabel, similarityLabel, teacherLabel } from '../../lib/training/label-needs.js';

/** Takes any texts, and a label if there is one. */
const anyone = {
  name: 'AnyLoss',
  needs: { texts: ['text'], furtherTexts: 'text', label: { ...similarityLabel, isOptional: () => true } },
};

function read(dataset: unknown, reading: Partial<DatasetReading> = {}): AsyncGenerator<TrainingColumns> {
  return datasetParts(dataset, { option: 'trainDataset', taker: anyone, dim: 4, ...reading });
}

/** A dataset of few rows, whole. */
async function readDataset(dataset: unknown, reading?: Partial<DatasetReading>): Promise<TrainingColumns> {
  const parts: TrainingColumns[] = [];
  for await (const part of read(dataset, reading)) parts.push(part);
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
  labels: { values: Float32Array.of(0.5, 1), shape: { vectors: 1, width: 1 } },
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
      const { labels, columns } = await readDataset([{ [second]: 'text', text: 'text', [first]: 1 }]);
      expect(labels!.values).toEqual(Float32Array.of(1));
      expect(columns.map(({ name }) => name)).toEqual([second, 'text']);
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
    [
      'no columns',
      {},
      'expected at least one text column in trainDataset, as AnyLoss takes them, but found no columns',
    ],
    [
      'only a label',
      [{ label: 1 }],
      'expected at least one text column in trainDataset, as AnyLoss takes them, but found only label',
    ],
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
      'expected an array of labels for trainDataset.label but received 1',
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
  for await (const part of read(rows(20_000, { a: 'last', b: '', score: 1 }))) parts.push(part);
  expect(parts.map((part) => part.rows).reduce((sum, n) => sum + n)).toBe(20_001);
  expect(parts.length).toBeGreaterThan(2);
  expect(parts.flatMap((part) => part.columns[0]!.texts)[12_345]).toBe('a12345');
  expect(parts.at(-1)!.labels!.values.at(-1)).toBe(1);
  const drain = async () => {
    for await (const part of read(rows(20_000, { a: 'last', b: 3, score: 1 }))) expect(part.rows).toBeGreaterThan(0);
  };
  await expect(drain()).rejects.toThrow('trainDataset[20000].b');
});

describe('a label', () => {
  const readAs = (needs: ColumnNeeds['label'], dataset: unknown): Promise<TrainingColumns> => {
    const taker = { name: 'ALoss', needs: { texts: ['text'], furtherTexts: 'text', ...(needs && { label: needs }) } };
    return readDataset(dataset, { taker });
  };
  const labelled = (...labels: unknown[]): object[] => labels.map((label) => ({ a: 'a', b: 'b', label }));

  test.each<[string, ColumnNeeds['label'], unknown, number[], object]>([
    ['a number', similarityLabel, labelled(0.5, -1), [0.5, -1], { vectors: 1, width: 1 }],
    ['an array of one number', similarityLabel, labelled([0.5], [-1]), [0.5, -1], { vectors: 1, width: 1 }],
    ['a class', classLabel, labelled(0, 7), [0, 7], { vectors: 1, width: 1 }],
    [
      'a vector, as an array or a typed array',
      teacherLabel(),
      labelled([1, 2, 3, 4], Float64Array.of(5, 6, 7, 8)),
      [1, 2, 3, 4, 5, 6, 7, 8],
      { vectors: 1, width: 4 },
    ],
    [
      'a vector a text column',
      teacherLabel(2),
      labelled([[1, 2], Float32Array.of(3, 4)]),
      [1, 2, 3, 4],
      { vectors: 2, width: 2 },
    ],
    [
      'a column of vectors',
      teacherLabel(2),
      { a: ['a', 'a'], b: ['b', 'b'], label: [Float32Array.of(1, 2), [3, 4]] },
      [1, 2, 3, 4],
      { vectors: 1, width: 2 },
    ],
    [
      'a column of embeddings',
      teacherLabel(2),
      { a: ['a', 'a'], b: ['b', 'b'], label: new Matrix(Float32Array.of(1, 2, 3, 4), 2, 2) },
      [1, 2, 3, 4],
      { vectors: 1, width: 2 },
    ],
    ['a margin', marginLabel, [{ a: 'a', b: 'b', c: 'c', label: 0.5 }], [0.5], { vectors: 1, width: 1 }],
    ['scores', marginLabel, [{ a: 'a', b: 'b', c: 'c', label: [0.5, 1] }], [0.5, 1], { vectors: 1, width: 2 }],
  ])('may be %s', async (_, needs, dataset, values, shape) => {
    expect((await readAs(needs, dataset)).labels).toEqual({ values: Float32Array.from(values), shape });
  });

  test.each<[string, ColumnNeeds['label'], unknown, string]>([
    ['NaN', similarityLabel, labelled(1, NaN), 'expected a finite number for trainDataset[1].label but received NaN'],
    [
      'beyond float32',
      similarityLabel,
      labelled(1e300),
      'expected a finite number for trainDataset[0].label but received 1e+300',
    ],
    [
      'missing',
      similarityLabel,
      [...labelled(1), { a: 'a', b: 'b' }],
      'expected a finite number for trainDataset[1].label but received undefined',
    ],
    ['no 0 or 1', binaryLabel, labelled(1, 0, 0.5), 'expected 0 or 1 for trainDataset[2].label but received 0.5'],
    [
      'a class that is no integer',
      classLabel,
      labelled(1, 1.5),
      'expected a class (an integer of at most 16777216) for trainDataset[1].label but received 1.5',
    ],
    [
      'a vector for a number',
      similarityLabel,
      labelled([1, 2]),
      'expected a plain number for trainDataset[0].label but received an array of length 2',
    ],
    [
      'a number for a vector',
      teacherLabel(),
      labelled(1),
      "expected a vector of 4 numbers, the model's width, or an array of one for each text for trainDataset[0].label but received 1",
    ],
    [
      'of a teacher of another width',
      teacherLabel(),
      labelled(Float32Array.of(1, 2)),
      "expected a vector of 4 numbers, the model's width, or an array of one for each text for trainDataset[0].label but received a Float32Array of length 2",
    ],
    [
      'of another width than the first',
      teacherLabel(2),
      labelled([1, 2], [1, 2, 3]),
      'expected 2 numbers (as the first row has) for trainDataset[1].label but received an array of length 3',
    ],
    [
      'ragged',
      teacherLabel(2),
      labelled([[1, 2], [1]]),
      'expected 2 vectors of 2 numbers (as the first row has) for trainDataset[0].label[1] but received an array of length 2',
    ],
    [
      'with one number that is none',
      teacherLabel(2),
      labelled([1, 2], [1, 'x']),
      'expected a finite number for trainDataset[1].label[1] but received "x"',
    ],
    [
      'with one number of a vector that is none',
      teacherLabel(2),
      labelled([
        [1, 2],
        [3, Infinity],
      ]),
      'expected a finite number for trainDataset[0].label[1][1] but received Infinity',
    ],
    [
      'without numbers',
      similarityLabel,
      labelled([]),
      'expected a plain number for trainDataset[0].label but received an array of length 0',
    ],
    [
      'absent',
      binaryLabel,
      [{ a: 'a', b: 'b' }],
      'expected a column label, labels, score or scores in trainDataset, where ALoss finds its label (0 or 1), but found only a, b',
    ],
    [
      'for a loss that takes none',
      undefined,
      labelled(1),
      'no role fits the column "label" of trainDataset: it is a label by its name. ALoss takes texts as text, texts, and no ' +
        'label. Leave the column out (readDatasetFile(file, { columns: [...] }) for a file), take another loss, or rename ' +
        'the column if it holds texts',
    ],
  ])('may not be %s', async (_, needs, dataset, message) => {
    await expect(readAs(needs, dataset)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message });
  });
});
