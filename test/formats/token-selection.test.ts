import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MultipleNegativesRankingLoss, SentenceTransformer } from 'stillvec';
import { model2vecSelection } from '../../lib/formats/tokenizer/token-selection.js';
import { parseTokenizerJson } from '../../lib/formats/tokenizer/tokenizer-json.js';
import { writeSafetensors } from '../../lib/formats/safetensors.js';
import { tinyVocabulary, writeTinyTokenizer } from '../support/tiny-tokenizer';

const root = mkdtempSync(join(tmpdir(), 'stillvec-selection-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

/** A Model2Vec folder of random rows; `isStepwise`: with a tokenizer that another pipeline runs, to the same end. */
async function model2vec(name: string, isStepwise: boolean): Promise<SentenceTransformer> {
  const folder = join(root, name);
  mkdirSync(folder);
  const file = writeTinyTokenizer(folder);
  if (isStepwise) {
    const json = JSON.parse(readFileSync(file, 'utf8')) as { normalizer: object };
    const nothing = { type: 'Replace', pattern: { String: 'qqqqqq' }, content: '' };
    json.normalizer = { type: 'Sequence', normalizers: [json.normalizer, nothing] };
    writeFileSync(file, JSON.stringify(json));
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'model2vec', normalize: false }));
  const values = Float32Array.from({ length: tinyVocabulary.length * 4 }, (_, i) => Math.sin(i));
  const table = join(folder, 'model.safetensors');
  const handle = await open(table, 'w');
  const bytes = new Uint8Array(values.buffer);
  await writeSafetensors(handle, table, [
    { name: 'embeddings', dtype: 'F32', shape: [tinyVocabulary.length, 4], chunks: [bytes] },
  ]);
  await handle.close();
  return SentenceTransformer.load(folder);
}

let models: SentenceTransformer[];
beforeAll(async () => {
  models = [await model2vec('bert', false), await model2vec('steps', true)];
});

const id = (token: string): number => tinyVocabulary.indexOf(token);
const ids = (model: SentenceTransformer, text: string): number[] => [...model.tokenize([text]).ids];

test('unknown tokens do not count', async () => {
  for (const model of models) {
    expect(ids(model, 'red \u00df fox [UNK] ! sea')).toEqual([id('red'), id('fox'), id('sea')]);
    expect(model.encodeSync('red \u00df sea')).toEqual(model.encodeSync('red sea'));
    expect(await model.encode('\u00df !')).toEqual(new Float32Array(4));
  }
});

test('a text is cut where 512 tokens of median length end, in code points', () => {
  // Most tokens are a letter or ##letter: the median is 3 code points.
  const selection = model2vecSelection(
    parseTokenizerJson('tokenizer.json', readFileSync(join(root, 'bert', 'tokenizer.json'), 'utf8')),
  );
  expect(selection).toEqual({ droppedId: 1, maxCodePoints: 3 * 512, maxTokens: 512 });
  for (const model of models) {
    for (const filler of ['\u00df', '\u{1f600}', '!']) {
      expect(ids(model, `${filler.repeat(1535 - 4)} red fox`)).toEqual([id('red')]);
      expect(ids(model, `${filler.repeat(1535 - 5)} red fox`)).toEqual([id('red'), id('f')]);
    }
  }
});

test('of the tokens that are left, the first 512 count', () => {
  for (const model of models) {
    expect(ids(model, `a !${' a'.repeat(510)} red sea`)).toEqual([...Array<number>(511).fill(id('a')), id('red')]);
  }
});

test('the prompt counts', () => {
  for (const model of models) {
    const prompted = model.encodeSync('sea', { prompt: 'a '.repeat(512) });
    for (const [c, value] of model.encodeSync('a').entries()) expect(prompted[c]).toBeCloseTo(value, 5);
  }
});

test('training sees the same tokens, and the trained model is saved as one', async () => {
  for (const [i, model] of models.entries()) {
    const rows = ['red', 'blue', 'green', 'fox'].map((word) => ({
      anchor: `${word} !`,
      positive: `the \u00df ${word}`,
    }));
    await model.fit({ trainDataset: rows, loss: new MultipleNegativesRankingLoss(), epochs: 1, batchSize: 2 });
    expect(await model.encode('red !')).toEqual(await model.encode('red'));
    const folder = join(root, `trained-${i}`);
    await model.save(folder);
    const again = await SentenceTransformer.load(folder);
    expect(await again.encode('the red ! sea')).toEqual(await model.encode('the red ! sea'));
    expect(ids(again, 'red !')).toEqual([id('red')]);
  }
});
