import { performance } from 'node:perf_hooks';

import { fromNative, InvalidArgumentError } from '../errors.js';
import { native, type NativeTokenColumn } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { asTexts } from '../texts.js';
import type { ColumnLayout } from './columns.js';
import { datasetParts, datasetRows, type Dataset, type DatasetReading } from './dataset.js';
import { GuideEmbeddings, type Guide } from './guides.js';
import { reportMilliseconds, type FitSettings } from './fit-options.js';
import type { LabelShape } from './label-needs.js';
import { RowValueBuilder, type RowValues } from './row-values.js';
import { TokenCache } from './token-cache.js';

/** The labels of a dataset, rows x (vectors * width). */
export interface DatasetLabels extends RowValues {
  readonly shape: LabelShape;
}

/** A dataset as training takes it: the ids of its texts, its labels, and which of its columns they are. */
export interface TokenizedDataset {
  readonly columns: readonly NativeTokenColumn[];
  /** Undefined where the loss takes none. */
  readonly labels: DatasetLabels | undefined;
  /** What the guides of the loss make of the texts: for each term of the loss none, or one a column. */
  readonly guides: readonly (readonly RowValues[])[];
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
  const reading = { option: 'trainDataset', taker: loss, dim: model.table.dim, signal };
  let reported = begin;
  const report = (done: number, columns: number): void => {
    const now = performance.now();
    const total = (datasetRows(dataset) ?? 0) * columns;
    if (now - reported < reportMilliseconds && done !== total) return;
    reported = now;
    const seconds = (now - begin) / 1000;
    onProgress?.({ phase: 'tokenize', done, total, rows: 0, rowsPerSecond: 0, loss: NaN, learningRate: 0, seconds });
  };
  const guides = loss.guides ?? [];
  // A guide has to see the texts, which the cache has not.
  const isCached = guides.every((guide) => guide === undefined);
  const cache = isCached ? await TokenCache.of(dataset, tokenizerKey, loss.needs) : undefined;
  let tokenized: TokenizedDataset;
  try {
    const cached = await cache?.load(model.table.rows, reading);
    tokenized = cached ?? (await tokenize(model, dataset, guides, reading, report));
    if (cached === undefined && cache !== undefined) {
      await cache.save(tokenized, signal);
      // The mapped file in the place of memory.
      tokenized = { ...tokenized, columns: (await cache.loadColumns(model.table.rows)) ?? tokenized.columns };
    }
  } catch (error) {
    throw fromNative(error, signal);
  }
  const { minimumRows = 1 } = loss.needs;
  if (tokenized.rows < minimumRows) {
    throw new InvalidArgumentError(
      `expected at least ${minimumRows} rows in trainDataset but found ${tokenized.rows}: ${loss.name} compares the ` +
        'rows of a batch',
    );
  }
  return tokenized;
}

/** @param report - Is told the number of texts that are done, and the number of their columns. */
async function tokenize(
  model: StaticModel,
  dataset: Dataset,
  guides: readonly (Guide | undefined)[],
  reading: DatasetReading,
  report: (done: number, columns: number) => void,
): Promise<TokenizedDataset> {
  const { option, signal } = reading;
  let columns: readonly NativeTokenColumn[] = [];
  let layout: ColumnLayout = { texts: [] };
  let labels: { readonly shape: LabelShape; readonly builder: RowValueBuilder } | undefined;
  let embeddings: GuideEmbeddings | undefined;
  let rows = 0;
  for await (const part of datasetParts(dataset, reading)) {
    if (rows === 0) {
      layout = part.layout;
      columns = part.columns.map(() => new native.TokenColumn());
      const shape = part.labels?.shape;
      embeddings = new GuideEmbeddings(guides, part.columns, option);
      labels = shape && { shape, builder: new RowValueBuilder(shape.vectors * shape.width) };
    }
    for (const [i, column] of columns.entries()) {
      const before = rows * columns.length + i * part.rows;
      await model.appendTo(column, asTexts(option, part.columns[i]?.texts ?? []), {
        signal,
        onProgress: (done) => {
          report(before + done, columns.length);
        },
      });
    }
    if (part.labels !== undefined) labels?.builder.add(part.labels.values);
    await embeddings?.add(part, signal);
    rows += part.rows;
  }
  const guided = (await embeddings?.take()) ?? [];
  return {
    columns,
    layout,
    rows,
    guides: guided,
    labels: labels && { shape: labels.shape, ...(await labels.builder.take()) },
  };
}
