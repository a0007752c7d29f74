import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BM25Index, type Bm25Hit, type Bm25Method, type Bm25Options } from 'stillvec';

const methods: readonly Bm25Method[] = ['robertson', 'lucene', 'atire', 'bm25l', 'bm25+'];

/** Text of a small vocabulary, so that words repeat, in and across documents; the first has none. */
function documentsOf(count: number): string[] {
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const document = (): string =>
    Array.from({ length: 1 + random(30) }, () => `word${Math.min(random(60), random(60))}`).join(' ');
  return ['', ...Array.from({ length: count - 1 }, document)];
}

/** Too simple to be of use, and enough to tell stems from words. */
const stemmer = (word: string): string => word.replace(/(ning|s)$/, '');
const stopWords = ['the', 'a', 'were', 'one'];

const names = (texts: readonly string[]): string[] => texts.map((_, i) => `d${i}`);
const wordsOf = (text: string): string[] => text.toLowerCase().match(/\w\w+/g) ?? [];

/** The formulas of Kamphuis et al., "Which BM25 do you mean?" (ECIR 2020), table 1, in double precision. */
function expectedScores(
  texts: readonly string[],
  query: string,
  { method = 'lucene', k1 = 1.5, b = 0.75, delta = 0.5 }: Bm25Options,
): number[] {
  const documents = texts.map(wordsOf);
  const n = documents.length;
  const mean = documents.reduce((sum, words) => sum + words.length, 0) / n;
  const idfs: Record<Bm25Method, (df: number) => number> = {
    robertson: (df) => Math.log(Math.max(1, (n - df + 0.5) / (df + 0.5))),
    lucene: (df) => Math.log(1 + (n - df + 0.5) / (df + 0.5)),
    atire: (df) => Math.log(n / df),
    bm25l: (df) => Math.log((n + 1) / (df + 0.5)),
    'bm25+': (df) => Math.log((n + 1) / df),
  };
  const shares: Record<Bm25Method, (tf: number, norm: number) => number> = {
    robertson: (tf, norm) => tf / (k1 * norm + tf),
    lucene: (tf, norm) => tf / (k1 * norm + tf),
    atire: (tf, norm) => (tf * (k1 + 1)) / (tf + k1 * norm),
    bm25l: (tf, norm) => ((k1 + 1) * (tf / norm + delta)) / (k1 + tf / norm + delta),
    'bm25+': (tf, norm) => ((k1 + 1) * tf) / (k1 * norm + tf) + delta,
  };
  return documents.map((words) =>
    wordsOf(query).reduce((sum, word) => {
      const df = documents.filter((other) => other.includes(word)).length;
      const tf = words.filter((other) => other === word).length;
      return df === 0 ? sum : sum + idfs[method](df) * shares[method](tf, 1 - b + (b * words.length) / mean);
    }, 0),
  );
}

async function indexOf(texts: readonly string[], options: Bm25Options = {}): Promise<BM25Index> {
  const index = new BM25Index(options);
  await index.add(names(texts), texts);
  return index;
}

function expectScores(hits: readonly Bm25Hit[] | undefined, scores: readonly number[]): void {
  expect(hits).toBeDefined();
  for (const { id, score } of hits ?? []) expect(score).toBeCloseTo(scores[Number(id.slice(1))] ?? NaN, 4.7);
  const sorted = [...(hits ?? [])].sort((a, b) => b.score - a.score || Number(a.id.slice(1)) - Number(b.id.slice(1)));
  expect(hits).toEqual(sorted);
}

const texts = documentsOf(300);
const query = 'word3 word3 word17 nowhere word1';

describe('scores', () => {
  it.each(methods)('are those of the definition of %s', async (method) => {
    for (const options of [{ method }, { method, k1: 0.9, b: 0.4, delta: 1 }, { method, k1: 0.1, b: 0.95, delta: 0 }]) {
      const index = await indexOf(texts, options);
      const scores = expectedScores(texts, query, options);
      const [hits] = await index.search([query], texts.length);
      expectScores(hits, scores);
      const least = Math.min(...scores); // of a document without the words
      expect(hits).toHaveLength(scores.filter((score) => score > least + 1e-9).length);
      const [best] = await index.search([query], 5);
      expect(best).toEqual(hits?.slice(0, 5));
    }
  });

  it('do not depend on how documents were added', async () => {
    const parts = new BM25Index();
    await parts.add(names(texts).slice(0, 100), texts.slice(0, 100));
    await parts.search(['word1'], 1);
    await parts.add(names(texts).slice(100, 150), texts.slice(100, 150));
    await parts.addFrom(texts.slice(150).map((text, i) => [`d${150 + i}`, text] as const));
    expect(parts.size).toBe(texts.length);
    expect(await parts.search(texts.slice(0, 20), 10)).toEqual(
      await (await indexOf(texts)).search(texts.slice(0, 20), 10),
    );
  });

  it('are those of an index that never had what was removed', async () => {
    const index = await indexOf(texts);
    await index.remove(names(texts).filter((_, i) => i % 3 === 0));
    const kept = texts.flatMap((text, i) => (i % 3 === 0 ? [] : [{ id: `d${i}`, text }]));
    const fresh = new BM25Index();
    await fresh.add(
      kept.map(({ id }) => id),
      kept.map(({ text }) => text),
    );
    expect(index.size).toBe(kept.length);
    expect(await index.search(texts, 10)).toEqual(await fresh.search(texts, 10));
    await index.add(['d0'], ['word1']);
    await expect(index.remove(['d0', 'd3'])).rejects.toThrow(/ids\[1\]/);
  });
});

describe('words', () => {
  it('are runs of two word characters or more in lower case', async () => {
    const index = await indexOf(['A Cat, x_1 ÜBER naïve 東京', 'dog']);
    for (const word of ['cat', 'X_1', 'über', 'NAÏVE', '東京']) {
      expect((await index.search([word], 5))[0]).toHaveLength(1);
    }
    expect(await index.search(['a', 'ca', ''], 5)).toEqual([[], [], []]);
  });

  it('are found by their stems, each of which is asked for once', async () => {
    const texts = ['The CATS were running, naïvely', 'one cat; x_1 runs', 'über die Katzen', ''];
    const asked: string[] = [];
    const stem = (word: string): string => {
      asked.push(word);
      return stemmer(word);
    };
    const index = await indexOf(texts, { stemmer: stem, stopWords });
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).not.toContain('the');
    const analyzer = (text: string): string[] =>
      (text.toLowerCase().match(/[\p{L}\p{M}\p{N}_]{2,}/gu) ?? []).filter((w) => !stopWords.includes(w)).map(stemmer);
    const queries = ['run cat', 'the', 'ÜBER X_1', 'naïve'];
    expect(await index.search(queries, 4)).toEqual(await (await indexOf(texts, { analyzer })).search(queries, 4));
    expect((await index.search(['a running cat'], 4))[0]).toHaveLength(2);
    await expect(indexOf(texts, { stemmer: () => 7 as never })).rejects.toThrow(
      /strings as words of .* for stemmer but received 7/,
    );
  });

  it('can be left out, or come from a function or a tokenizer', async () => {
    const stopped = await indexOf(['the cat', 'the dog'], { stopWords: ['the'] });
    expect(await stopped.search(['the'], 5)).toEqual([[]]);
    const stemmed = await indexOf(['cats run', 'a dog runs'], {
      analyzer: (text) => text.split(' ').map((word) => word.replace(/s$/, '')),
    });
    expect((await stemmed.search(['cat', 'run'], 5)).map((hits) => hits.length)).toEqual([1, 2]);
    const tokenizer = {
      tokenize: (all: readonly string[]) => ({
        ids: Uint32Array.from(all, (text) => text.length),
        offsets: Uint32Array.from({ length: all.length + 1 }, (_, i) => i),
      }),
    };
    const byLength = await indexOf(['abc', 'de', 'fgh'], { tokenizer });
    expect((await byLength.search(['xyz'], 5))[0]?.map(({ id }) => id)).toEqual(['d0', 'd2']);
  });
});

describe('files', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'stillvec-bm25-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('give the index that was saved, to which more can be added', async () => {
    const index = await indexOf(texts, { method: 'bm25+', k1: 1.2, stopWords: ['word2'] });
    await index.save(folder);
    const loaded = await BM25Index.load(folder);
    expect(await loaded.search(texts, 10)).toEqual(await index.search(texts, 10));
    for (const each of [index, loaded]) await each.add(['more'], ['word3 word3']);
    expect(await loaded.search([query], 10)).toEqual(await index.search([query], 10));
    await loaded.save(folder);
    expect((await BM25Index.load(folder)).size).toBe(texts.length + 1);
  });

  it('are refused where they are damaged, or give the same', async () => {
    const index = await indexOf(texts.slice(0, 20));
    await index.save(folder);
    const expected = await index.search([query], 10);
    const file = path.join(folder, 'bm25.safetensors');
    const bytes = await readFile(file);
    for (let at = 0; at < bytes.length; at += 97) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      await writeFile(file, damaged);
      // A flip may hit the name of a checksum: then there is none to compare, and the rest is as it was.
      const outcome = await BM25Index.load(folder).then(
        (loaded) => loaded.search([query], 10),
        (error: unknown) => String(error),
      );
      if (typeof outcome === 'string') expect(outcome).toMatch(/bm25\.safetensors/);
      else expect(outcome).toEqual(expected);
      await writeFile(file, bytes.subarray(0, at));
      await expect(BM25Index.load(folder)).rejects.toThrow(/bm25\.safetensors/);
    }
    await rm(file);
    await expect(BM25Index.load(folder)).rejects.toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
  });

  it('ask for the stemmer that they cannot hold, and keep the stop words that go with it', async () => {
    await (await indexOf(['The cats run', 'a dog runs'], { stemmer, stopWords })).save(folder);
    await expect(BM25Index.load(folder)).rejects.toThrow(/for stemmer/);
    const index = await BM25Index.load(folder, { stemmer, signal: new AbortController().signal });
    expect((await index.search(['running the cat', 'the'], 2)).map((hits) => hits.map(({ id }) => id))).toEqual([
      ['d0', 'd1'],
      [],
    ]);
  });

  it('ask for the analyzer that they cannot hold', async () => {
    const analyzer = (text: string): string[] => text.split(' ');
    await (await indexOf(['a b'], { analyzer })).save(folder);
    await expect(BM25Index.load(folder)).rejects.toThrow(/for analyzer/);
    expect(await (await BM25Index.load(folder, { analyzer })).search(['b'], 1)).toHaveLength(1);
  });
});

describe('errors', () => {
  it.each<[Record<string, unknown>, RegExp]>([
    [{ method: 'okapi' }, /for method/],
    [{ k1: -1 }, /for k1/],
    [{ b: 1.5 }, /for b /],
    [{ delta: NaN }, /for delta/],
    [{ stopWords: 'the' }, /for stopWords/],
    [{ analyzer: 1 }, /for analyzer/],
    [{ stemmer: 'english' }, /a function from a word to its stem for stemmer.*"english"/],
    [{ stemmer: () => 'x', analyzer: () => [] }, /nothing beside stemmer for analyzer/],
    [{ tokenizer: {} }, /for tokenizer/],
  ])('name the option of %j', (options, message) => {
    expect(() => new BM25Index(options)).toThrow(message);
  });

  it('leave the index as it was', async () => {
    const index = await indexOf(['one', 'two']);
    await expect(index.add(['d5', 'd0'], ['a', 'b'])).rejects.toThrow(/ids\[1\]/);
    await expect(index.add(['x', 'x'], ['a', 'b'])).rejects.toThrow(/ids\[1\]/);
    await expect(index.add(['x'], [])).rejects.toThrow(/for texts/);
    await expect(index.add(['x'], [1 as never])).rejects.toThrow(/texts\[0\]/);
    await expect(index.remove(['d0', 'none'])).rejects.toThrow(/ids\[1\]/);
    await expect(index.add(['x'], ['three'], { signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop');
    await expect(index.search(['one'], 0)).rejects.toThrow(/for k /);
    expect(index.size).toBe(2);
    expect((await index.search(['one two'], 9))[0]).toHaveLength(2);
    index.release();
    await expect(index.search(['one'], 1)).rejects.toThrow(/released/);
  });
});
