import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Which way imports run in lib/: a file may import what stands in its own layer and in those after it. A name with a
 * slash is a folder, `*` are the files of lib/ that have no other layer.
 */
const layers = [
  ['cli/'],
  ['index'],
  ['sentence-transformer'],
  ['training/'],
  ['evaluation/'],
  ['search/'],
  ['*'],
  ['formats/'],
  ['native/'],
  ['errors', 'event-loop', 'pooling', 'similarity-functions', 'validate'],
];

const namedFiles = layers.flat().filter((name) => /^[^*/]+$/.test(name));

const importOrder = layers.slice(1).flatMap((layer, before) => {
  const targets = layers
    .slice(0, before + 1)
    .flat()
    .map((name) => {
      if (name.endsWith('/')) return name;
      return name === '*' ? `(?!(?:${namedFiles.join('|')})\\.js$)[^/]+\\.js$` : `${name}\\.js$`;
    });
  const message = 'Imports run one way: `layers` in eslint.config.mjs says which.';
  const ruleFor = (up) => ({
    'no-restricted-imports': ['error', { patterns: [{ regex: `^${up}(?:${targets.join('|')})`, message }] }],
  });
  if (layer[0].endsWith('/')) {
    return ['*', '*/*'].map((files, depth) => ({
      files: [`lib/${layer[0]}${files}.ts`],
      rules: ruleFor('\\.\\./'.repeat(depth + 1)),
    }));
  }
  const ignores = layer.includes('*') ? namedFiles.map((name) => `lib/${name}.ts`) : [];
  return [{ files: layer.map((name) => `lib/${name}.ts`), ignores, rules: ruleFor('\\./') }];
});

export default defineConfig([
  globalIgnores(['build*/', 'dist/', 'coverage/', 'prebuilds/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      // Numbers read well in a message; everything else still has to be made text on purpose.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Takes an array of objects of several subclasses for a mix-up.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // `const { dropped: _, ...rest }` leaves a field out.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  ...importOrder,
  { files: ['**/*.{mjs,cjs}'], extends: [tseslint.configs.strict, tseslint.configs.stylistic] },
  // An addon is loaded by `require` alone.
  { files: ['**/*.cjs', 'lib/native/addon.ts'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    // Tests pass wrong values on purpose and know what their goldens hold. Programs print.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/explicit-module-boundary-types': 'off',
    },
  },
  {
    files: ['bench/**/*.ts', 'demo/**/*.ts', 'lib/cli/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
]);
