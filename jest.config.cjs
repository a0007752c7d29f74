/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testEnvironment: '<rootDir>/test/support/addon-environment.cjs',
  // Transpiles file by file (tsconfig.json sets isolatedModules); `npm run lint` checks the types.
  transform: { '\\.ts$': 'ts-jest' },
  testTimeout: 30_000,
};
