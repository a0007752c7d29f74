import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  InformationRetrievalEvaluator,
  InvalidArgumentError,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type Embeddings,
  type Utf8Column,
} from 'stillvec';

import { writeTinyTokenizer } from './support/tiny-tokenizer';

const folder = mkdtempSync(`${tmpdir()}/stillvec-encode-`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dim = 48;
let model: SentenceTransformer;
beforeAll(async () => {
  model = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim, seed: 7 });
});

/** Long enough to go to the pool in several runs. */
const many = Array.from(
  { length: 10_000 },
  (_, i) => `the red fox number ${i} jumps over${i % 7 === 0 ? '' : ' a dog'}`,
);

/** Bit for bit; `toEqual` takes seconds for a million numbers. */
function expectSameBits(actual: NodeJS.ArrayBufferView, expected: NodeJS.ArrayBufferView): void {
  const bytes = ({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Buffer =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
  expect(bytes(actual).equals(bytes(expected))).toBe(true);
}

function utf8Column(texts: readonly string[], wide = false): Utf8Column {
  const parts = texts.map((text) => Buffer.from(text));
  const ends = [0];
  for (const part of parts) ends.push(ends.at(-1)! + part.length);
  const offsets = wide ? BigInt64Array.from(ends, BigInt) : Int32Array.from(ends);
  return { data: new Uint8Array(Buffer.concat(parts)), offsets };
}

describe('encode', () => {
  test('gives a vector for a text and a row a text for many', async () => {
    expect(await model.encode('the red fox')).toBeInstanceOf(Float32Array);
    expect((await model.encode('the red fox')).length).toBe(dim);
    const embeddings = await model.encode(['the red fox', 'a dog']);
    expect(embeddings.shape).toEqual([2, dim]);
    expect([...embeddings].map((row) => row.length)).toEqual([dim, dim]);
    expect(embeddings.toArray()[1]).toEqual([...embeddings.row(1)]);
    expect(() => embeddings.row(2)).toThrow(RangeError);
  });

  test('is the mean of the rows of the tokens', async () => {
    const { ids } = model.tokenize(['fox', 'dog', 'fox dog']);
    expect([...ids.slice(0, 2)]).toEqual([...ids.slice(2)]);
    const { data } = await model.encode(['fox', 'dog', 'fox dog']);
    for (let c = 0; c < dim; ++c) {
      expect(data[2 * dim + c]).toBeCloseTo((data[c]! + data[dim + c]!) / 2, 6);
    }
  });

  test('gives the same rows through the pool, one by one, and for any number of threads', async () => {
    const embeddings = await model.encode(many);
    for (const i of [0, 1, 4095, 4096, 8191, 9999]) expect(embeddings.row(i)).toEqual(model.encodeSync(many[i]!));
    for (const threads of [1, 2, 64]) {
      expectSameBits((await model.encode(many, { threads })).data, embeddings.data);
    }
    expectSameBits(model.encodeSync(many).data, embeddings.data);
  });

  test('gives zeros for texts without tokens, normalized or not', async () => {
    for (const normalizeEmbeddings of [false, true]) {
      const { data } = await model.encode(['', ' \t\n', '\u0000', '\ud800'], { normalizeEmbeddings });
      expect(new Set(data)).toEqual(new Set([0]));
    }
    expect((await model.encode([])).shape).toEqual([0, dim]);
  });

  test('takes NUL and lone surrogates inside texts', () => {
    const texts = ['red\u0000fox', 'fox', 'red \ud83d fox', '\u0000', 'dog\u0000'];
    const { ids, offsets } = model.tokenize(texts);
    for (const [i, text] of texts.entries()) {
      expect([...ids.subarray(offsets[i], offsets[i + 1])]).toEqual([...model.tokenize([text]).ids]);
    }
    // Both are dropped by clean_text: NUL joins the words on its sides, as U+FFFD does.
    expect([...model.tokenize(['red\u0000fox']).ids]).toEqual([...model.tokenize(['redfox']).ids]);
    expect([...model.tokenize(['red \ud83d fox']).ids]).toEqual([...model.tokenize(['red fox']).ids]);
  });

  test('truncates, then normalizes', async () => {
    const full = await model.encode('the red fox');
    const cut = await model.encode('the red fox', { truncateDim: 5 });
    expect(cut).toEqual(full.slice(0, 5));
    const unit = await model.encode('the red fox', { truncateDim: 5, normalizeEmbeddings: true });
    expect(Math.hypot(...unit)).toBeCloseTo(1, 6);
    expect(unit[0]! / unit[1]!).toBeCloseTo(full[0]! / full[1]!, 4);
  });

  test('packs signs, most significant bit first', async () => {
    const full = await model.encode('the red fox');
    const packed = await model.encode('the red fox', { precision: 'ubinary' });
    const signed = await model.encode('the red fox', { precision: 'binary' });
    expect(packed.length).toBe(dim / 8);
    for (const [byte, value] of packed.entries()) {
      const bits = [...full.slice(8 * byte, 8 * byte + 8)].map((x) => (x > 0 ? '1' : '0')).join('');
      expect(value.toString(2).padStart(8, '0')).toBe(bits);
      expect(signed[byte]).toBe(value - 128);
    }
  });
});

describe('prompts', () => {
  test('stand before the text: the given one, the named one, the default one', async () => {
    const prompted = await SentenceTransformer.create({
      tokenizer: writeTinyTokenizer(folder),
      dim,
      seed: 7,
      prompts: { query: 'red ', passage: 'blue ' },
      defaultPromptName: 'passage',
    });
    const plain = (text: string): Float32Array => model.encodeSync(text);
    expect(await prompted.encode('fox')).toEqual(plain('blue fox'));
    expect(await prompted.encode('fox', { promptName: 'query' })).toEqual(plain('red fox'));
    expect(await prompted.encode('fox', { promptName: 'query', prompt: 'green ' })).toEqual(plain('green fox'));
    expect(await prompted.encodeQuery('fox')).toEqual(plain('red fox'));
    expect(await prompted.encodeDocument('fox')).toEqual(plain('fox'));
    expect((await prompted.encodeQuery(many)).row(5000)).toEqual(plain(`red ${many[5000]!}`));
    for (const inherited of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      await expect(prompted.encode('fox', { promptName: inherited })).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining(`for promptName but received "${inherited}"`),
      });
    }
    await expect(prompted.encode('fox', { promptName: 'nobody' })).rejects.toThrow(/promptName.*'nobody'|'query'/);
  });

  test('may have any name, such as those that every object inherits', async () => {
    const prompts = JSON.parse('{"__proto__": "red ", "constructor": "blue "}') as Record<string, string>;
    const prompted = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim, seed: 7, prompts });
    expect(await prompted.encode('fox', { promptName: '__proto__' })).toEqual(model.encodeSync('red fox'));
    expect(await prompted.encode('fox', { promptName: 'constructor' })).toEqual(model.encodeSync('blue fox'));
    await prompted.save(`${folder}/odd-prompts`);
    const again = await SentenceTransformer.load(`${folder}/odd-prompts`);
    expect(await again.encode('fox', { promptName: '__proto__' })).toEqual(model.encodeSync('red fox'));
    expect(Object.keys(again.prompts)).toEqual(['query', 'document', '__proto__', 'constructor']);
  });
});

describe('a UTF-8 column', () => {
  test.each([false, true])('gives what strings give (64-bit offsets: %s)', async (wide) => {
    const texts = ['the red fox', '', 'número', 'fox 狐 dog', ...many.slice(0, 6000)];
    const column = utf8Column(texts, wide);
    expectSameBits((await model.encode(column)).data, (await model.encode(texts)).data);
    expectSameBits(model.tokenize(column).ids, model.tokenize(texts).ids);
    expectSameBits(model.tokenize(column).offsets, model.tokenize(texts).offsets);
  });

  test('may begin in the middle of its bytes', () => {
    const { data, offsets } = utf8Column(['unused', 'the red fox', 'a dog']);
    const rest = { data, offsets: (offsets as Int32Array).subarray(1) };
    expect(model.encodeSync(rest).data).toEqual(model.encodeSync(['the red fox', 'a dog']).data);
  });

  test.each([
    ['no offsets', { data: new Uint8Array(3), offsets: new Int32Array(0) }],
    ['falling offsets', { data: new Uint8Array(3), offsets: Int32Array.of(0, 2, 1) }],
    ['offsets beyond the bytes', { data: new Uint8Array(3), offsets: Int32Array.of(0, 4) }],
    ['negative offsets', { data: new Uint8Array(3), offsets: Int32Array.of(-1, 2) }],
    ['bytes of another type', { data: 'abc' as never, offsets: Int32Array.of(0, 2) }],
  ])('is refused with %s', (_, column) => {
    expect(() => model.encodeSync(column)).toThrow(InvalidArgumentError);
  });
});

describe('out', () => {
  test('receives the rows', async () => {
    const out = new Float32Array(3 * dim).fill(9);
    const texts = ['the red fox', 'a dog'];
    const embeddings = await model.encode(texts, { out });
    expect(embeddings.data.buffer).toBe(out.buffer);
    expect(out.subarray(0, 2 * dim)).toEqual(model.encodeSync(texts).data);
    expect(new Set(out.subarray(2 * dim))).toEqual(new Set([9]));
  });

  test('must have the type and the room', async () => {
    await expect(model.encode(['a', 'b'], { out: new Float32Array(dim) })).rejects.toThrow(/out/);
    await expect(model.encode(['a'], { out: new Uint8Array(dim) as never })).rejects.toThrow(/out/);
  });
});

describe('encodeStream', () => {
  test.each([1, 7, 10_000, 20_000])('gives the same rows in batches of %i', async (batchSize) => {
    const texts = batchSize === 1 ? many.slice(0, 50) : many;
    const streamed = new Float32Array(texts.length * dim);
    let rows = 0;
    const done: number[] = [];
    const stream = model.encodeStream(texts, { batchSize, onProgress: (progress) => done.push(progress.done) });
    for await (const embeddings of stream) {
      expect(embeddings.length).toBeLessThanOrEqual(batchSize);
      streamed.set(embeddings.data, rows * dim);
      rows += embeddings.length;
    }
    expectSameBits(streamed, (await model.encode(texts)).data);
    expect(done.at(-1)).toBe(texts.length);
  });

  test('reads the source at most two batches ahead of its consumer, and closes it', async () => {
    let read = 0;
    let closed = false;
    function* source(): Generator<string> {
      try {
        for (;;) yield `fox ${read++}`;
      } finally {
        closed = true;
      }
    }
    let taken = 0;
    for await (const embeddings of model.encodeStream(source(), { batchSize: 10 })) {
      taken += embeddings.length;
      expect(read).toBeLessThanOrEqual(taken + 20);
      if (taken === 100) break;
    }
    expect(closed).toBe(true);
  });

  test('leaves a source that keeps it waiting when the signal is aborted', async () => {
    async function* stalled(): AsyncGenerator<string> {
      yield* many.slice(0, 25);
      await new Promise(() => undefined);
    }
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    let rows = 0;
    const drain = async (): Promise<void> => {
      for await (const { length } of model.encodeStream(stalled(), { batchSize: 10, signal: controller.signal })) {
        rows += length;
        if (rows === 10) setTimeout(() => controller.abort(reason), 10);
      }
    };
    await expect(drain()).rejects.toBe(reason);
    expect(rows).toBe(10);
  });

  test('passes on the errors of its source, and names a text that is none', async () => {
    async function* failing(): AsyncGenerator<string> {
      yield 'fox';
      throw new Error('the database is gone');
    }
    const drain = async (stream: AsyncIterable<Embeddings>): Promise<void> => {
      for await (const _ of stream);
    };
    await expect(drain(model.encodeStream(failing()))).rejects.toThrow('the database is gone');
    await expect(drain(model.encodeStream(['fox', 3 as never]))).rejects.toThrow(/source\[1\]/);
    expect(() => model.encodeStream(['fox'], { precision: 'int8' as never })).toThrow(/precision/);
  });
});

describe('abort and progress', () => {
  test('a signal that is aborted already', async () => {
    const reason = new Error('changed my mind');
    await expect(model.encode('fox', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(model.encode(many, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('a signal that is aborted on the way', async () => {
    const controller = new AbortController();
    const encoding = model.encode([...many, ...many, ...many, ...many], {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(encoding).rejects.toMatchObject({ name: 'AbortError' });
    expect((await model.encode(many)).row(3)).toEqual(model.encodeSync(many[3]!));
  });

  test('progress rises to the total', async () => {
    const seen: number[] = [];
    await model.encode(many, {
      onProgress: ({ done, total }) => {
        expect(total).toBe(many.length);
        seen.push(done);
      },
    });
    expect(seen.at(-1)).toBe(many.length);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  test('settles at once when it is aborted, whatever is still under way', async () => {
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const long = 'the red fox '.repeat(100_000);
    const encoding = model.encode(new Array(40).fill(long), { signal: controller.signal });
    const order: string[] = [];
    const settled = encoding.catch((error: unknown) => {
      order.push('settled');
      expect(error).toBe(reason);
    });
    await new Promise(setImmediate);
    controller.abort(reason);
    await new Promise(setImmediate);
    order.push('turn');
    await settled;
    expect(order).toEqual(['settled', 'turn']);
  });

  test('a result stays whole when another is transferred away in mid-work', async () => {
    const first = await model.encode(many);
    const running = model.encode(many);
    try {
      structuredClone(first.data.buffer, { transfer: [first.data.buffer as ArrayBuffer] });
    } catch (error) {
      // From Node 21 on, memory of an addon cannot be transferred.
      expect(error).toMatchObject({ name: 'DataCloneError' });
    }
    expect((await running).row(77)).toEqual(model.encodeSync(many[77]!));
  });

  test('toTransferable gives a copy that can be transferred', async () => {
    const embeddings = await model.encode(many);
    const data = embeddings.toTransferable();
    const there = structuredClone(data, { transfer: [data.buffer] });
    expect(data.length).toBe(0);
    expectSameBits(there, embeddings.data);
  });
});

describe('texts that change during the call', () => {
  test('are refused where they are no strings any more, and the process goes on', async () => {
    const texts: unknown[] = [...many, ...many, ...many];
    const encoding = model.encode(texts as string[]);
    texts.fill(7, 12_000);
    await expect(encoding).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: /texts\[\d+\]/ });
  });

  test('or are fewer than they were', async () => {
    const texts = [...many, ...many, ...many];
    const encoding = model.encode(texts);
    texts.length = 12_000;
    await expect(encoding).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: /texts\[\d+\]/ });
  });
});

describe('int8 and uint8', () => {
  test.each(['int8', 'uint8'] as const)(
    '%s are the same through the pool, at once, and into out',
    async (precision) => {
      const type = precision === 'int8' ? Int8Array : Uint8Array;
      const pooled = await model.encode(many, { precision });
      expect(pooled.data).toBeInstanceOf(type);
      expectSameBits(pooled.data, model.encodeSync(many, { precision }).data);
      const out = new type(many.length * dim + 3);
      const into = await model.encode(many, { precision, out: out as never });
      expect(into.data.buffer).toBe(out.buffer);
      expectSameBits(into.data, pooled.data);
    },
  );
});

describe('table dtypes', () => {
  test.each([
    ['float16', 2, 2e-3],
    ['bfloat16', 2, 1e-2],
    ['int8', 1, 2e-2],
  ] as const)(
    '%s tables are smaller, near, and stay what they are when saved',
    async (tableDtype, bytes, tolerance) => {
      const saved = `${folder}/${tableDtype}`;
      await model.save(`${folder}/full`);
      const small = await SentenceTransformer.load(`${folder}/full`, { tableDtype });
      await small.save(saved);
      const again = await SentenceTransformer.load(saved);
      const exact = model.encodeSync(many.slice(0, 100)).data;
      const near = small.encodeSync(many.slice(0, 100)).data;
      expect(small.info()).toMatchObject({ dtype: tableDtype, bytes: bytes * dim * model.vocabSize });
      expect(Math.max(...near.map((value, i) => Math.abs(value - exact[i]!)))).toBeLessThan(tolerance);
      expect(again.info().dtype).toBe(tableDtype);
      expect(again.encodeSync(many.slice(0, 100)).data).toEqual(near);
    },
  );
});

describe('wrong arguments', () => {
  test.each<[string, () => unknown]>([
    ['a text that is no string', () => model.encode([3 as never])],
    ['a hole in the texts', () => model.encode(new Array<string>(2))],
    ['no texts', () => model.encode(undefined as never)],
    ['an unknown option', () => model.encode('a', { normalise: true } as never)],
    ['truncateDim 0', () => model.encode('a', { truncateDim: 0 })],
    ['truncateDim beyond the width', () => model.encode('a', { truncateDim: dim + 1 })],
    ['truncateDim NaN', () => model.encode('a', { truncateDim: NaN })],
    ['an unknown precision', () => model.encode('a', { precision: 'int4' as never })],
    ['a prompt that is no string', () => model.encode('a', { prompt: 1 as never })],
    ['threads 0', () => model.encode('a', { threads: 0 })],
    ['a signal that is none', () => model.encode('a', { signal: {} as never })],
    ['vectors of two lengths', async () => model.similarity([[1, 2], [1]], [[1, 2]])],
    [
      'quantized embeddings',
      async () => model.similarity(await model.encode(['a', 'b'], { precision: 'int8' }), [[1]]),
    ],
    ['a missing folder', () => SentenceTransformer.load(`${folder}/nowhere`)],
    ['dim 0', () => SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 0 })],
    ['a tokenizer that is not there', () => SentenceTransformer.create({ tokenizer: `${folder}/none.json` })],
  ])('%s', async (_, call) => {
    await expect((async () => call())()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    expect((await model.encode('alive')).length).toBe(dim);
  });
});

describe('wrong arguments are told what to do instead', () => {
  function* generator() {
    yield 'a text';
  }
  const evaluator = new InformationRetrievalEvaluator({
    queries: { q: 'fox' },
    corpus: { d: 'the fox' },
    relevantDocs: { q: ['d'] },
  });
  const Constructor = SentenceTransformer as unknown as new (...args: unknown[]) => unknown;
  const encode = (options: object) => () => model.encode('fox', options);

  test.each<[string, () => unknown, RegExp]>([
    ['new', () => new Constructor('x'), /await SentenceTransformer\.load\("x"\).*await SentenceTransformer\.create/],
    ['new without a folder', () => new Constructor(), /await SentenceTransformer\.load\(a folder or an id\)/],
    ['create without options', () => SentenceTransformer.create(undefined as never), /such as \{ tokenizer: /],
    ['a promise to load', () => SentenceTransformer.load(Promise.resolve('x') as never), /folderOrId.*awaited first/],
    ['a generator', () => model.encode(generator() as never), /encodeStream.*texts.*Generator/],
    ['a set', () => model.encodeSync(new Set(['a']) as never), /encodeStream.*texts.*Set/],
    ['a promise', () => model.encode(Promise.resolve(['a']) as never), /texts.*awaited first/],
    ['a promise among the texts', () => model.encode([Promise.resolve('a') as never]), /texts\[0\].*awaited first/],
    [
      'a promise to similarity',
      () => model.similarity(model.encode('a') as never, [[1]]),
      /embeddings1.*awaited first/,
    ],
    ['too short an out', encode({ out: new Float32Array(3) }), /at least 48.*out.*a Float32Array of length 3/],
    ['batchSize', encode({ batchSize: 32 }), /batchSize.*without batches.*encodeStream/],
    ['batch_size', encode({ batch_size: 32 }), /batch_size.*without batches/],
    ['show_progress_bar', encode({ show_progress_bar: true }), /onProgress/],
    ['device', encode({ device: 'cuda' }), /CPU.*leave it out/],
    ['device of a model', () => SentenceTransformer.load('x', { device: 'cuda' } as never), /CPU.*leave it out/],
    ['convert_to_tensor', encode({ convert_to_tensor: true }), /typed arrays/],
    ['outputValue', encode({ outputValue: 'token_embeddings' }), /tokenize/],
    ['normalize', encode({ normalize: true }), /its name is normalizeEmbeddings/],
    ['prompt_name', encode({ prompt_name: 'query' }), /did you mean promptName/],
    ['a signal where nothing can be aborted', () => model.encodeSync('a', { signal: 1 } as never), /encode has it/],
    ['out of a stream', () => model.encodeStream(['a'], { out: 1 } as never), /memory of its own/],
    ['an evaluator without options', () => new InformationRetrievalEvaluator(undefined as never), /such as \{ queries/],
    ['an evaluation without a model', () => evaluator.evaluate(undefined as never), /a SentenceTransformer for model/],
    ['an evaluation of a folder', () => evaluator.evaluate('models/x' as never), /a SentenceTransformer for model/],
    ['an option of evaluate', () => evaluator.evaluate(model, { sginal: 1 } as never), /did you mean signal/],
  ])('%s', async (_, call, message) => {
    await expect((async () => call())()).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  test.each(['int8', 'uint8'] as const)('one text for %s, which has no ranges', async (precision) => {
    const refused = { code: 'ERR_INVALID_ARGUMENT', message: expect.stringMatching(`precision ${precision}.*ranges?`) };
    await expect(model.encode('fox', { precision })).rejects.toMatchObject(refused);
    await expect(model.encode(['fox'], { precision })).rejects.toMatchObject(refused);
    expect(() => model.encodeSync('fox', { precision })).toThrow(expect.objectContaining(refused));
    expect((await model.encode([], { precision })).shape).toEqual([0, dim]);
    expect(new Set((await model.encode(['fox', 'dog'], { precision })).data).size).toBeGreaterThan(1);
  });
});

test('arrays of reactive frameworks, which are proxies, are what they stand for', async () => {
  const reactive = new Proxy(many, {});
  const expected = model.encodeSync(many).data;
  expectSameBits((await model.encode(reactive)).data, expected);
  expectSameBits(model.encodeSync(reactive).data, expected);
  expectSameBits(model.tokenize(reactive).ids, model.tokenize(many).ids);
  const trained = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim });
  const rows = many.slice(0, 20).map((text, i) => new Proxy({ anchor: text, positive: `number ${i}` }, {}));
  const loss = new MultipleNegativesRankingLoss();
  expect((await trained.fit({ trainDataset: new Proxy(rows, {}), loss })).rows).toBe(20);
  expect((await trained.fit({ trainDataset: { a: reactive, b: reactive }, loss })).rows).toBe(many.length);
  expect(model.similarity(new Proxy([[1, 0]], {}), [new Proxy([1, 0], {})]).data).toEqual(Float32Array.of(1));
});
