/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/test/support/addon-environment.cjs',
  // Transpiles file by file (tsconfig.json sets isolatedModules); `npm run lint` checks the types.
  transform: { '\\.ts$': 'ts-jest' },
  // Tests run dist/, what ships: 'stillvec' is the package itself, and a file of lib/ is what it compiles to.
  moduleNameMapper: { '^(?:\\.\\./)+lib/(.*)\\.js$': '<rootDir>/dist/$1.js' },
  testTimeout: 30_000,
};
