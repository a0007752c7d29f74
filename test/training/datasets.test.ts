import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CoSENTLoss, MultipleNegativesRankingLoss, SentenceTransformer, type FitOptions } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-datasets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim: 32, seed: 3 });
const ranking = new MultipleNegativesRankingLoss();
const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
const nli = letters.flatMap((a) => letters.map((b, i) => ({ anchor: `${a}${b}${i}`, positive: `${i} ${b} ${a} the` })));
const qa = {
  question: nli.slice(0, 100).map(({ anchor }) => `fox ${anchor}`),
  answer: nli.slice(0, 100).map(({ positive }) => positive),
};
const sts = nli.slice(0, 60).map(({ anchor, positive }, i) => ({ one: anchor, other: positive, score: (i % 5) / 4 }));

describe('several datasets that do not fit', () => {
  test.each<[string, Pick<FitOptions, 'trainDataset' | 'loss'>, RegExp]>([
    [
      'an empty one among them',
      { trainDataset: { nli, empty: [] }, loss: ranking },
      /at least one row in trainDataset\.empty/,
    ],
    [
      'a loss for one that does not exist',
      { trainDataset: { nli, qa }, loss: { nli: ranking, qa: ranking, sst: ranking } },
      /expected names of datasets of trainDataset \(nli, qa\) for loss but received sst/,
    ],
    ['one without a loss', { trainDataset: { nli, qa }, loss: { nli: ranking } }, /for loss\.qa, as trainDataset has/],
    ['a loss by name that is none', { trainDataset: { nli }, loss: { nli: 1, qa: ranking } as never }, /for loss\.nli/],
    [
      'losses by name for one dataset',
      { trainDataset: nli, loss: { nli: ranking } },
      /one, since there is one dataset/,
    ],
    ['columns of another loss', { trainDataset: { nli, sts }, loss: ranking }, /"score" of trainDataset\.sts/],
    [
      'a label that its loss cannot use',
      {
        trainDataset: { nli, sts: [...sts, { one: 'a', other: 'b', score: NaN }] },
        loss: { nli: ranking, sts: new CoSENTLoss() },
      },
      /a finite number for trainDataset\.sts\[60\]\.score but received NaN/,
    ],
    ['a promise of one', { trainDataset: { nli, qa: Promise.resolve(nli) as never }, loss: ranking }, /await/],
    ['a text for one', { trainDataset: { nli, qa: 'qa.jsonl' as never }, loss: ranking }, /trainDataset\.qa/],
  ])('%s', async (_, options, message) => {
    await expect((await newModel()).fit(options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});
