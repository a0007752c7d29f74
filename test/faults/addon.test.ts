import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';
import { attempts, isLong, packageRoot } from './support';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-addon-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a program finds in scope: the raw addon and one object of each of its classes. */
const objects = `
  const { native } = require(${JSON.stringify(path.join(packageRoot, 'dist/native/index.js'))});
  const words = ['[UNK]', 'red', 'fox', '##s'];
  const joined = (texts) => [[texts.join('\\0')], texts.length, texts];
  const tokenizerConfig = {
    normalizers: [], preTokenizers: [{ type: 'BertPreTokenizer' }],
    model: { type: 'WordPiece', unkToken: '[UNK]', continuingSubwordPrefix: '##', maxInputCharsPerWord: 100 },
    addedTokens: [], truncation: null, selection: null,
  };
  const objective = {
    kind: 'multiple_negatives_ranking', scale: 20, similarity: 'cosine', directions: ['query_to_doc'],
    perDirection: false, hardnessMode: 'none', hardnessStrength: 0, maskDuplicates: false,
  };
  const pooling = { weighting: 'mean', excludedIds: new Uint32Array() };
  const runConfig = {
    seed: 1, batchSize: 2, batchSampler: 'random', multiDatasetBatchSampler: 'proportional', dropLast: false,
    precision: 'float32', optimizer: 'adamw', beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, maxGradNorm: null,
    pooling,
  };
  const column = () => {
    const made = new native.TokenColumn();
    made.appendIds(new Uint32Array([1, 2, 3, 1]), new Uint32Array([0, 1, 2, 4]));
    return made;
  };
  const loss = [{ objective, weight: 1, matryoshkaDims: [], matryoshkaWeights: [], dimsPerStep: 0 }];
  const sources = (...columns) => [{ name: 'data', columns, labels: null, guides: [], loss: 0 }];
  const finish = [0, false, false, 'float32'];`;

function run(source: string, timeout = 60_000): ReturnType<typeof spawnSync> {
  const file = path.join(folder, 'program.cjs');
  writeFileSync(
    file,
    `${objects}\n(async () => {\n const table = await native.Table.random(4, 8, 1);\n${source}\n})()` +
      `.then(() => console.log('alive'), (error) => { console.error(error); process.exitCode = 1; });`,
  );
  return spawnSync(process.execPath, [file], { encoding: 'utf8', timeout, cwd: folder });
}

describe('the raw addon', () => {
  test.each([
    [
      'an accessor on a foreign object',
      `const get = (of, name) => Object.getOwnPropertyDescriptor(of.prototype, name).get;
       for (const that of [{}, new native.TokenColumn(), Object.create(table), new Proxy(table, {}), null, 1]) {
         for (const name of ['rows', 'dtype']) refused(() => get(native.Table, name).call(that));
       }`,
    ],
    [
      'a table from outside',
      `refused(() => new native.Table({})); refused(() => native.Table()); refused(() => Reflect.construct(native.Table, []));`,
    ],
    ['a table without columns', `await refusedLater(() => native.Table.random(4, 0, 1));`],
    [
      'ids that are the rows',
      `const encoder = new native.Encoder(null, table, pooling);
       const memory = new ArrayBuffer(32);
       new Uint32Array(memory).fill(1);
       encoder.poolIds(new Uint32Array(memory), new Uint32Array([0, 8]), new Float32Array(memory), 0, ...finish);`,
    ],
    [
      'a row of one text that is none, or of an encoder that was released',
      `const tokenizer = new native.Tokenizer(...joined(words), tokenizerConfig);
       await tokenizer.build();
       const encoder = new native.Encoder(tokenizer, table, pooling);
       const call = (row, columns = 8, text = 'red fox') => encoder.encodeText(text, row, '', columns, false, false);
       call(new Float32Array(8)); call(new Int8Array(1)); call(new Uint8Array(1));
       for (const row of [new Float32Array(7), new Uint8Array(0), new Float64Array(8), new DataView(new ArrayBuffer(32)), [], null]) refused(() => call(row));
       refused(() => call(new Float32Array(64), 9)); refused(() => call(new Float32Array(8), -1)); refused(() => call(new Float32Array(8), 8, 1));
       refused(() => new native.Encoder(null, table, pooling).encodeText('red', new Float32Array(8), '', 8, false, false));
       encoder.release();
       refused(() => call(new Float32Array(8)));`,
    ],
    [
      'steps and models of a tokenizer that are none',
      `const make = (config) => new native.Tokenizer(...joined(words), { ...tokenizerConfig, ...config });
       const word = { type: 'WordLevel', unkToken: '[UNK]' };
       const split = { type: 'Split', pattern: { regex: 'a' }, behavior: 'Removed', invert: false };
       for (const steps of [null, {}, [null], [{}], [{ type: 'None' }], [{ type: 'Split' }], [{ ...split, behavior: 'None' }],
         [{ ...split, pattern: { regex: '(a' } }], [{ ...split, pattern: {} }], [{ type: 'CharDelimiterSplit', delimiter: 1 }],
         [{ type: 'FixedLength', length: -1 }], [{ type: 'Metaspace', replacement: 'x', prependScheme: 'x', split: true }]]) {
         refused(() => make({ preTokenizers: steps, model: word }));
       }
       for (const step of [{ type: 'Replace' }, { type: 'Prepend', prepend: 1 }, { type: 'Precompiled', charsmap: new Uint8Array(3) },
         { type: 'Precompiled', charsmap: 'x' }, { type: 'Strip', left: 1, right: 2 }, { type: 'BertNormalizer' }]) {
         refused(() => make({ normalizers: [step], model: word }));
       }
       const bpe = { type: 'BPE', unkToken: null, continuingSubwordPrefix: '', endOfWordSuffix: '', byteFallback: false, fuseUnk: false, ignoreMerges: false };
       for (const model of [null, {}, { type: 'None' }, { ...word, unkToken: 1 }, { ...bpe, merges: [1] }, { type: 'Unigram', scores: [1], unkId: 0, byteFallback: false }]) {
         refused(() => make({ model }));
       }
       for (const model of [{ ...word, unkToken: 'x' }, { ...bpe, merges: new Uint32Array([0, 1, 9]) }, { ...bpe, merges: new Uint32Array(), unkToken: 'x' },
         { type: 'Unigram', scores: new Float64Array(1), unkId: 0, byteFallback: false },
         { type: 'Unigram', scores: new Float64Array(4).fill(NaN), unkId: 0, byteFallback: false },
         { type: 'Unigram', scores: new Float64Array(4), unkId: 4, byteFallback: false }]) {
         await refusedLater(() => make({ preTokenizers: [split], model }).build());
       }
       refused(() => native.supportsPattern(1));
       await refusedLater(() => table.gatherRows(new Uint32Array([4]), new Float32Array([1])));
       await refusedLater(() => table.gatherRows(new Uint32Array([0]), new Float32Array(2)));`,
    ],
    [
      'a getter that detaches and starts a run during restore',
      `const training = new native.TrainingRun(table, sources(column(), column()), [loss], runConfig);
       await training.build();
       const state = training.state();
       let running;
       refused(() => training.restore(table, table, table, {
         ...state,
         get epoch() {
           structuredClone(state.lastSteps.buffer, { transfer: [state.lastSteps.buffer] });
           running = training.advance(new Float64Array([0.1, 0.1]), 1, 1000);
           return 0;
         },
       }));
       await running;`,
    ],
    [
      'a column that is frozen while it is appended to',
      `const filled = column();
       const tokenizer = new native.Tokenizer(...joined(words), tokenizerConfig);
       await tokenizer.build();
       const encoder = new native.Encoder(tokenizer, table, pooling);
       const texts = ['red'];
       Object.defineProperty(texts, 0, { get: () => (new native.TrainingRun(table, sources(filled, column()), [loss], runConfig), 'red') });
       refused(() => filled.append(encoder, ['red\\0\\0'], 1, texts, ''));`,
    ],
    [
      'a column that is appended to itself, or to one in training',
      `const own = column(), trained = column();
       refused(() => own.appendColumn(own));
       refused(() => own.appendColumn({}));
       new native.TrainingRun(table, sources(trained, column()), [loss], runConfig);
       refused(() => trained.appendColumn(own));`,
    ],
  ])('refuses %s', (_, source) => {
    const checks = `
      const refused = (call) => { try { call(); } catch (error) { return error; } throw new Error('not refused: ' + call); };
      const refusedLater = async (call) => { try { await call(); } catch (error) { return error; } throw new Error('not refused: ' + call); };`;
    const { status, signal, stdout, stderr } = run(checks + source);
    expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: 'alive\n', stderr: '' });
  });

  // Every export, called with values of every kind. The seed of a run that ends the process is in its name.
  test.each(Array.from({ length: attempts(3, 40) }, (_, i) => i + 1))(
    'survives any arguments, seed %i',
    (seed) => {
      writeTinyTokenizer(folder);
      const { status, signal, stderr } = run(
        `
        let state = ${seed};
        const random = (n) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return Math.floor((state / 2 ** 32) * n); };
        const made = [table];
        const detached = new Float32Array(8);
        structuredClone(detached.buffer, { transfer: [detached.buffer] });
        const throws = { get length() { throw new Error('a getter'); } };
        const kinds = [
          () => undefined, () => null, () => true, () => random(10), () => random(1000) * 8, () => -1, () => 0.5, () => NaN,
          () => 2 ** 53, () => 2 ** 32 - 1, () => 1e300, () => '', () => 'red fox', () => 'cosine', () => 'float32',
          () => 'int8', () => 'F32', () => 'tokenizer.json', () => Symbol('s'), () => 10n, () => ({}), () => throws,
          () => [], () => words, () => [words.join('\\0')], () => [1, , 'x'], () => new Proxy([], {}), () => () => 1,
          () => new Float32Array(random(4) * 8), () => new Float32Array(new SharedArrayBuffer(64)), () => detached,
          () => new Uint32Array([0, 1, 2]), () => new Uint32Array([0, 2 ** 32 - 1]), () => new Uint32Array(random(5)),
          () => new Uint8Array(random(64)), () => new Int8Array(16), () => new Float64Array([0.1]), () => new BigUint64Array(3),
          () => new BigInt64Array(2), () => new Int32Array([0, 2]), () => new ArrayBuffer(8), () => new Date(), () => table,
          () => tokenizerConfig, () => runConfig, () => [loss], () => loss, () => sources(column(), column())[0], () => ({ batchSize: random(4), precision: 'float32' }), () => ({ k: random(9), similarity: 'dot', atLeast: 0, earlier: random(2) === 0, begin: 0, end: random(3) }), () => ({ normalization: ['minmax', 'zscore', 'rrf'][random(3)], weight: 0.5, k: random(9) }), () => ({ ...runConfig, batchSize: random(100) }), () => sources(column(), column()),
          () => made[random(made.length)], () => made[random(made.length)], () => made[random(made.length)],
        ];
        const value = () => kinds[random(kinds.length)]();
        const names = ['Tokenizer', 'Table', 'RowBuffer', 'Cancellation', 'Encoder', 'TokenColumn', 'TrainingRun', 'WordVectors', 'info',
          'isShared', 'similarity', 'similarityAsync', 'similarityPairwise', 'similarityPairwiseAsync', 'topK', 'topKAsync',
          'communities', 'communitiesAsync', 'rescore', 'rescoreAsync', 'fuseAsync', 'columnRanges', 'columnRangesAsync', 'quantize', 'quantizeAsync', 'checksum', 'checksumFile', 'evaluateLoss'];
        const keep = (result) => {
          if (typeof result !== 'object' || result === null) return;
          if (result instanceof Promise) { pending.push(result.then(keep, () => undefined)); return; }
          made[made.length < 60 ? made.length : random(60)] = result;
        };
        const pending = [];
        // Objects that work to begin with, so that methods get as far as their arguments.
        made.push(new native.Tokenizer(...joined(words), tokenizerConfig), column(), new native.RowBuffer(4, 32));
        await made[1].build();
        made.push(new native.Encoder(made[1], table, pooling), new native.Cancellation(), new native.WordVectors(3));
        made.push(new native.TrainingRun(table, sources(column(), column()), [loss], runConfig));
        await made.at(-1).build();
        const methods = made.flatMap((object) => {
          const prototype = Object.getPrototypeOf(object);
          return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor').map((name) => [prototype, name]);
        });
        for (let i = 0; i < ${attempts(4000, 20_000)}; ++i) {
          const args = Array.from({ length: random(13) }, value);
          try {
            if (random(4) === 0) {
              const name = names[random(names.length)];
              const target = native[name];
              keep(random(2) === 0 ? new target(...args) : target(...args));
            } else {
              const [prototype, name] = methods[random(methods.length)];
              const own = made.filter((object) => Object.getPrototypeOf(object) === prototype);
              const that = random(8) === 0 || own.length === 0 ? value() : own[random(own.length)];
              const { get, value: method } = Object.getOwnPropertyDescriptor(prototype, name);
              keep((get ?? method).apply(that, args));
            }
          } catch {
            // Anything but the end of the process.
          }
          if (i % 64 === 0) await Promise.all(pending.splice(0));
        }
        await Promise.all(pending);`,
        isLong ? 300_000 : 60_000,
      );
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    },
    isLong ? 300_000 : 60_000,
  );
});
