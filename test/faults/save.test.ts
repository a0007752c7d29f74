import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { tinyVocabulary, writeTinyTokenizer } from '../support/tiny-tokenizer';
import { attempts, describeWithPreload, isLong, packageRoot } from './support';

const root = mkdtempSync(path.join(tmpdir(), 'stillvec-save-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const texts = ['the red fox', 'a blue dog jumps', 'over the sea again, and over the sea', 'number 42'];

/** All that a model is, so far as callers see it. */
async function nature(model: SentenceTransformer): Promise<string> {
  const plain = await model.encode(texts);
  const queries = await model.encodeQuery(texts);
  const pooling = [model.pooling, ...model.excludeTokens];
  return [...plain.data, ...queries.data, ...model.similarity(plain, queries).data, ...pooling].join();
}

const natureOf = async (folder: string): Promise<string> => nature(await SentenceTransformer.load(folder));

/** Two models of one shape, so that a mix of their files would load; other words, prompts, similarity and pooling. */
const poolings = [{}, { pooling: 'sqrt', excludeTokens: ['the', 'number'] }] as const;
const models = ['first', 'second'].map((name) => path.join(root, name));
const natures: string[] = [];
const newModels = (): Promise<SentenceTransformer[]> =>
  Promise.all(
    models.map((folder, i) =>
      SentenceTransformer.create({
        tokenizer: path.join(folder, 'tokenizer.json'),
        dim: 16,
        seed: i,
        prompts: { query: ['red ', 'blue '][i] ?? '' },
        similarity: i === 0 ? 'cosine' : 'dot',
        ...poolings[i],
      }),
    ),
  );

beforeAll(async () => {
  for (const [i, folder] of models.entries()) {
    mkdirSync(folder);
    const file = writeTinyTokenizer(folder);
    if (i === 0) continue;
    const json = JSON.parse(readFileSync(file, 'utf8')) as { model: { vocab: unknown } };
    const [pad = '', unknown = '', ...words] = tinyVocabulary;
    json.model.vocab = Object.fromEntries([pad, unknown, ...words.reverse()].map((token, id) => [token, id]));
    writeFileSync(file, JSON.stringify(json));
  }
  for (const [i, model] of (await newModels()).entries()) {
    await model.save(models[i] ?? '');
    natures.push(await nature(model));
  }
  expect(natures[0]).not.toBe(natures[1]);
});

/** A program that saves the second model into the folder that it is given. */
function saver(): string {
  const program = path.join(root, 'save.cjs');
  writeFileSync(
    program,
    `const { SentenceTransformer } = require(${JSON.stringify(packageRoot)});
     SentenceTransformer.load(${JSON.stringify(models[1])}).then((model) => model.save(process.argv[2]));`,
  );
  return program;
}

/** What may be in the folder before, and what a reader finds of it. */
const beginnings: Record<string, { make: (folder: string) => Promise<void>; before: () => string | undefined }> = {
  'another model': {
    make: async (folder) => {
      cpSync(models[0] ?? '', folder, { recursive: true });
      await Promise.resolve();
    },
    before: () => natures[0],
  },
  'another model, which has replaced one': {
    make: async (folder) => {
      cpSync(models[1] ?? '', folder, { recursive: true });
      await (await SentenceTransformer.load(models[0] ?? '')).save(folder);
    },
    before: () => natures[0],
  },
  'a model in the layout of older versions': {
    make: async (folder) => {
      cpSync(models[0] ?? '', folder, { recursive: true });
      mkdirSync(path.join(folder, '0_StaticEmbedding'));
      for (const name of ['tokenizer.json', 'model.safetensors']) {
        renameSync(path.join(folder, name), path.join(folder, '0_StaticEmbedding', name));
      }
      const modules = path.join(folder, 'modules.json');
      writeFileSync(modules, readFileSync(modules, 'utf8').replace('"path": ""', '"path": "0_StaticEmbedding"'));
      await Promise.resolve();
    },
    before: () => natures[0],
  },
  'the same model with another table': {
    make: async (folder) => {
      cpSync(models[1] ?? '', folder, { recursive: true });
      const tokenizer = path.join(folder, 'tokenizer.json');
      const options = { prompts: { query: 'blue ' }, similarity: 'dot', ...poolings[1] } as const;
      const other = await SentenceTransformer.create({ tokenizer, dim: 16, seed: 5, ...options });
      await other.save(folder);
      natures[2] = await nature(other);
    },
    before: () => natures[2],
  },
  nothing: { make: () => Promise.resolve(), before: () => undefined },
};

describeWithPreload('a save that is killed at a system call', 'kill.c', root, (library) => {
  test.each(Object.keys(beginnings))(
    'leaves the old model or the new one, over %s',
    async (name) => {
      const { make, before } = beginnings[name] ?? { make: () => Promise.resolve(), before: () => undefined };
      const program = saver();
      const found = new Set<string | undefined>();
      const stride = isLong ? 1 : 5;
      let kills = 0;
      for (let at = isLong ? 1 : 1 + Math.floor(Math.random() * stride); ; at += stride) {
        const folder = path.join(root, 'killed');
        rmSync(folder, { recursive: true, force: true });
        await make(folder);
        const env = {
          ...process.env,
          LD_PRELOAD: library,
          STILLVEC_KILL_FOLDER: folder,
          STILLVEC_KILL_AT: `${at}`,
          UV_USE_IO_URING: '0',
        };
        const { signal, status } = spawnSync(process.execPath, [program, folder], { env, stdio: 'inherit' });
        const after = await natureOf(folder).catch((error: unknown) => {
          if (before() === undefined && (error as { code?: string }).code === 'ERR_MODEL_NOT_FOUND') return undefined;
          throw error;
        });
        expect({ at, isOldOrNew: after === before() || after === natures[1] }).toEqual({ at, isOldOrNew: true });
        found.add(after);
        // The next save is whole, and removes what the killed one has left.
        await (await SentenceTransformer.load(models[1] ?? '')).save(folder);
        expect(await natureOf(folder)).toBe(natures[1]);
        const tables = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
          file.endsWith('.safetensors'),
        );
        expect({ at, tables: tables.length }).toEqual({ at, tables: 1 });
        if (signal !== 'SIGKILL') {
          expect(status).toBe(0);
          break;
        }
        ++kills;
      }
      expect(kills).toBeGreaterThan(isLong ? 20 : 3);
      expect(found).toEqual(new Set([before(), natures[1]]));
    },
    isLong ? 600_000 : 60_000,
  );
});

test('a reader in another process finds the old model or the new one, whole', async () => {
  const folder = path.join(root, 'read');
  const program = path.join(root, 'save-on.cjs');
  writeFileSync(
    program,
    `const { SentenceTransformer } = require(${JSON.stringify(packageRoot)});
     Promise.all(${JSON.stringify(models)}.map((folder) => SentenceTransformer.load(folder))).then(async (models) => {
       for (let i = 0; ; ++i) {
         await models[i % 2].save(${JSON.stringify(folder)});
         if (i === 0) console.log('saved');
       }
     });`,
  );
  const writer = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(writer.stdout, 'data');
    const found = [0, 0];
    const loads = attempts(200, 4000);
    for (let i = 0; i < loads; ++i) {
      const which = natures.indexOf(await natureOf(folder));
      expect(which === 0 || which === 1).toBe(true);
      found[which] = (found[which] ?? 0) + 1;
    }
    expect(Math.min(...found)).toBeGreaterThan(loads / 20);
  } finally {
    writer.kill();
    await once(writer, 'close');
  }
}, 300_000);

test('two processes that save into one folder leave one of their models', async () => {
  for (let round = 0; round < attempts(3, 30); ++round) {
    const folder = path.join(root, `both-${round}`);
    const program = path.join(root, 'save-one.cjs');
    writeFileSync(
      program,
      `const { SentenceTransformer } = require(${JSON.stringify(packageRoot)});
       SentenceTransformer.load(process.argv[2]).then(async (model) => {
         for (let i = 0; i < 20; ++i) await model.save(${JSON.stringify(folder)});
       });`,
    );
    const writers = models.map((model) => spawn(process.execPath, [program, model], { stdio: 'inherit' }));
    const ends = await Promise.all(writers.map((writer) => once(writer, 'close')));
    expect(ends).toEqual([
      [0, null],
      [0, null],
    ]);
    expect(natures.slice(0, 2)).toContain(await natureOf(folder));
  }
}, 300_000);

test('a model that is mapped from the folder can be saved over it', async () => {
  const folder = path.join(root, 'mapped');
  cpSync(models[0] ?? '', folder, { recursive: true });
  const model = await SentenceTransformer.load(folder, { prompts: { query: 'green ' } });
  const expected = await nature(model);
  await model.save(folder);
  expect(await natureOf(folder)).toBe(expected);
  await model.save(folder);
  expect(await nature(model)).toBe(expected);
  expect(await natureOf(folder)).toBe(expected);
});

test('a model that was changed by hand loads only where it is asked for', async () => {
  const folder = path.join(root, 'edited');
  cpSync(models[0] ?? '', folder, { recursive: true });
  const settings = path.join(folder, 'config_sentence_transformers.json');
  writeFileSync(settings, readFileSync(settings, 'utf8').replace('red ', 'sea '));
  const refused = { code: 'ERR_MODEL_CORRUPT', message: expect.stringContaining(`${settings}: its checksum`) };
  await expect(SentenceTransformer.load(folder)).rejects.toMatchObject(refused);
  const model = await SentenceTransformer.load(folder, { verify: false });
  expect(model.prompts['query']).toBe('sea ');
  await model.save(folder);
  expect(await natureOf(folder)).toBe(await nature(model));
});

const testWithLimits = process.platform === 'win32' ? test.skip : test;

testWithLimits('a save that may write no more leaves the old model, and nothing else', async () => {
  const folder = path.join(root, 'limited');
  cpSync(models[0] ?? '', folder, { recursive: true });
  const before = readdirSync(folder).sort();
  const program = path.join(root, 'save-limited.cjs');
  // A reader of the signal, which otherwise ends the process, as in a disk that is full.
  writeFileSync(
    program,
    `process.on('SIGXFSZ', () => undefined);
     const { SentenceTransformer } = require(${JSON.stringify(packageRoot)});
     SentenceTransformer.load(${JSON.stringify(models[1])}).then((model) => model.save(${JSON.stringify(folder)})).then(
       () => process.exit(1),
       (error) => process.exit(error.code === 'ERR_IO' && error.message.includes('cannot be written') ? 0 : 2),
     );`,
  );
  // Blocks of 512 or 1,024 bytes, fewer than the table takes.
  const { status } = spawnSync('sh', ['-c', `ulimit -f 4 && exec "$0" "$1"`, process.execPath, program], {
    stdio: 'inherit',
  });
  expect(status).toBe(0);
  expect(readdirSync(folder).sort()).toEqual(before);
  expect(await natureOf(folder)).toBe(natures[0]);
});
