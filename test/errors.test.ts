import { readFileSync } from 'node:fs';
import path from 'node:path';

import { describe, expect, test } from '@jest/globals';
import {
  errorCodes,
  fromNative,
  InvalidArgumentError,
  IoError,
  messageOf,
  ModelFormatError,
  NativeLoadError,
  MissingDependencyError,
  OutOfMemoryError,
  StillvecError,
  systemCode,
  UnsupportedError,
} from '../lib/errors.js';

const root = path.resolve(__dirname, '..');

function nativeError(code: string): Error {
  return Object.assign(new Error(`native ${code}`), { code });
}

describe('the error classes', () => {
  test.each([
    [new InvalidArgumentError('m'), 'InvalidArgumentError', 'ERR_INVALID_ARGUMENT'],
    [new InvalidArgumentError('m', { code: 'ERR_OUT_OF_RANGE' }), 'InvalidArgumentError', 'ERR_OUT_OF_RANGE'],
    [new ModelFormatError('m'), 'ModelFormatError', 'ERR_MODEL_CORRUPT'],
    [new ModelFormatError('m', { code: 'ERR_MODEL_NOT_FOUND' }), 'ModelFormatError', 'ERR_MODEL_NOT_FOUND'],
    [new UnsupportedError('m'), 'UnsupportedError', 'ERR_UNSUPPORTED'],
    [new IoError('m'), 'IoError', 'ERR_IO'],
    [new MissingDependencyError('m'), 'MissingDependencyError', 'ERR_MISSING_DEPENDENCY'],
    [new OutOfMemoryError('m'), 'OutOfMemoryError', 'ERR_OUT_OF_MEMORY'],
    [new NativeLoadError('m'), 'NativeLoadError', 'ERR_NATIVE_LOAD'],
  ])('%s carries its name and code', (error, name, code) => {
    expect(error).toBeInstanceOf(StillvecError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(error.code).toBe(code);
    expect(error.message).toBe('m');
  });

  test('keep their cause', () => {
    const cause = new Error('below');
    expect(new IoError('m', { cause }).cause).toBe(cause);
  });
});

test('the codes are those of docs/troubleshooting.md', () => {
  const page = readFileSync(path.join(root, 'docs/troubleshooting.md'), 'utf8');
  expect([...page.matchAll(/^\| `(ERR_\w+)`/gm)].map(([, code]) => code)).toEqual(errorCodes);
});

describe('fromNative', () => {
  test.each([
    ['invalid_argument', 'ERR_INVALID_ARGUMENT'],
    ['out_of_range', 'ERR_OUT_OF_RANGE'],
    ['corrupt', 'ERR_MODEL_CORRUPT'],
    ['unsupported', 'ERR_UNSUPPORTED'],
    ['io', 'ERR_IO'],
    ['out_of_memory', 'ERR_OUT_OF_MEMORY'],
    ['not_finite', 'ERR_NOT_FINITE'],
  ])('maps %s to %s', (kind, code) => {
    const native = nativeError(kind);
    expect(fromNative(native)).toMatchObject({ code, message: `native ${kind}`, cause: native });
  });

  test('knows every kind of the addon', () => {
    const source = readFileSync(path.join(root, 'native/binding/errors.cc'), 'utf8');
    const kinds = [...source.matchAll(/case Code::k\w+: return "(\w+)"/g)].map(([, kind = '']) => kind);
    expect(kinds).toContain('not_finite');
    const unknown = kinds.filter((kind) => {
      const thrown = nativeError(kind);
      return fromNative(thrown) === thrown;
    });
    expect(unknown).toEqual([]);
  });

  test('reports an abort by the reason of the signal', () => {
    const reason = new RangeError('enough');
    expect(fromNative(nativeError('aborted'), AbortSignal.abort(reason))).toBe(reason);
    expect(fromNative(nativeError('aborted'))).toMatchObject({ name: 'AbortError' });
  });

  test.each([[new TypeError('bug')], [new IoError('done')], ['text'], [undefined], [nativeError('EPIPE')]])(
    'leaves %p as it is',
    (thrown) => {
      expect(fromNative(thrown)).toBe(thrown);
    },
  );
});

test('systemCode and messageOf take anything that was thrown', () => {
  expect(systemCode(nativeError('ENOENT'))).toBe('ENOENT');
  expect(systemCode(new Error('x'))).toBeUndefined();
  expect(systemCode(null)).toBeUndefined();
  expect(messageOf(new Error('x'))).toBe('x');
  expect(messageOf(7)).toBe('7');
});
