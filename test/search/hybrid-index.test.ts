import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BM25Index,
  HybridIndex,
  InformationRetrievalEvaluator,
  ModelFormatError,
  SentenceTransformer,
  type Normalization,
  type RetrievedDocument,
} from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(`${tmpdir()}/stillvec-hybrid-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const words = ['the', 'fox', 'jumps', 'over', 'lazy', 'dog', 'number', 'quick', 'brown', 'a'];
const texts = Array.from({ length: 300 }, (_, i) =>
  Array.from({ length: 3 + (i % 5) }, (__, j) => words[(i * 7 + j * j * 3 + (i >> 3)) % words.length]).join(' '),
);
const ids = texts.map((_, i) => `d${i}`);
const queries = ['the quick fox', 'lazy dog number', 'brown', 'jumps over a', 'unheard of'];

let model: SentenceTransformer;
beforeAll(async () => {
  model = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 24, seed: 7 });
});

async function indexOf(options: { weight?: number; normalization?: Normalization } = {}): Promise<HybridIndex> {
  const index = new HybridIndex({ model, ...options });
  await index.add(ids, texts);
  return index;
}

/** The documents by the definition: both scores of all of them, normalized and added. */
async function byDefinition(
  kept: readonly number[],
  weight: number,
  normalization: Normalization,
): Promise<Map<string, number>[]> {
  const lexical = new BM25Index();
  const [names, documents] = [kept.map((i) => ids[i]!), kept.map((i) => texts[i]!)];
  await lexical.add(names, documents);
  const dense = model.similarity(await model.encodeQuery(queries), await model.encodeDocument(documents));
  const found = await lexical.search(queries, kept.length);
  return queries.map((_, query) => {
    const byId = new Map(found[query]!.map(({ id, score }) => [id, score]));
    const left = normalized([...dense.row(query)], normalization);
    const right = normalized(
      names.map((id) => Math.fround(byId.get(id) ?? 0)),
      normalization,
    );
    return new Map(names.map((id, i) => [id, weight * left[i]! + right[i]!]));
  });
}

function normalized(scores: readonly number[], normalization: Normalization): number[] {
  if (normalization === 'rrf') return scores.map((s) => 1 / (61 + scores.filter((other) => other > s).length));
  const [min, max] = [Math.min(...scores), Math.max(...scores)];
  if (min === max) return scores.map(() => 0);
  if (normalization === 'minmax') return scores.map((s) => (s - min) / (max - min));
  const mean = scores.reduce((sum, s) => sum + s, 0) / scores.length;
  const deviation = Math.sqrt(scores.reduce((sum, s) => sum + (s - mean) ** 2, 0) / scores.length);
  return scores.map((s) => (s - mean) / deviation);
}

function expectBest(found: readonly RetrievedDocument[], scores: ReadonlyMap<string, number>, k: number): void {
  const best = [...scores.values()].sort((a, b) => b - a).slice(0, k);
  expect(found).toHaveLength(best.length);
  for (const [i, { id, score }] of found.entries()) {
    expect(score).toBeCloseTo(best[i]!, 5);
    expect(scores.get(id)).toBeCloseTo(best[i]!, 5);
  }
  expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
}

describe('HybridIndex', () => {
  const all = ids.map((_, i) => i);

  test.each([
    ['minmax', 0.5],
    ['minmax', 3],
    ['zscore', 0.3],
    ['rrf', 0.5],
  ] as const)('finds the best of all documents by %s, embeddings weighing %d', async (normalization, weight) => {
    const index = await indexOf({ normalization, weight });
    expect([index.normalization, index.weight, index.size]).toEqual([normalization, weight, 300]);
    const expected = await byDefinition(all, weight, normalization);
    for (const k of [1, 10, 1000]) {
      for (const [query, found] of (await index.search(queries, k)).entries()) expectBest(found, expected[query]!, k);
    }
  });

  test('is either of its halves where the other weighs nothing', async () => {
    const lexical = new BM25Index();
    await lexical.add(ids, texts);
    const [byWords] = await lexical.search(['brown dog'], 1);
    const [found] = await (await indexOf({ weight: 0 })).search(['brown dog'], 3);
    expect(found![0]!.score).toBe(1);
    expect(found![0]!.id).toBe(byWords![0]!.id);
    const { indices } = await model.searchTopK(await model.encodeQuery(queries), await model.encodeDocument(texts), 1);
    const dense = await (await indexOf({ weight: 1e9 })).search(queries, 1);
    expect(texts[ids.indexOf(dense[0]![0]!.id)]).toBe(texts[indices[0]!]);
  });

  test('takes documents in any number of calls, and lets go of them', async () => {
    const index = new HybridIndex({ model });
    expect(await index.search(queries, 3)).toEqual(queries.map(() => []));
    for (let i = 0; i < 300; i += 7) await index.add(ids.slice(i, i + 7), texts.slice(i, i + 7));
    expect(await index.search(queries, 9)).toEqual(await (await indexOf()).search(queries, 9));
    // Few, whose rows stay for a while, and then so many that none does.
    let held = all;
    for (const isRemoved of [(i: number) => i % 10 === 5, (i: number) => i >= 20 && i < 250]) {
      await index.remove(held.filter(isRemoved).map((i) => ids[i]!));
      held = held.filter((i) => !isRemoved(i));
      expect(index.size).toBe(held.length);
      const expected = await byDefinition(held, 0.5, 'minmax');
      for (const [query, found] of (await index.search(queries, 9)).entries()) expectBest(found, expected[query]!, 9);
    }
    await index.add(['d5'], [texts[5]!]);
    expect(index.size).toBe(held.length + 1);
    await index.remove([...held.map((i) => ids[i]!), 'd5']);
    expect(await index.search(queries, 3)).toEqual(queries.map(() => []));
  });

  test('calls work one after the other', async () => {
    const index = new HybridIndex({ model });
    const calls = [
      index.add(ids, texts),
      index.search(queries, 4),
      index.remove(ids.slice(10)),
      index.search(['fox'], 300),
    ];
    const [, first, , second] = await Promise.all(calls);
    expect(first).toEqual(await (await indexOf()).search(queries, 4));
    expect((second as RetrievedDocument[][])[0]).toHaveLength(10);
  });

  test('is measured as a retriever, by its own ranking', async () => {
    const index = await indexOf();
    const corpus = Object.fromEntries(ids.map((id, i) => [id, texts[i]!]));
    const found = await index.search(queries, 3);
    const relevantDocs = Object.fromEntries(found.map((hits, i) => [`q${i}`, [hits[1]!.id]]));
    const named = Object.fromEntries(queries.map((query, i) => [`q${i}`, query]));
    const evaluator = new InformationRetrievalEvaluator({ queries: named, corpus, relevantDocs, name: 'tiny' });
    const done: number[] = [];
    const metrics = await evaluator.evaluate(index, {
      onProgress: ({ done: count, total }) => done.push(count / total),
    });
    expect(metrics).toMatchObject({ 'tiny_accuracy@1': 0, 'tiny_accuracy@3': 1, 'tiny_mrr@10': 0.5 });
    expect(evaluator.primaryMetric).toBe('tiny_ndcg@10');
    expect(metrics[evaluator.primaryMetric]).toBeCloseTo(1 / Math.log2(3), 12);
    expect(done).toEqual([1]);
    await evaluator.evaluate(model);
    expect(evaluator.primaryMetric).toBe('tiny_cosine_ndcg@10');
    const fewer = Object.fromEntries(Object.entries(corpus).filter(([id]) => id !== found[0]![0]!.id));
    const narrow = new InformationRetrievalEvaluator({ queries: named, corpus: fewer, relevantDocs });
    await expect(narrow.evaluate(index)).rejects.toThrow(/expected ids of the corpus for search but received "d/);
    const reason = new Error('enough');
    await expect(evaluator.evaluate(index, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('settles when it is aborted', async () => {
    const index = await indexOf();
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(index.search(queries, 3, { signal })).rejects.toBe(reason);
    await expect(index.add(['new'], ['text'], { signal })).rejects.toBe(reason);
    expect([index.size, (await index.search(queries, 3)).length]).toEqual([300, 5]);
  });

  test.each<[string, object, RegExp]>([
    ['no model', { model: undefined }, /a SentenceTransformer for model.*undefined/],
    ['a model that embeds nothing', { model: {} }, /a SentenceTransformer for model/],
    ['an index of something else', { bm25: [] }, /for bm25 but received an array/],
    ['a weight below 0', { weight: -1 }, /at least 0 for weight.*-1/],
    ['a weight that is none', { weight: '0.5' }, /for weight.*"0\.5"/],
    ['an unknown normalization', { normalization: 'max' }, /'minmax', 'zscore', 'rrf' for normalization.*"max"/],
    ['a misspelt option', { weigth: 1 }, /unknown option weigth.*did you mean weight/],
  ])('refuses %s', (_, options, message) => {
    expect(() => new HybridIndex({ model, ...options })).toThrow(
      expect.objectContaining({ message: expect.stringMatching(message) }),
    );
  });

  test('refuses what it cannot add, remove or search, and stays as it is', async () => {
    const index = await indexOf();
    await expect(index.add(['x'], [])).rejects.toThrow(/as many ids as texts but received 1 and 0/);
    await expect(index.add(['x', 5 as never], ['a', 'b'])).rejects.toThrow(/a string for ids\[1\].*5/);
    await expect(index.add(['x'], [null as never])).rejects.toThrow(/a string for texts\[0\]/);
    await expect(index.add(['x', 'd7'], ['a', 'b'])).rejects.toThrow(/ids\[1\].*"d7", which is in the index/);
    await expect(index.add(['x', 'x'], ['a', 'b'])).rejects.toThrow(/ids\[1\].*"x", which is among them twice/);
    await expect(index.remove(['d1', 'x'])).rejects.toThrow(/document in the index for ids\[1\] but received "x"/);
    await expect(index.search('fox' as never, 3)).rejects.toThrow(/strings for queries.*"fox"/);
    await expect(index.search(queries, 0)).rejects.toThrow(/at least 1 for k.*0/);
    await expect(index.search(queries, 1, { topK: 1 } as never)).rejects.toThrow(/unknown option topK/);
    expect(index.size).toBe(300);
    const bm25 = new BM25Index();
    await bm25.add(['before'], ['text']);
    const full = new HybridIndex({ model, bm25 });
    await expect(full.add(ids, texts)).rejects.toThrow(/the 0 documents of the index in bm25 but received 1/);
  });
});

test.each(['lucene', 'robertson', 'atire', 'bm25l', 'bm25+'] as const)(
  'the scores of all documents are those that a search of %s gives',
  async (method) => {
    const index = new BM25Index({ method });
    await index.add(ids, texts);
    await index.remove(ids.slice(0, 30));
    const scores = await index.scores(queries);
    expect(scores.shape).toEqual([queries.length, 270]);
    for (const [query, hits] of (await index.search(queries, 300)).entries()) {
      const row = scores.row(query);
      for (const { id, score } of hits) expect(row[ids.indexOf(id) - 30]).toBe(score);
      const found = new Set(hits.map(({ id }) => ids.indexOf(id) - 30));
      const others = new Set([...row].filter((_, i) => !found.has(i)));
      expect(others.size).toBeLessThanOrEqual(1);
      if (hits.length > 0) for (const other of others) expect(other).toBeLessThan(hits.at(-1)!.score);
    }
    const reason = new Error('enough');
    await expect(index.scores(queries, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(index.scores(queries, { k: 3 } as never)).rejects.toThrow(/unknown option k/);
  },
);

describe('a saved HybridIndex', () => {
  const saved = path.join(folder, 'saved');
  const load = (at: string): Promise<HybridIndex> => HybridIndex.load(at, { model });

  test('gives what it gave, and goes on', async () => {
    const index = await indexOf({ weight: 0.3, normalization: 'zscore' });
    await index.remove(ids.slice(0, 40));
    await index.save(saved);
    const loaded = await load(saved);
    expect([loaded.weight, loaded.normalization, loaded.size]).toEqual([0.3, 'zscore', 260]);
    expect(await loaded.search(queries, 12)).toEqual(await index.search(queries, 12));
    await loaded.add(['d1'], [texts[1]!]);
    await index.add(['d1'], [texts[1]!]);
    expect(await loaded.search(queries, 12)).toEqual(await index.search(queries, 12));
  });

  test('takes the place of another one, and leaves nothing of it', async () => {
    const index = new HybridIndex({ model });
    await index.save(saved);
    expect(await (await load(saved)).search(queries, 2)).toEqual(queries.map(() => []));
    await index.add(ids.slice(0, 9), texts.slice(0, 9));
    await index.save(saved);
    expect((await load(saved)).size).toBe(9);
    expect(readdirSync(saved)).toHaveLength(2);
  });

  describe('that is damaged', () => {
    const version = (at: string): string => readdirSync(at).find((name) => name.startsWith('index-'))!;
    const edit = (at: string, change: (fields: Record<string, unknown>) => void): void => {
      const file = path.join(at, 'hybrid_index.json');
      const fields = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      change(fields);
      writeFileSync(file, JSON.stringify(fields));
    };

    test.each<[string, (at: string) => void, RegExp]>([
      ['no index', (at) => rmSync(path.join(at, 'hybrid_index.json')), /holds no hybrid index/],
      ['text that is no JSON', (at) => writeFileSync(path.join(at, 'hybrid_index.json'), '{'), /hybrid_index\.json/],
      ['another version', (at) => edit(at, (f) => (f['version'] = 9)), /version 1 but received 9: update/],
      ['a path to elsewhere', (at) => edit(at, (f) => (f['path'] = '../x')), /for path but received "\.\.\/x"/],
      ['a path of a number', (at) => edit(at, (f) => (f['path'] = 5)), /a string for path but received 5/],
      ['another size', (at) => edit(at, (f) => (f['size'] = 3)), /3 different strings for ids/],
      ['no size', (at) => edit(at, (f) => delete f['size']), /size but received nothing/],
      ['a weight below 0', (at) => edit(at, (f) => (f['weight'] = -2)), /weight but received -2/],
      [
        'another normalization',
        (at) => edit(at, (f) => (f['normalization'] = 'l2')),
        /normalization but received "l2"/,
      ],
      [
        'a file cut short',
        (at) => truncateSync(path.join(at, version(at), 'embeddings.safetensors'), 700),
        /embeddings/,
      ],
      [
        'a flipped bit',
        (at) => flip(path.join(at, version(at), 'embeddings.safetensors')),
        /embeddings.*checksum|damaged/,
      ],
    ])('is refused for %s', async (_, damage, message) => {
      const at = mkdtempSync(path.join(folder, 'damaged-'));
      cpSync(saved, at, { recursive: true });
      damage(at);
      const error: unknown = await load(at).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ModelFormatError);
      expect((error as Error).message).toMatch(message);
    });

    test('is refused where the halves differ', async () => {
      const at = mkdtempSync(path.join(folder, 'damaged-'));
      cpSync(saved, at, { recursive: true });
      await new BM25Index().save(path.join(at, version(at), 'bm25'));
      await expect(load(at)).rejects.toThrow(/9 documents but received 0/);
    });
  });

  test('wants the model that it was made with, and no other option', async () => {
    const narrow = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 8 });
    await expect(HybridIndex.load(saved, { model: narrow })).rejects.toThrow(/24 dimensions.*received one of 8/);
    await expect(HybridIndex.load(saved, { model, weight: 1 } as never)).rejects.toThrow(/saved with the index/);
    await expect(HybridIndex.load('', { model })).rejects.toThrow(/folder/);
    await expect(HybridIndex.load(path.join(folder, 'none'), { model })).rejects.toMatchObject({
      code: 'ERR_MODEL_NOT_FOUND',
    });
    expect(existsSync(path.join(folder, 'none'))).toBe(false);
  });
});

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length - 5]! ^= 1;
  writeFileSync(file, bytes);
}
