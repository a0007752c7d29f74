/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/test/support/addon-environment.cjs',
  // Transpiles file by file (tsconfig.json sets isolatedModules); `npm run lint` checks the types.
  transform: { '\\.ts$': 'ts-jest' },
  // Tests run dist/, what ships: 'stillvec' is the package itself, and a file of lib/ is what it compiles to. The demo
  // does not ship.
  moduleNameMapper: {
    '^(?:\\.\\./)+lib/(.*)\\.js$': '<rootDir>/dist/$1.js',
    '^((?:\\.\\./)+demo/.*)\\.js$': '$1.ts',
  },
  testTimeout: 30_000,
};
