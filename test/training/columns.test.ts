import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  BatchHardTripletLoss,
  ContrastiveLoss,
  CoSENTLoss,
  DistillKLDivLoss,
  EmbedDistillLoss,
  MarginMSELoss,
  MSELoss,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  TripletLoss,
  type Loss,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

// What a loss says of columns and labels is checked before the first step, with dataset, row and column.

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-columns-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let model: SentenceTransformer;
beforeAll(async () => {
  model = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 8, seed: 3 });
});

const cosent = new CoSENTLoss();
const texts = { a: 'fox', b: 'dog', c: 'red' };

test.each<[string, Loss, readonly object[], RegExp]>([
  [
    'a text too many',
    cosent,
    [{ ...texts, score: 1 }],
    /"c" of trainDataset: it is one text too many\. CoSENTLoss takes/,
  ],
  [
    'a text too few',
    new TripletLoss(),
    [{ a: 'fox', b: 'dog' }],
    /text columns for anchor, positive, negative .*only a, b/,
  ],
  ['no label', cosent, [{ a: 'fox', b: 'dog' }], /column label, labels, score or scores .*CoSENTLoss.*only a, b/],
  ['a label too many', new MultipleNegativesRankingLoss(), [{ a: 'fox', b: 'dog', score: 1 }], /"score".*and no label/],
  [
    'two labels',
    cosent,
    [{ a: 'fox', b: 'dog', score: 1, label: 1 }],
    /"score" of trainDataset: it is a label besides label/,
  ],
  ['a label that is a text', cosent, [{ a: 'fox', b: 'dog', label: 'x' }], /trainDataset\[0\]\.label but received "x"/],
  [
    'NaN',
    cosent,
    [
      { a: 'fox', b: 'dog', label: 1 },
      { a: 'fox', b: 'dog', label: NaN },
    ],
    /\[1\]\.label but received NaN/,
  ],
  [
    'neither 0 nor 1',
    new ContrastiveLoss(),
    [{ a: 'fox', b: 'dog', label: 0.5 }],
    /0 or 1 for trainDataset\[0\]\.label .*0\.5/,
  ],
  [
    'no class',
    new BatchHardTripletLoss(),
    [{ a: 'fox', label: 1.5 }],
    /a class .* for trainDataset\[0\]\.label .*1\.5/,
  ],
  [
    'a vector for a class',
    new BatchHardTripletLoss(),
    [{ a: 'fox', label: [1, 2] }],
    /a plain number for trainDataset\[0\]/,
  ],
  [
    'a teacher of another width',
    new MSELoss(),
    [{ a: 'fox', label: [1, 2] }],
    /a vector of 8 numbers, the model's width.*\[0\]\.label/,
  ],
  [
    'a teacher whose width changes',
    new EmbedDistillLoss(),
    [
      { a: 'fox', label: new Float32Array(8) },
      { a: 'fox', label: new Float32Array(7) },
    ],
    /8 numbers \(as the first row has\) for trainDataset\[1\]\.label/,
  ],
  [
    'too many scores',
    new MarginMSELoss(),
    [{ ...texts, label: [1, 2, 3] }],
    /trainDataset\[0\]\.label but received an array of length 3/,
  ],
  [
    'a score too few',
    new DistillKLDivLoss(),
    [{ ...texts, label: 1 }],
    /2 scores, one a candidate.* for trainDataset\[0\]\.label but received 1/,
  ],
])('%s is refused', async (_, loss, trainDataset, message) => {
  await expect(model.fit({ trainDataset, loss })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringMatching(message),
  });
  expect(model.lastFit).toBeUndefined();
});
