import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const root = resolve(__dirname, '../..');

interface Packed {
  filename: string;
  size: number;
  files: { path: string; size: number }[];
}

interface Answer {
  shape: [number, number];
  rows: number[][];
  loaded: number[][];
  single: number[];
}

/** Where a program stands on PATH, its links followed. */
function find(program: string): string | undefined {
  const paths = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, program));
  const found = paths.find((path) => existsSync(path));
  return found === undefined ? undefined : realpathSync(found);
}

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'still', '##vec', 'water', 'runs', 'deep', ',', '.'];
const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: words.slice(0, 5).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(words.map((word, id) => [word, id])),
  },
};

const program = `
  async function main(SentenceTransformer, folder) {
    const model = await SentenceTransformer.create({ tokenizer: 'tokenizer.json', dim: 16, seed: 7 });
    const texts = ['Still water runs deep.', 'still', 'water', ''];
    const embeddings = await model.encode(texts);
    await model.save(folder);
    const loaded = await (await SentenceTransformer.load(folder)).encode(texts);
    const single = await model.encode('stillvec');
    const rows = (e) => texts.map((_, i) => Array.from(e.row(i)));
    console.log(JSON.stringify({
      shape: embeddings.shape, rows: rows(embeddings), loaded: rows(loaded), single: Array.from(single),
    }));
  }`;

const missing = ['cmake', 'readelf', 'npm'].filter((name) => find(name) === undefined);
const reason =
  process.platform === 'win32'
    ? 'the folder of programs is made of links'
    : missing.length > 0
      ? `making the package needs ${missing.join(', ')}`
      : undefined;

if (reason !== undefined) {
  describe('the published package', () => {
    test.skip(`skipped: ${reason}`, () => undefined);
  });
} else {
  describe('the published package', () => {
    let folder: string;
    let bin: string;
    let app: string;
    let packed: Packed;
    let installed: string;

    // PATH has Node, npm and the shell that npm starts, and no more; nothing of this checkout's environment.
    function run(command: string, args: string[]): string {
      const env = { PATH: bin, HOME: process.env['HOME'], npm_config_cache: process.env['npm_config_cache'] };
      return execFileSync(command, args, { cwd: app, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    }

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'stillvec-package-'));
      const report = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      [packed] = JSON.parse(report) as [Packed];

      bin = join(folder, 'bin');
      mkdirSync(bin);
      for (const name of ['node', 'npm', 'sh', 'env']) symlinkSync(find(name) ?? name, join(bin, name));
      app = join(folder, 'app');
      mkdirSync(app);
      writeFileSync(join(app, 'package.json'), '{ "private": true }');
      writeFileSync(join(app, 'tokenizer.json'), JSON.stringify(tokenizer));
      const tarball = join(folder, packed.filename);
      installed = run('npm', [
        'install',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        '--foreground-scripts',
        tarball,
      ]);
    }, 600_000);

    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
    });

    test('holds what it needs and nothing else', () => {
      const paths = packed.files.map((file) => file.path);
      expect(paths).toEqual(
        expect.arrayContaining([
          'package.json',
          'LICENSE',
          'README.md',
          'CHANGELOG.md',
          'SECURITY.md',
          'dist/index.js',
          'dist/index.d.ts',
          'CMakeLists.txt',
          'native/manifest.gypi',
          'native/binding/addon.cc',
        ]),
      );
      const binary = new RegExp(`^prebuilds/${process.platform}-${process.arch}(-\\w+)?/stillvec\\.node$`);
      expect(paths.filter((path) => binary.test(path))).toHaveLength(1);
      const shipped = /^(dist|docs|native|prebuilds)\/|^[\w-]+(\.(md|json|gyp|txt))?$/;
      // Its presence makes package managers compile at install.
      expect(paths).not.toContain('binding.gyp');
      expect(paths.filter((path) => !shipped.test(path) || /(^|\/)(test|fuzz|bench)\//.test(path))).toEqual([]);
    });

    test('has every source that the manifest names', () => {
      const manifest = JSON.parse(readFileSync(join(root, 'native/manifest.gypi'), 'utf8')) as {
        variables: { core_sources: string[]; binding_sources: string[] };
      };
      const paths = packed.files.map((file) => file.path);
      const { core_sources, binding_sources } = manifest.variables;
      expect(paths).toEqual(expect.arrayContaining([...core_sources, ...binding_sources]));
    });

    test('is under 3 MB', () => {
      expect(packed.size).toBeLessThan(3_000_000);
    });

    test('has no install script, and none ran', () => {
      interface Entry {
        hasInstallScript?: boolean;
        scripts?: Record<string, string>;
      }
      const lock = JSON.parse(readFileSync(join(app, 'node_modules/.package-lock.json'), 'utf8')) as {
        packages: Record<string, Entry>;
      };
      expect(Object.keys(lock.packages)).toContain('node_modules/stillvec');
      expect(Object.entries(lock.packages).filter(([, entry]) => entry.hasInstallScript)).toEqual([]);
      const { scripts } = JSON.parse(readFileSync(join(app, 'node_modules/stillvec/package.json'), 'utf8')) as Entry;
      for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) expect(scripts).not.toHaveProperty(name);
      expect(installed).not.toMatch(/^> /m);
    });

    test('there is nothing to compile with', () => {
      for (const name of ['cmake', 'make', 'c++', 'g++', 'cc', 'gcc', 'clang', 'python3', 'python']) {
        const { error } = spawnSync(name, ['--version'], { env: { PATH: bin } });
        expect([name, (error as NodeJS.ErrnoException | undefined)?.code]).toEqual([name, 'ENOENT']);
      }
    });

    test.each([
      [
        'import',
        'main.mjs',
        `import { SentenceTransformer } from 'stillvec';${program}\nawait main(SentenceTransformer, 'esm');`,
      ],
      [
        'require',
        'main.cjs',
        `const { SentenceTransformer } = require('stillvec');${program}\nmain(SentenceTransformer, 'cjs');`,
      ],
    ])('encodes, saves and loads through %s', (_, file, source) => {
      writeFileSync(join(app, file), source);
      const { shape, rows, loaded, single } = JSON.parse(run('node', [file])) as Answer;
      expect(shape).toEqual([4, 16]);
      const [sentence, still, water, empty] = rows;
      expect(empty).toEqual(new Array(16).fill(0));
      expect(still).not.toEqual(water);
      expect(sentence!.some((value) => value !== 0)).toBe(true);
      expect(loaded).toEqual(rows);
      // 'stillvec' is two tokens, of which the first is 'still': the embedding is their mean.
      expect(single).toHaveLength(16);
      expect(single).not.toEqual(still);
    });
  });
}
