import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LibraryTokenizer, type TokenizedTexts } from '../../lib/formats/library-tokenizer.js';
import { describeWithShared, readGzippedJsonLines } from '../support/shared';

function rows({ ids, offsets }: TokenizedTexts): number[][] {
  return Array.from(offsets.subarray(1), (end, i) => [...ids.subarray(offsets[i], end)]);
}

/** A WordLevel tokenizer of a few words, with settings to be ignored or honoured. */
function wordLevel(settings: object = {}): string {
  return JSON.stringify({
    version: '1.0',
    added_tokens: [
      { id: 4, content: '<sep>', single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    ],
    pre_tokenizer: { type: 'Whitespace' },
    model: { type: 'WordLevel', vocab: { '[UNK]': 0, red: 1, green: 2, blue: 3 }, unk_token: '[UNK]' },
    ...settings,
  });
}

const padding = {
  strategy: { Fixed: 8 },
  direction: 'Right',
  pad_to_multiple_of: null,
  pad_id: 0,
  pad_type_id: 0,
  pad_token: '[UNK]',
};

describe('LibraryTokenizer', () => {
  test('gives the ids of texts, asynchronously and synchronously', async () => {
    const tokenizer = await LibraryTokenizer.create('tokenizer.json', wordLevel());
    const texts = ['red green', '', 'blue grey', 'red<sep>blue'];
    const expected = [[1, 2], [], [3, 0], [1, 4, 3]];
    expect(tokenizer.vocabSize).toBe(5);
    expect(rows(await tokenizer.encodeBatch(texts))).toEqual(expected);
    expect(rows(tokenizer.encodeBatchSync(texts))).toEqual(expected);
    expect(rows(tokenizer.encodeBatchSync([]))).toEqual([]);
  });

  test('keeps calls apart that are in flight together', async () => {
    const tokenizer = await LibraryTokenizer.create('tokenizer.json', wordLevel());
    const first = tokenizer.encodeBatch(Array.from({ length: 3000 }, () => 'red'));
    const second = tokenizer.encodeBatch(['green']);
    expect(rows(tokenizer.encodeBatchSync(['blue', 'blue']))).toEqual([[3], [3]]);
    expect(rows(await second)).toEqual([[2]]);
    expect((await first).offsets.at(-1)).toBe(3000);
  });

  test('honours truncation and ignores padding', async () => {
    const truncation = { direction: 'Right', max_length: 2, strategy: 'LongestFirst', stride: 0 };
    const tokenizer = await LibraryTokenizer.create('tokenizer.json', wordLevel({ truncation, padding }));
    expect(rows(tokenizer.encodeBatchSync(['red green blue', 'red', '']))).toEqual([[1, 2], [1], []]);
  });

  test('adds no special tokens', async () => {
    const post_processor = { type: 'BertProcessing', sep: ['<sep>', 4], cls: ['<sep>', 4] };
    const tokenizer = await LibraryTokenizer.create('tokenizer.json', wordLevel({ post_processor }));
    expect(rows(tokenizer.encodeBatchSync(['red']))).toEqual([[1]]);
  });

  test('names the file that the library refuses', async () => {
    await expect(LibraryTokenizer.create('folder/tokenizer.json', wordLevel({ model: {} }))).rejects.toMatchObject({
      code: 'ERR_MODEL_CORRUPT',
      message: expect.stringMatching(/^folder\/tokenizer\.json: /),
    });
  });

  test('refuses a text over which the library would end the process', async () => {
    const tokenizer = await LibraryTokenizer.create('tokenizer.json', wordLevel());
    const texts = ['red', ' '.repeat((1 << 20) + 1)];
    const error = {
      code: 'ERR_UNSUPPORTED',
      message: 'the tokenizer failed: text 1 has 1048577 characters, and it takes 1048576; cut the text',
    };
    await expect(tokenizer.encodeBatch(texts)).rejects.toMatchObject(error);
    expect(() => tokenizer.encodeBatchSync(texts)).toThrow(expect.objectContaining(error));
    expect(rows(tokenizer.encodeBatchSync(['red']))).toEqual([[1]]);
  });

  test.each(['encodeBatch', 'encodeBatchSync'])('%s notices that the thread has run out of memory', (method) => {
    // The texts are one string here, and as many as there are in the thread.
    const script = `
      const { LibraryTokenizer } = require(${JSON.stringify(resolve('dist/formats/library-tokenizer.js'))});
      const report = ({ name, code }) => console.log(name, code);
      (async () => {
        const tokenizer = await LibraryTokenizer.create('tokenizer.json', ${JSON.stringify(wordLevel())});
        const texts = Array(300).fill('red '.repeat(250_000));
        for (const calls of ['first', 'second']) {
          try { await tokenizer.${method}(texts); } catch (error) { report(error); }
        }
        console.log('alive');
      })();`;
    const { status, stdout } = spawnSync(process.execPath, ['--max-old-space-size=64', '-e', script], {
      encoding: 'utf8',
      timeout: 25_000,
    });
    const thrown = 'OutOfMemoryError ERR_OUT_OF_MEMORY\n';
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${thrown}${thrown}alive\n` });
  });

  test('does not keep the process alive, but a call in flight does', () => {
    const script = `
      const { LibraryTokenizer } = require(${JSON.stringify(resolve('dist/formats/library-tokenizer.js'))});
      LibraryTokenizer.create('tokenizer.json', ${JSON.stringify(wordLevel())})
        .then((tokenizer) => { tokenizer.encodeBatch(['red']).then(({ ids }) => console.log('ids', ...ids)); });`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'ids 1\n', stderr: '' });
  });
});

describeWithShared('LibraryTokenizer against the reference', (shared) => {
  test.each(['gpt2', 'm2v-vq'])('%s: every id', async (name) => {
    const json = readFileSync(join(shared, 'data/tokenizers', `${name}.json`), 'utf8');
    const golden = readGzippedJsonLines('goldens/tokenizer', `${name}.jsonl.gz`) as { text: string; ids: number[] }[];
    expect(golden).toHaveLength(3088);
    const tokenizer = await LibraryTokenizer.create(`${name}.json`, json);
    const texts = golden.map(({ text }) => text);
    const expected = golden.map(({ ids }) => ids);
    expect(rows(await tokenizer.encodeBatch(texts))).toEqual(expected);
    expect(rows(tokenizer.encodeBatchSync(texts))).toEqual(expected);
  });
});
