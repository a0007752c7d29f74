import { performance } from 'node:perf_hooks';

import { fromNative, InvalidArgumentError } from '../errors.js';
import { native, type NativeTokenColumn } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { asTexts } from '../texts.js';
import type { ColumnLayout } from './columns.js';
import { datasetParts, datasetRows, type Dataset } from './dataset.js';
import { reportMilliseconds, type FitSettings } from './fit-options.js';
import { TokenCache } from './token-cache.js';

/** A dataset as training takes it: the ids of its texts, and which of its columns they are. */
export interface TokenizedDataset {
  readonly columns: readonly NativeTokenColumn[];
  readonly layout: ColumnLayout;
  readonly rows: number;
}

/**
 * Tokenizes a dataset once, part by part, or finds its ids in a cache; of the texts nothing stays but these.
 *
 * @param tokenizerKey - What the ids depend on.
 * @param begin - When `fit` was called, by `performance.now()`.
 */
export async function tokenizeDataset(
  model: StaticModel,
  dataset: Dataset,
  tokenizerKey: Uint8Array,
  { loss, signal, onProgress }: FitSettings,
  begin: number,
): Promise<TokenizedDataset> {
  let columns: readonly NativeTokenColumn[] = [];
  let layout: ColumnLayout = { texts: [], unused: [] };
  let rows = 0;
  let reported = begin;
  const report = (done: number): void => {
    const now = performance.now();
    const total = (datasetRows(dataset) ?? 0) * columns.length;
    if (now - reported < reportMilliseconds && done !== total) return;
    reported = now;
    const seconds = (now - begin) / 1000;
    onProgress?.({ phase: 'tokenize', done, total, rows: 0, rowsPerSecond: 0, loss: NaN, learningRate: 0, seconds });
  };
  const cache = await TokenCache.of(dataset, tokenizerKey, loss.needs);
  try {
    const cached = await cache?.load(model.table.rows);
    if (cached !== undefined) return cached;
    for await (const part of datasetParts(dataset, { needs: loss.needs, signal })) {
      if (rows === 0) {
        layout = part.layout;
        columns = part.columns.map(() => new native.TokenColumn());
      }
      for (const [i, column] of columns.entries()) {
        const before = rows * columns.length + i * part.rows;
        await model.appendTo(column, asTexts('trainDataset', part.columns[i]?.texts ?? []), {
          signal,
          onProgress: (done) => {
            report(before + done);
          },
        });
      }
      rows += part.rows;
    }
    if (rows > 1 && cache !== undefined) {
      await cache.save({ columns, layout, rows }, signal);
      columns = (await cache.load(model.table.rows))?.columns ?? columns; // the mapped file in the place of memory
    }
  } catch (error) {
    throw fromNative(error, signal);
  }
  if (rows < 2) {
    throw new InvalidArgumentError(
      'expected at least two rows in trainDataset but found 1: the other rows of a batch are its negatives',
    );
  }
  return { columns, layout, rows };
}
