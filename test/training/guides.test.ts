import { expect, test } from '@jest/globals';
import { InvalidArgumentError, type Guide } from 'stillvec';

import type { TrainingColumns } from '../../lib/training/dataset.js';
import { GuideEmbeddings } from '../../lib/training/guides.js';

function part(...columns: readonly (readonly string[])[]): TrainingColumns {
  const named = columns.map((texts, i) => ({ name: `column${i}`, texts }));
  return { columns: named, rows: columns[0]!.length, layout: { texts: [] } };
}

async function embed(guides: readonly (Guide | undefined)[], parts: readonly TrainingColumns[]): Promise<number[][][]> {
  const embeddings = new GuideEmbeddings(guides, parts[0]!.columns, 'trainDataset');
  for (const one of parts) await embeddings.add(one);
  const taken = await embeddings.take();
  return taken.map((columns) =>
    columns.map(({ values, rows, width }) => {
      const numbers = new Float32Array(rows * width);
      values.read(0, numbers);
      return [...numbers];
    }),
  );
}

/** The length of a text, and 1. */
const lengths = (texts: readonly string[]): number[][] => texts.map((text) => [text.length, 1]);

test('asks once for each text of a part, and gives a row for each place', async () => {
  const asked: (readonly string[])[] = [];
  const guide: Guide = {
    encode: (texts) => {
      asked.push(texts);
      return lengths(texts);
    },
  };
  const values = await embed([undefined, guide], [part(['a', 'bb', 'a'], ['c', 'c', 'dddd']), part(['bb'], ['e'])]);
  expect(asked).toEqual([['a', 'bb'], ['c', 'dddd'], ['bb'], ['e']]);
  expect(values).toEqual([
    [],
    [
      [1, 1, 2, 1, 1, 1, 2, 1],
      [1, 1, 1, 1, 4, 1, 1, 1],
    ],
  ]);
});

test.each<[string, Guide['encode']]>([
  ['a matrix', (texts) => ({ data: Float32Array.from(lengths(texts).flat()), shape: [texts.length, 2] as const })],
  ['typed arrays', (texts) => lengths(texts).map((vector) => Float32Array.from(vector))],
  ['a promise', (texts) => Promise.resolve(lengths(texts))],
])('takes %s', async (_, encode) => {
  expect(await embed([{ encode }], [part(['a', 'bb'])])).toEqual([[[1, 1, 2, 1]]]);
});

test.each<[string, Guide['encode'], string]>([
  [
    'too few',
    () => [[1, 2]],
    'expected 2 embeddings of 2 numbers for trainDataset.column0 from the guide but received 1',
  ],
  ['too many', () => [[1], [2], [3]], 'received 3 of 1'],
  ['none', (texts) => texts.map(() => []), 'expected 2 embeddings of some numbers'],
  ['several widths', () => [[1], [1, 2]], 'a vector of 1 numbers'],
  ['what is not finite', () => [[1], [NaN]], 'the guide\'s embedding of "bb" (trainDataset.column0)'],
  ['strings', () => [['a'], ['b']] as never, 'what the guide makes of trainDataset.column0'],
  ['nothing', () => undefined as never, 'what the guide makes of trainDataset.column0'],
])('refuses %s', async (_, encode, message) => {
  const refused = embed([{ encode }], [part(['a', 'bb'])]);
  await expect(refused).rejects.toThrow(InvalidArgumentError);
  await expect(refused).rejects.toThrow(message);
});

test('refuses another width later', async () => {
  const encode = (texts: readonly string[]): number[][] => texts.map((text) => [...text].map(() => 1));
  await expect(embed([{ encode }], [part(['aa']), part(['bbb'])])).rejects.toThrow('received 1 of 3');
});

test("passes on a guide's own errors, and stops at an abort", async () => {
  const failing: Guide = { encode: () => Promise.reject(new Error('no GPU')) };
  await expect(embed([failing], [part(['a'])])).rejects.toThrow('no GPU');
  const controller = new AbortController();
  const slow: Guide = { encode: () => new Promise(() => undefined) };
  const embeddings = new GuideEmbeddings([slow], part(['a']).columns, 'trainDataset');
  const adding = embeddings.add(part(['a']), controller.signal);
  controller.abort(new Error('enough'));
  await expect(adding).rejects.toThrow('enough');
});
