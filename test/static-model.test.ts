import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { createModel } from '../lib/model-source.js';
import { native } from '../lib/native/index.js';
import { asTexts } from '../lib/texts.js';
import { writeTinyTokenizer } from './support/tiny-tokenizer';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stillvec-static-model-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('appendTo', () => {
  /** Far more than are on the pool at a time, some with much more to do than others. */
  const texts = Array.from({ length: 40_000 }, (_, i) => 'fox '.repeat(i % 8192 < 4096 ? 8 : 0) + i.toString(36));

  test('appends in the order of the texts, however many runs are under way', async () => {
    const { model } = await createModel(writeTinyTokenizer(folder), 4, 1, {}, undefined);
    const { ids, offsets } = model.tokenize(asTexts('texts', texts));
    const column = new native.TokenColumn();
    const reported: number[] = [];
    const onProgress = (done: number): void => {
      reported.push(done);
    };
    await model.appendTo(column, asTexts('texts', texts.slice(0, 5)), {});
    await model.appendTo(column, asTexts('texts', texts.slice(5)), { onProgress });
    expect([column.count, column.tokens]).toEqual([texts.length, ids.length]);
    const copied = { ids: new Uint32Array(ids.length), offsets: new BigUint64Array(offsets.length) };
    column.copyIds(0, copied.ids);
    column.copyOffsets(0, copied.offsets);
    expect(Buffer.compare(Buffer.from(copied.ids.buffer), Buffer.from(ids.slice().buffer))).toBe(0);
    expect(copied.offsets.every((offset, i) => Number(offset) === offsets[i])).toBe(true);
    expect(reported).toEqual([...reported].sort((a, b) => a - b));
    expect(reported.at(-1)).toBe(texts.length - 5);
  });

  test('ends at an abort with its reason', async () => {
    const { model } = await createModel(writeTinyTokenizer(folder), 4, 1, {}, undefined);
    const stop = new AbortController();
    const reason = new Error('enough');
    const appending = model.appendTo(new native.TokenColumn(), asTexts('texts', texts), {
      signal: stop.signal,
      onProgress: () => {
        stop.abort(reason);
      },
    });
    await expect(appending).rejects.toBe(reason);
  });
});
