import { readdirSync } from 'node:fs';

import { expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { describeWithShared, readGzippedJsonLines } from './support/shared';

describeWithShared('token ids of Hugging Face tokenizers', (shared) => {
  const names = readdirSync(`${shared}/goldens/tokenizer`).map((file) => file.replace('.jsonl.gz', ''));

  test('there are seventeen tokenizers', () => {
    expect(names).toHaveLength(17);
  });

  test.each(names)('%s', async (name) => {
    const rows = readGzippedJsonLines('goldens', 'tokenizer', `${name}.jsonl.gz`) as { text: string; ids: number[] }[];
    const model = await SentenceTransformer.create({ tokenizer: `${shared}/data/tokenizers/${name}.json`, dim: 1 });
    const { ids, offsets } = model.tokenize(rows.map((row) => row.text));
    const wrong = rows.filter(({ ids: expected }, i) => {
      const actual = ids.subarray(offsets[i], offsets[i + 1]);
      return actual.length !== expected.length || actual.some((id, at) => id !== expected[at]);
    });
    expect(rows.length).toBe(name.endsWith('-like') ? 1988 : 3088);
    expect(offsets.length).toBe(rows.length + 1);
    expect(wrong).toEqual([]);
  });
});
