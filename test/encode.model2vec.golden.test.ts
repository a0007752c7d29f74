import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SentenceTransformer, type Embeddings, type Utf8Column } from 'stillvec';

import { describeWithShared, materializeModel, readGzippedJson } from './support/shared';

interface Goldens {
  readonly texts: string[];
  readonly cases: { readonly model: string; readonly shape: [number, number]; readonly data: string }[];
}

const root = mkdtempSync(join(tmpdir(), 'stillvec-model2vec-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const norm = (row: Float32Array): number => Math.hypot(...row);

/** The greatest error of a row, relative to the row's norm. */
function worstRelativeError(actual: Embeddings, expected: Float32Array): number {
  let worst = 0;
  for (let r = 0; r < actual.shape[0]; ++r) {
    const wanted = expected.subarray(r * actual.shape[1], (r + 1) * actual.shape[1]);
    const scale = norm(wanted) || 1;
    for (const [c, value] of actual.row(r).entries()) worst = Math.max(worst, Math.abs(value - wanted[c]!) / scale);
  }
  return worst;
}

/** Half precision rounds the reference itself: near in every value, and of the same direction. */
function expectHalfPrecision(actual: Embeddings, expected: Float32Array): void {
  for (let r = 0; r < actual.shape[0]; ++r) {
    const [row, wanted] = [actual.row(r), expected.subarray(r * actual.shape[1], (r + 1) * actual.shape[1])];
    for (const [c, value] of row.entries()) expect(Math.abs(value - wanted[c]!)).toBeLessThan(5e-4);
    if (norm(wanted) === 0) continue;
    const cosine = row.reduce((sum, value, c) => sum + value * wanted[c]!, 0) / (norm(row) * norm(wanted));
    expect(cosine).toBeGreaterThanOrEqual(0.99999);
  }
}

function utf8Column(texts: readonly string[]): Utf8Column {
  const bytes = texts.map((text) => Buffer.from(text));
  const offsets = new Int32Array(texts.length + 1);
  for (const [i, { length }] of bytes.entries()) offsets[i + 1] = offsets[i]! + length;
  return { data: new Uint8Array(Buffer.concat(bytes)), offsets };
}

describeWithShared('embeddings of Model2Vec', () => {
  const goldens = readGzippedJson('goldens', 'model2vec', 'expected.json.gz') as Goldens;
  const { texts } = goldens;
  const golden = (name: string): Float32Array => {
    const { data } = goldens.cases.find(({ model }) => model === name)!;
    return new Float32Array(new Uint8Array(Buffer.from(data, 'base64')).buffer);
  };
  const names = ['float16', 'float32', 'int8', 'sentence-transformers'].map((name) => `test-model-${name}`);
  const folders = new Map(names.map((name) => [name, materializeModel('goldens', 'model2vec', name)]));
  const quantized = materializeModel('goldens', 'model2vec', 'test-model-vocab-quantized');
  const sentenceTransformers = materializeModel('goldens', 'encode', 'st-v6');

  describe.each(names)('%s', (name) => {
    let model: SentenceTransformer;
    beforeAll(async () => {
      model = await SentenceTransformer.load(folders.get(name)!);
    });
    const check = (embeddings: Embeddings): void => {
      expect(embeddings.shape).toEqual([200, 2]);
      if (name === 'test-model-float16') expectHalfPrecision(embeddings, golden(name));
      else expect(worstRelativeError(embeddings, golden(name))).toBeLessThan(1e-5);
    };

    test('encode', async () => check(await model.encode(texts)));
    test('encodeSync', () => check(model.encodeSync(texts)));
    test('UTF-8 columns', async () => check(await model.encode(utf8Column(texts))));

    test('saved over itself', async () => {
      const folder = join(root, `over-${name}`);
      cpSync(folders.get(name)!, folder, { recursive: true });
      for (let saves = 0; saves < 2; ++saves) {
        const over = await SentenceTransformer.load(folder);
        check(await over.encode(texts));
        await over.save(folder);
      }
      check(await (await SentenceTransformer.load(folder)).encode(texts));
    });

    test('saved and loaded again', async () => {
      const folder = join(root, name);
      await model.save(folder);
      const again = await SentenceTransformer.load(folder);
      check(await again.encode(texts));
      await again.save(`${folder}-twice`);
      check(await (await SentenceTransformer.load(`${folder}-twice`)).encode(texts));
    });
  });

  test('a vocabulary-quantised model', async () => {
    const model = await SentenceTransformer.load(quantized);
    expect(model.vocabSize).toBe(29524);
    for (const embeddings of [await model.encode(texts), model.encodeSync(texts)]) {
      expect(embeddings.shape).toEqual([200, 64]);
      expect(worstRelativeError(embeddings, golden('test-model-vocab-quantized'))).toBeLessThan(1e-5);
    }
    const folder = join(root, 'quantized');
    await model.save(folder);
    const again = await SentenceTransformer.load(folder);
    expect(worstRelativeError(await again.encode(texts), golden('test-model-vocab-quantized'))).toBeLessThan(1e-5);
  });

  test('a saved model means the same to a reader that drops nothing', async () => {
    const folder = join(root, 'plain');
    await (await SentenceTransformer.load(folders.get('test-model-float32')!)).save(folder);
    const config = join(folder, 'config_sentence_transformers.json');
    const { token_rules, ...rest } = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>;
    expect(token_rules).toBe('model2vec');
    expect(rest['normalize']).toBe(true);
    writeFileSync(config, JSON.stringify(rest));
    const plain = await SentenceTransformer.load(folder, { verify: false });
    expect(plain.tokenize(['\u{1f600}']).ids).toHaveLength(1);
    expect(worstRelativeError(await plain.encode(texts), golden('test-model-float32'))).toBeLessThan(1e-5);
  });

  test('a folder of Sentence Transformers keeps its unknown tokens', async () => {
    const model = await SentenceTransformer.load(sentenceTransformers);
    expect(model.tokenize(['\u{1f600}']).ids).toHaveLength(1);
  });
});
