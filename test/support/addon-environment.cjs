const { TestEnvironment } = require('jest-environment-node');

// Jest runs tests in a context of their own, while an addon makes its values in Node's main one: there, `instanceof
// Float32Array`, `toThrow(RangeError)` and `toStrictEqual` fail on values that look the same. So tests share these
// constructors with the main context. (ArrayBuffer and Uint8Array are shared already; Array and Promise must not be,
// since literals and async functions make theirs without asking the global.)
const shared = [
  'Error',
  'AggregateError',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
];

module.exports = class AddonEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of shared) this.global[name] = globalThis[name];
  }
};
