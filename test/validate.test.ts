import { describe, expect, test } from '@jest/globals';
import { StillvecError } from '../lib/errors.js';
import * as validate from '../lib/validate.js';

function thrownBy(action: () => unknown): StillvecError {
  try {
    action();
  } catch (error) {
    if (error instanceof StillvecError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('argument checks', () => {
  test.each<[() => unknown, string, string]>([
    [
      () => validate.finiteNumber('learningRate', NaN, { min: 0 }),
      'ERR_INVALID_ARGUMENT',
      'expected a finite number at least 0 for learningRate but received NaN',
    ],
    [
      () => validate.finiteNumber('learningRate', -1, { min: 0 }),
      'ERR_OUT_OF_RANGE',
      'expected a finite number at least 0 for learningRate but received -1',
    ],
    [
      () => validate.finiteNumber('warmupRatio', 1, { min: 0, below: 1 }),
      'ERR_OUT_OF_RANGE',
      'expected a finite number at least 0 and below 1 for warmupRatio but received 1',
    ],
    [
      () => validate.finiteNumber('scale', '20'),
      'ERR_INVALID_ARGUMENT',
      'expected a finite number for scale but received "20"',
    ],
    [
      () => validate.finiteNumber('scale', Infinity),
      'ERR_INVALID_ARGUMENT',
      'expected a finite number for scale but received Infinity',
    ],
    [
      () => validate.positiveInteger('dim', 0),
      'ERR_OUT_OF_RANGE',
      'expected an integer at least 1 for dim but received 0',
    ],
    [
      () => validate.positiveInteger('dim', 2.5),
      'ERR_INVALID_ARGUMENT',
      'expected an integer at least 1 for dim but received 2.5',
    ],
    [
      () => validate.positiveInteger('truncateDim', 65, 64),
      'ERR_OUT_OF_RANGE',
      'expected an integer at least 1 and at most 64 for truncateDim but received 65',
    ],
    [
      () => validate.boolean('normalizeEmbeddings', 1),
      'ERR_INVALID_ARGUMENT',
      'expected a boolean for normalizeEmbeddings but received 1',
    ],
    [() => validate.string('prompt', null), 'ERR_INVALID_ARGUMENT', 'expected a string for prompt but received null'],
    [
      () => validate.nonEmptyString('tokenizer', ''),
      'ERR_INVALID_ARGUMENT',
      'expected a non-empty string for tokenizer but received ""',
    ],
    [
      () => validate.oneOf('precision', 'float16', ['float32', 'int8']),
      'ERR_INVALID_ARGUMENT',
      `expected one of 'float32', 'int8' for precision but received "float16"`,
    ],
    [
      () => validate.stringArray('texts', ['a', 7]),
      'ERR_INVALID_ARGUMENT',
      'expected a string for texts[1] but received 7',
    ],
    [
      () => validate.stringArray('texts', new Array(2)),
      'ERR_INVALID_ARGUMENT',
      'expected a string for texts[0] but received undefined',
    ],
    [
      () => validate.stringArray('texts', new Map()),
      'ERR_INVALID_ARGUMENT',
      'expected an array of strings for texts but received an instance of Map',
    ],
    [
      () => validate.positiveIntegers('dims', []),
      'ERR_INVALID_ARGUMENT',
      'expected a non-empty array of integers for dims but received an array of length 0',
    ],
    [
      () => validate.positiveIntegers('dims', [64, -1]),
      'ERR_OUT_OF_RANGE',
      'expected an integer at least 1 for dims[1] but received -1',
    ],
    [
      () => validate.object('options', []),
      'ERR_INVALID_ARGUMENT',
      'expected an object for options but received an array of length 0',
    ],
    [
      () => validate.callback('onProgress', 'x' as unknown as () => void),
      'ERR_INVALID_ARGUMENT',
      'expected a function for onProgress but received "x"',
    ],
    [
      () => validate.abortSignal('signal', {}),
      'ERR_INVALID_ARGUMENT',
      'expected an AbortSignal for signal but received an object',
    ],
  ])('%#: %s', (action, code, message) => {
    expect(thrownBy(action)).toMatchObject({ code, message });
  });

  test('return what they accept', () => {
    const texts = ['a', ''];
    expect(validate.stringArray('texts', texts)).toBe(texts);
    expect(validate.finiteNumber('x', 0.5, { above: 0, max: 1 })).toBe(0.5);
    expect(validate.positiveInteger('x', 64, 64)).toBe(64);
    expect(validate.oneOf('x', 'b', ['a', 'b'])).toBe('b');
    expect(validate.positiveIntegers('x', [3, 1])).toEqual([3, 1]);
    expect(validate.abortSignal('signal', undefined)).toBeUndefined();
    expect(validate.callback('onProgress', undefined)).toBeUndefined();
  });
});

describe('knownOptions', () => {
  const known = ['normalizeEmbeddings', 'truncateDim', 'promptName', 'prompt', 'signal'];

  test.each([
    ['normalise_embeddings', 'normalizeEmbeddings'],
    ['truncate_dim', 'truncateDim'],
    ['promtName', 'promptName'],
    ['promptname', 'promptName'],
    ['sginal', 'signal'],
  ])('%s suggests %s', (name, nearest) => {
    expect(thrownBy(() => validate.knownOptions('encode', { [name]: 1 }, known)).message).toBe(
      `unknown option ${name} for encode: did you mean ${nearest}?`,
    );
  });

  test('lists the options when none is near', () => {
    expect(thrownBy(() => validate.knownOptions('encode', { quux: 1 }, known)).message).toBe(
      `unknown option quux for encode: its options are ${known.join(', ')}`,
    );
  });

  test.each(['batchSize', 'batch_size', 'BATCH-SIZE'])('gives the advice that there is for %s', (name) => {
    const call = () => validate.knownOptions('encode', { [name]: 1 }, known, { batchSize: 'leave it out' });
    expect(thrownBy(call).message).toBe(`unknown option ${name} for encode: leave it out`);
  });

  test('accepts known names and no options at all', () => {
    expect(() => validate.knownOptions('encode', { signal: undefined }, known)).not.toThrow();
    expect(() => validate.knownOptions('encode', undefined, known)).not.toThrow();
  });

  test('refuses what is no object', () => {
    expect(thrownBy(() => validate.knownOptions('encode', 7, known)).code).toBe('ERR_INVALID_ARGUMENT');
  });
});

function* generate() {
  yield 1;
}

test.each([
  ['x'.repeat(100), `"${'x'.repeat(57)}..."`],
  [5n, '5n'],
  [Math.max, 'a function max'],
  [Symbol('s'), 'Symbol(s)'],
  [undefined, 'undefined'],
  [new Float32Array(2), 'a Float32Array of length 2'],
  [new Int8Array(1), 'an Int8Array of length 1'],
  [Buffer.from('abc'), 'a Buffer of length 3'],
  [Promise.resolve(1), 'a promise, which has to be awaited first'],
  [generate(), 'an instance of Generator'],
  [new Set(), 'an instance of Set'],
  [Object.create(null), 'an object'],
])('describe(%p)', (value, text) => {
  expect(validate.describe(value)).toBe(text);
});
