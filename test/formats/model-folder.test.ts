import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { readModelFolder } from '../../lib/formats/model-folder.js';
import { writeModelFolder, type ModelContent } from '../../lib/formats/model-folder-writer.js';
import { writeSafetensors, type TensorSource } from '../../lib/formats/safetensors.js';
import { describeWithShared, materializeModel } from '../support/shared';

const root = mkdtempSync(join(tmpdir(), 'stillvec-folder-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'model-'));
});

const tokenizerJson = JSON.stringify({
  version: '1.0',
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: { type: 'BertPreTokenizer' },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: { '[UNK]': 0, red: 1, green: 2 },
  },
});

const anotherTokenizer = Buffer.from(`${tokenizerJson} `);

const staticType = 'sentence_transformers.sentence_transformer.modules.static_embedding.StaticEmbedding';
const weightedType = 'stillvec_pooling.WeightedStaticEmbedding';
const normalizeType = 'sentence_transformers.base.modules.normalize.Normalize';

const lfsPointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 125018208\n`;

function writeJson(name: string, value: unknown): void {
  writeFileSync(join(folder, name), JSON.stringify(value));
}

const table = (settings: Partial<TensorSource> = {}): TensorSource => ({
  name: 'embedding.weight',
  dtype: 'F32',
  shape: [3, 2],
  chunks: [new Uint8Array(24)],
  ...settings,
});

async function writeTensors(...tensors: TensorSource[]): Promise<void> {
  const file = join(folder, 'model.safetensors');
  const handle = await open(file, 'w');
  await writeSafetensors(handle, file, tensors);
  await handle.close();
}

/** A good model of Sentence Transformers 6 in `folder`. */
async function writeGood(): Promise<void> {
  writeJson('modules.json', [{ idx: 0, name: '0', path: '', type: staticType }]);
  writeJson('config_sentence_transformers.json', { model_type: 'SentenceTransformer' });
  writeFileSync(join(folder, 'tokenizer.json'), tokenizerJson);
  await writeTensors(table());
}

/** A good model in `folder` that weighs its tokens, as a person or Python would write it. */
async function writeWeighted(pooling: unknown): Promise<void> {
  await writeGood();
  await writeTensors(table({ name: 'weighted_embedding.weight' }));
  writeJson('modules.json', [{ idx: 0, name: '0', path: '', type: weightedType }]);
  if (pooling !== undefined) writeJson('pooling.json', pooling);
}

const content = (settings: Partial<ModelContent> = {}): ModelContent => ({
  tokenizer: Buffer.from(tokenizerJson),
  table: { dtype: 'F32', rows: 3, dim: 2, chunks: [new Uint8Array(24).fill(7)], scales: null },
  normalize: false,
  prompts: { query: 'find: ', document: '' },
  defaultPromptName: 'query',
  similarityFnName: 'dot',
  truncateDim: 1,
  tokenRules: 'sentence-transformers',
  pooling: 'mean',
  excludeTokens: [],
  training: null,
  ...settings,
});

/** The files of the folder with their bytes. */
function snapshot(): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}

describe('readModelFolder', () => {
  test('reads Sentence Transformers 6', async () => {
    await writeGood();
    writeJson('config_sentence_transformers.json', {
      prompts: { query: 'q: ', other: 'o: ' },
      default_prompt_name: 'other',
      similarity_fn_name: 'euclidean',
      truncate_dim: 1,
    });
    expect(await readModelFolder(folder)).toMatchObject({
      folder,
      normalize: false,
      prompts: { query: 'q: ', document: '', other: 'o: ' },
      defaultPromptName: 'other',
      similarityFnName: 'euclidean',
      truncateDim: 1,
      table: { file: join(folder, 'model.safetensors'), dtype: 'F32', rows: 3, dim: 2 },
    });
  });

  test.each([
    'sentence_transformers.models.StaticEmbedding',
    'sentence_transformers.models.StaticEmbedding.StaticEmbedding',
    staticType,
  ])('reads the module type %s, followed by Normalize', async (type) => {
    await writeGood();
    for (const second of ['sentence_transformers.models.Normalize', normalizeType]) {
      writeJson('modules.json', [
        { idx: 0, name: '0', path: '.', type },
        { idx: 1, name: '1', path: '1_Normalize', type: second },
      ]);
      expect(await readModelFolder(folder)).toMatchObject({ normalize: true, similarityFnName: 'cosine' });
    }
  });

  test('reads a table and a tokenizer in a folder of their own, with and without modules.json', async () => {
    await writeGood();
    mkdirSync(join(folder, '0_StaticEmbedding'));
    for (const name of ['model.safetensors', 'tokenizer.json']) {
      cpSync(join(folder, name), join(folder, '0_StaticEmbedding', name));
      rmSync(join(folder, name));
    }
    writeJson('modules.json', [{ idx: 0, name: '0', path: '0_StaticEmbedding', type: staticType }]);
    const file = join(folder, '0_StaticEmbedding', 'model.safetensors');
    expect(await readModelFolder(folder)).toMatchObject({ table: { file }, tokenRules: 'sentence-transformers' });
    expect((await readModelFolder(join(folder, '0_StaticEmbedding'))).tokenRules).toBe('sentence-transformers');
    rmSync(join(folder, 'modules.json'));
    expect((await readModelFolder(folder)).table.file).toBe(file);
  });

  test('reads Model2Vec, which normalizes by its config', async () => {
    await writeGood();
    await writeTensors(table({ name: 'embeddings', dtype: 'F16', chunks: [new Uint8Array(12)] }));
    rmSync(join(folder, 'modules.json'));
    rmSync(join(folder, 'config_sentence_transformers.json'));
    for (const normalize of [true, false]) {
      writeJson('config.json', { model_type: 'model2vec', normalize });
      const table = { dtype: 'F16', rows: 3, dim: 2 };
      expect(await readModelFolder(folder)).toMatchObject({ normalize, table, tokenRules: 'model2vec' });
    }
    writeJson('config.json', { model_type: 'model2vec' });
    expect((await readModelFolder(folder)).normalize).toBe(false);
  });

  test('reads a pooling of its own', async () => {
    const pooling = { pooling: 'sqrt', excluded_tokens: ['red'] };
    await writeWeighted(pooling);
    expect(await readModelFolder(folder)).toMatchObject({ pooling: 'sqrt', excludeTokens: ['red'] });
    // That of another model, which modules.json does not name.
    await writeGood();
    expect(await readModelFolder(folder)).toMatchObject({ pooling: 'mean', excludeTokens: [] });
  });

  test('follows links to files and to the folder itself, as the Hugging Face cache has them', async () => {
    await writeGood();
    const blob = join(root, 'blob');
    renameSync(join(folder, 'model.safetensors'), blob);
    symlinkSync(blob, join(folder, 'model.safetensors'));
    symlinkSync(folder, join(root, 'linked-model'));
    expect((await readModelFolder(join(root, 'linked-model'))).table).toMatchObject({ rows: 3 });
  });

  test('reads files that begin with a byte order mark, and saves none', async () => {
    await writeGood();
    const names = ['modules.json', 'config_sentence_transformers.json', 'tokenizer.json'];
    for (const name of names) {
      writeFileSync(join(folder, name), `\ufeff${readFileSync(join(folder, name), 'utf8')}`);
    }
    const model = await readModelFolder(folder);
    expect(model.tokenizer.description.vocabSize).toBe(3);
    expect(Buffer.from(model.tokenizer.json).toString()).toBe(tokenizerJson);
  });

  test('reads prompts of any name', async () => {
    await writeGood();
    const prompts = '{"__proto__": "p: ", "constructor": "c: ", "toString": "t: "}';
    writeFileSync(join(folder, 'config_sentence_transformers.json'), `{"prompts": ${prompts}}`);
    const model = await readModelFolder(folder);
    expect(Object.keys(model.prompts)).toEqual(['query', 'document', '__proto__', 'constructor', 'toString']);
    expect(Object.getPrototypeOf(model.prompts)).toBe(Object.prototype);
  });

  test.each(['F64', 'F32', 'F16', 'BF16', 'I8'] as const)('reads a table of dtype %s', async (dtype) => {
    await writeGood();
    const bytes = { F64: 8, F32: 4, F16: 2, BF16: 2, I8: 1 }[dtype];
    await writeTensors(table({ dtype, chunks: [new Uint8Array(6 * bytes)] }));
    expect((await readModelFolder(folder)).table.dtype).toBe(dtype);
  });

  test.each<[string, () => void | Promise<void>, string, string]>([
    ['no folder', () => rmSync(folder, { recursive: true }), 'ERR_MODEL_NOT_FOUND', 'no such model folder'],
    ['no pooling', () => writeWeighted(undefined), 'ERR_MODEL_NOT_FOUND', 'pooling.json: no such file'],
    [
      'a broken pooling',
      async () => {
        await writeWeighted(undefined);
        writeFileSync(join(folder, 'pooling.json'), '{"pooling": ');
      },
      'ERR_MODEL_CORRUPT',
      'pooling.json: expected JSON',
    ],
    [
      'an unknown pooling',
      () => writeWeighted({ pooling: 'max', excluded_tokens: [] }),
      'ERR_MODEL_CORRUPT',
      'pooling.json: expected one of mean, sqrt for pooling but received "max"',
    ],
    [
      'a pooling without excluded tokens',
      () => writeWeighted({ pooling: 'sqrt' }),
      'ERR_MODEL_CORRUPT',
      'pooling.json: expected an array for excluded_tokens but received nothing',
    ],
    [
      'an excluded token that the tokenizer lacks',
      () => writeWeighted({ pooling: 'sqrt', excluded_tokens: ['red', 'blue'] }),
      'ERR_MODEL_CORRUPT',
      'pooling.json: expected a token of tokenizer.json for excluded_tokens[1] but received "blue"',
    ],
    [
      'an excluded token that is no text',
      () => writeWeighted({ pooling: 'sqrt', excluded_tokens: [1] }),
      'ERR_MODEL_CORRUPT',
      'for excluded_tokens[0] but received 1',
    ],
    [
      'a weighted pooling of a plain table',
      async () => {
        await writeWeighted({ pooling: 'sqrt', excluded_tokens: [] });
        await writeTensors(table());
      },
      'ERR_MODEL_CORRUPT',
      'expected a tensor weighted_embedding.weight but found embedding.weight',
    ],
    [
      'a plain module of a weighted table',
      async () => {
        await writeWeighted({ pooling: 'sqrt', excluded_tokens: [] });
        writeJson('modules.json', [{ path: '', type: staticType }]);
      },
      'ERR_MODEL_CORRUPT',
      'expected a tensor embedding.weight or embeddings but found weighted_embedding.weight',
    ],
    [
      'a weighted pooling after another table',
      () =>
        writeJson('modules.json', [
          { path: '', type: staticType },
          { path: '', type: weightedType },
        ]),
      'ERR_UNSUPPORTED',
      'modules[1] is stillvec_pooling.WeightedStaticEmbedding',
    ],
    [
      'an empty folder',
      () => rmSync(folder, { recursive: true, force: true }) ?? mkdirSync(folder),
      'ERR_MODEL_NOT_FOUND',
      'model.safetensors: no such file',
    ],
    [
      'no table',
      () => rmSync(join(folder, 'model.safetensors')),
      'ERR_MODEL_NOT_FOUND',
      'model.safetensors: no such file',
    ],
    [
      'no tokenizer',
      () => rmSync(join(folder, 'tokenizer.json')),
      'ERR_MODEL_NOT_FOUND',
      'tokenizer.json: no such file',
    ],
    [
      'a tokenizer that is a folder',
      () => rmSync(join(folder, 'tokenizer.json')) ?? mkdirSync(join(folder, 'tokenizer.json')),
      'ERR_IO',
      'tokenizer.json cannot be read',
    ],
    [
      'a pickle only',
      () => {
        rmSync(join(folder, 'model.safetensors'));
        writeFileSync(join(folder, 'pytorch_model.bin'), '');
      },
      'ERR_UNSUPPORTED',
      'has only pytorch_model.bin',
    ],
    [
      'a table that Git LFS has not fetched',
      () => writeFileSync(join(folder, 'model.safetensors'), lfsPointer),
      'ERR_MODEL_CORRUPT',
      'model.safetensors is a pointer of Git LFS, not the file itself; fetch it with: git lfs install && git lfs pull',
    ],
    [
      'a tokenizer that Git LFS has not fetched',
      () => writeFileSync(join(folder, 'tokenizer.json'), lfsPointer),
      'ERR_MODEL_CORRUPT',
      'tokenizer.json is a pointer of Git LFS',
    ],
    [
      'a truncated table',
      () =>
        writeFileSync(
          join(folder, 'model.safetensors'),
          readFileSync(join(folder, 'model.safetensors')).subarray(0, -1),
        ),
      'ERR_MODEL_CORRUPT',
      'ends at data offset 24, but the file has only 23 bytes',
    ],
    [
      'a tensor of another name',
      () => writeTensors(table({ name: 'w' })),
      'ERR_MODEL_CORRUPT',
      'expected a tensor embedding.weight or embeddings but found w',
    ],
    ['no tensor', () => writeTensors(), 'ERR_MODEL_CORRUPT', 'but found none'],
    [
      'a table of integers',
      () => writeTensors(table({ dtype: 'I32' })),
      'ERR_UNSUPPORTED',
      'for the dtype of embedding.weight but received I32',
    ],
    [
      'a table of one dimension',
      () => writeTensors(table({ shape: [6] })),
      'ERR_MODEL_CORRUPT',
      'for the shape of embedding.weight but received [6]',
    ],
    [
      'a table of three dimensions',
      () => writeTensors(table({ shape: [3, 2, 1] })),
      'ERR_MODEL_CORRUPT',
      'received [3, 2, 1]',
    ],
    [
      'a table without columns',
      () => writeTensors(table({ shape: [3, 0], chunks: [] })),
      'ERR_MODEL_CORRUPT',
      'received [3, 0]',
    ],
    [
      'fewer rows than tokens',
      () => writeTensors(table({ shape: [2, 3] })),
      'ERR_MODEL_CORRUPT',
      'the table has 2 rows, but',
    ],
    [
      'more rows than tokens',
      () => writeTensors(table({ shape: [6, 1] })),
      'ERR_MODEL_CORRUPT',
      'has a vocabulary of 3',
    ],
    [
      'a broken modules.json',
      () => writeFileSync(join(folder, 'modules.json'), '[{'),
      'ERR_MODEL_CORRUPT',
      'modules.json: expected JSON',
    ],
    [
      'modules that are no array',
      () => writeJson('modules.json', {}),
      'ERR_MODEL_CORRUPT',
      'expected an array for modules',
    ],
    ['no modules', () => writeJson('modules.json', []), 'ERR_MODEL_CORRUPT', 'lists no modules'],
    [
      'a module without type',
      () => writeJson('modules.json', [{ path: '' }]),
      'ERR_MODEL_CORRUPT',
      'expected a string for modules[0].type',
    ],
    [
      'a transformer',
      () => writeJson('modules.json', [{ path: '', type: 'sentence_transformers.models.Transformer' }]),
      'ERR_UNSUPPORTED',
      'modules[0] is sentence_transformers.models.Transformer',
    ],
    [
      "a module of one's own",
      () => writeJson('modules.json', [{ path: '', type: 'mine.StaticEmbedding' }]),
      'ERR_UNSUPPORTED',
      'modules[0] is mine.StaticEmbedding',
    ],
    [
      'a dense layer',
      () =>
        writeJson('modules.json', [
          { path: '', type: staticType },
          { path: '1', type: 'sentence_transformers.models.Dense' },
        ]),
      'ERR_UNSUPPORTED',
      'modules[1] is sentence_transformers.models.Dense',
    ],
    [
      'Normalize alone',
      () => writeJson('modules.json', [{ path: '', type: normalizeType }]),
      'ERR_UNSUPPORTED',
      'expected one StaticEmbedding, then Normalize',
    ],
    [
      'two tables',
      () =>
        writeJson('modules.json', [
          { path: '', type: staticType },
          { path: '', type: staticType },
        ]),
      'ERR_UNSUPPORTED',
      'modules[1]',
    ],
    [
      'a path out of the folder',
      () => writeJson('modules.json', [{ path: '../other', type: staticType }]),
      'ERR_MODEL_CORRUPT',
      'a path inside the model folder for modules[0].path but received "../other"',
    ],
    [
      'a subfolder that is a link',
      () => {
        writeJson('modules.json', [{ path: 'linked', type: staticType }]);
        symlinkSync(mkdtempSync(join(root, 'other-')), join(folder, 'linked'));
      },
      'ERR_MODEL_CORRUPT',
      'linked is a link that leads out of the model folder',
    ],
    [
      'another kind of model',
      () => writeJson('config_sentence_transformers.json', { model_type: 'CrossEncoder' }),
      'ERR_UNSUPPORTED',
      'model_type is CrossEncoder',
    ],
    [
      'a transformer without modules',
      () => {
        rmSync(join(folder, 'modules.json'));
        writeJson('config.json', { model_type: 'bert' });
      },
      'ERR_UNSUPPORTED',
      'a model of type bert',
    ],
    [
      'a prompt that is no text',
      () => writeJson('config_sentence_transformers.json', { prompts: { query: 1 } }),
      'ERR_MODEL_CORRUPT',
      'expected a string for prompts.query but received 1',
    ],
    [
      'an unknown default prompt',
      () => writeJson('config_sentence_transformers.json', { default_prompt_name: 'x' }),
      'ERR_MODEL_CORRUPT',
      'for default_prompt_name but received "x"',
    ],
    [
      'an unknown similarity',
      () => writeJson('config_sentence_transformers.json', { similarity_fn_name: 'cos' }),
      'ERR_MODEL_CORRUPT',
      'for similarity_fn_name but received "cos"',
    ],
    [
      'a dimension of zero',
      () => writeJson('config_sentence_transformers.json', { truncate_dim: 0 }),
      'ERR_MODEL_CORRUPT',
      'for truncate_dim but received 0',
    ],
  ])('refuses %s', async (_, spoil, code, message) => {
    await writeGood();
    await spoil();
    await expect(readModelFolder(folder)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    await expect(readModelFolder(folder)).rejects.toThrow(folder);
  });
});

describe('writeModelFolder', () => {
  test.each([true, false])('writes what is read again (normalize %p)', async (normalize) => {
    const target = join(folder, 'deep', 'model');
    await writeModelFolder(target, content({ normalize }));
    const model = await readModelFolder(target);
    expect(model).toMatchObject({
      normalize,
      prompts: { query: 'find: ', document: '' },
      defaultPromptName: 'query',
      similarityFnName: 'dot',
      truncateDim: 1,
      table: { dtype: 'F32', rows: 3, dim: 2 },
    });
    expect(model.table.byteOffset % 64).toBe(0);
    expect(readFileSync(join(target, 'tokenizer.json'), 'utf8')).toBe(tokenizerJson);
    expect(readdirSync(target).sort()).toEqual([
      ...(normalize ? ['1_Normalize'] : []),
      'README.md',
      'config_sentence_transformers.json',
      'model.safetensors',
      'modules.json',
      'tokenizer.json',
    ]);
  });

  test('replaces the table alone where nothing else changes', async () => {
    await writeModelFolder(folder, content());
    const before = statSync(join(folder, 'tokenizer.json'));
    const chunks = [new Uint8Array(8).fill(9), new Uint8Array(4).fill(9)];
    await writeModelFolder(folder, content({ table: { dtype: 'F32', rows: 3, dim: 1, chunks, scales: null } }));
    expect(statSync(join(folder, 'tokenizer.json')).ino).toBe(before.ino);
    expect(await readModelFolder(folder)).toMatchObject({ table: { dim: 1 }, truncateDim: 1 });
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toContain('| dimensions | 1 of 1 |');
  });

  test('keeps a model that replaces another one in a folder that modules.json names', async () => {
    await writeModelFolder(folder, content());
    await writeModelFolder(folder, content({ truncateDim: null, normalize: true }));
    const model = await readModelFolder(folder);
    expect(model).toMatchObject({ truncateDim: null, normalize: true });
    const version = relative(folder, dirname(model.table.file));
    expect(version).toMatch(/^model-/);
    expect(Object.keys(snapshot())).toEqual(
      [
        'README.md',
        '1_Normalize/config.json',
        'config_sentence_transformers.json',
        `${version}/config_sentence_transformers.json`,
        `${version}/model.safetensors`,
        `${version}/tokenizer.json`,
        'modules.json',
      ].sort(),
    );
    // What Sentence Transformers reads.
    const settings = 'config_sentence_transformers.json';
    expect(snapshot()[settings]).toBe(snapshot()[`${version}/${settings}`]);
    expect(JSON.parse(snapshot()['modules.json'] ?? '')).toMatchObject([{ path: version }, { path: '1_Normalize' }]);

    await writeModelFolder(folder, content({ truncateDim: null, normalize: true, tokenizer: anotherTokenizer }));
    expect(existsSync(join(folder, version))).toBe(false);
    expect(Buffer.compare((await readModelFolder(folder)).tokenizer.json, anotherTokenizer)).toBe(0);
  });

  test.each<Partial<ModelContent>>([{ pooling: 'sqrt' }, { excludeTokens: ['green'] }])(
    'writes a pooling with all that others need to know of it: %j',
    async (pooling) => {
      await writeModelFolder(folder, content(pooling));
      expect(await readModelFolder(folder)).toMatchObject(pooling);
      const files = snapshot();
      const plain = ['README.md', 'config_sentence_transformers.json', 'model.safetensors', 'modules.json'];
      expect(Object.keys(files)).toEqual([...plain, 'pooling.json', 'stillvec_pooling.py', 'tokenizer.json']);
      expect(files['modules.json']).toContain(`"type": "${weightedType}"`);
      expect(files['README.md']).toContain('trust_remote_code=True');

      // The table alone is replaced, and what is not the table changes over with modules.json.
      const inode = statSync(join(folder, 'pooling.json')).ino;
      await writeModelFolder(folder, content(pooling));
      expect(statSync(join(folder, 'pooling.json')).ino).toBe(inode);
      await writeModelFolder(folder, content({ ...pooling, excludeTokens: ['red', 'green'] }));
      const { table: moved, excludeTokens } = await readModelFolder(folder);
      expect(excludeTokens).toEqual(['red', 'green']);
      expect(existsSync(join(dirname(moved.file), 'pooling.json'))).toBe(true);
      expect(existsSync(join(folder, 'pooling.json'))).toBe(false);

      await writeModelFolder(folder, content());
      expect(await readModelFolder(folder)).toMatchObject({ pooling: 'mean', excludeTokens: [] });
      expect(Object.keys(snapshot()).filter((name) => name.endsWith('pooling.json'))).toEqual([]);
    },
  );

  test('refuses a pooling that was edited, unless it is told not to look', async () => {
    await writeModelFolder(folder, content({ pooling: 'sqrt' }));
    const file = join(folder, 'pooling.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('sqrt', 'mean'));
    const refused = { code: 'ERR_MODEL_CORRUPT', message: expect.stringContaining(`${file}: its checksum`) };
    await expect(readModelFolder(folder)).rejects.toMatchObject(refused);
    expect(await readModelFolder(folder, { verify: false })).toMatchObject({ pooling: 'mean' });
  });

  test('keeps the scales of an int8 table', async () => {
    const scales = Float32Array.of(0.5, 1, 2);
    const chunks = [new Uint8Array(6)];
    await writeModelFolder(folder, content({ table: { dtype: 'I8', rows: 3, dim: 2, chunks, scales } }));
    const { table: written } = await readModelFolder(folder);
    expect(written).toMatchObject({ dtype: 'I8', rows: 3, dim: 2, scalesOffset: written.byteOffset + 6 });
    const bytes = readFileSync(written.file).subarray(written.byteOffset + 6);
    expect(new Float32Array(new Uint8Array(bytes).buffer)).toEqual(scales);
  });

  test('keeps the card of a person', async () => {
    writeFileSync(join(folder, 'README.md'), '# Mine');
    await writeModelFolder(folder, content());
    expect(readFileSync(join(folder, 'README.md'), 'utf8')).toBe('# Mine');
  });

  test('leaves the old model as it was when writing fails midway', async () => {
    await writeModelFolder(folder, content());
    const before = snapshot();
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(8));
      throw new Error('the source broke');
    }
    const broken = content({
      table: { dtype: 'F32', rows: 3, dim: 2, chunks: failing(), scales: null },
      tokenizer: Buffer.from('{}'),
    });
    await expect(writeModelFolder(folder, broken)).rejects.toThrow('the source broke');
    expect(snapshot()).toEqual(before);
  });

  test('leaves the old model as it was when it is aborted', async () => {
    await writeModelFolder(folder, content());
    const before = snapshot();
    const controller = new AbortController();
    const reason = new Error('enough');
    function* chunks(): Generator<Uint8Array> {
      yield new Uint8Array(8);
      controller.abort(reason);
      yield new Uint8Array(16);
    }
    const model = content({ table: { dtype: 'F32', rows: 3, dim: 2, chunks: chunks(), scales: null } });
    await expect(writeModelFolder(folder, model, { signal: controller.signal })).rejects.toBe(reason);
    expect(snapshot()).toEqual(before);
  });

  test('names a folder that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '');
    for (const target of [join(folder, 'file'), join(folder, 'file', 'model')]) {
      await expect(writeModelFolder(target, content())).rejects.toMatchObject({
        code: 'ERR_IO',
        message: expect.stringContaining(`${target} cannot be written: `),
      });
    }
  });

  test('survives a kill at any moment of writing', async () => {
    await writeModelFolder(folder, content());
    const before = snapshot();
    // A process that stops for good after its first chunk.
    const script = `
      const { writeModelFolder } = require(${JSON.stringify(require.resolve('../../lib/formats/model-folder-writer.js'))});
      function* chunks() { yield new Uint8Array(8); process.kill(process.pid, 'SIGKILL'); yield new Uint8Array(16); }
      writeModelFolder(${JSON.stringify(folder)}, { tokenizer: Buffer.from('{}'), normalize: true, prompts: {},
        defaultPromptName: null, similarityFnName: 'dot', truncateDim: null, pooling: 'mean', excludeTokens: [],
        table: { dtype: 'F32', rows: 3, dim: 2, chunks: chunks(), scales: null } });`;
    expect(spawnSync(process.execPath, ['-e', script]).signal).toBe('SIGKILL');
    const after = Object.entries(snapshot()).filter(([name]) => !name.startsWith('model-'));
    expect(Object.fromEntries(after)).toEqual(before);
    expect(await readModelFolder(folder)).toMatchObject({ normalize: false, table: { dim: 2 } });
  });
});

describeWithShared('readModelFolder on real models', () => {
  for (const [name, normalize, dtype, rows, dim] of [
    ['encode/st-v6', false, 'F32', 30522, 32],
    ['encode/st-v6-normalize', true, 'F32', 30522, 32],
    ['encode/st-v3', false, 'F32', 30522, 32],
    ['model2vec/test-model-float16', true, 'F16', 29528, 2],
    ['model2vec/test-model-float32', true, 'F32', 29528, 2],
    ['model2vec/test-model-int8', true, 'I8', 29528, 2],
    ['model2vec/test-model-sentence-transformers', true, 'F32', 29528, 2],
  ] as const) {
    const path = materializeModel('goldens', name);
    test(name, async () => {
      const model = await readModelFolder(path);
      expect(model).toMatchObject({ normalize, table: { dtype, rows, dim } });
      expect(model.tokenizer.description.vocabSize).toBe(rows);
    });
  }

  const quantized = materializeModel('goldens', 'model2vec/test-model-vocab-quantized');
  test('model2vec/test-model-vocab-quantized', async () => {
    const model = await readModelFolder(quantized);
    expect(model.table).toMatchObject({ rows: 128, dim: 64, tokenRows: { tokens: 29524 } });
    expect(model.tokenizer.description.vocabSize).toBe(29524);
  });
});
