import { fromNative, InvalidArgumentError } from '../errors.js';
import { native, type NativeTokenColumn } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { asTexts } from '../texts.js';
import type { ColumnLayout, ColumnTaker } from './columns.js';
import { datasetParts, type Dataset, type DatasetReading } from './dataset.js';
import { readSample, sampleOf, type DatasetSample } from './dataset-sample.js';
import { GuideEmbeddings } from './guides.js';
import type { LabelShape } from './label-needs.js';
import type { Loss } from './losses/loss.js';
import { RowValueBuilder } from './row-values.js';
import { TokenCache } from './token-cache.js';
import type { TokenizedDataset } from './tokenized-dataset.js';

/** A tokenized dataset, and the few of its texts that are kept, to be shown. */
export interface SampledDataset extends TokenizedDataset {
  readonly sample: DatasetSample;
}

/** Who takes the texts of a dataset: a loss, as a rule. */
export type TextTaker = ColumnTaker & Pick<Loss, 'guides'>;

/** What is tokenized, by its name in errors, and for whom. */
interface TakenDataset {
  readonly option: string;
  readonly dataset: Dataset;
  readonly loss: TextTaker;
}

/** Is told the number of texts that are done, and of the columns that they are of. */
type Report = (done: number, columns: number) => void;

/**
 * Tokenizes a dataset once, part by part, or finds its ids in a cache; of the texts little stays but these.
 *
 * @param tokenizerKey - What the ids depend on.
 */
export async function tokenizeDataset(
  model: StaticModel,
  { option, dataset, loss }: TakenDataset,
  tokenizerKey: Uint8Array,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<SampledDataset> {
  const reading = { option, taker: loss, dim: model.table.dim, signal };
  // A guide has to see the texts.
  const cache = hasGuide(loss) ? undefined : await TokenCache.of(dataset, tokenizerKey);
  try {
    const cached = await cache?.load(model.table.rows, reading);
    if (cached !== undefined) return { ...cached, sample: await readSample(dataset, reading) };
    const tokenized = await tokenize(model, dataset, loss, reading, report);
    checkRows(option, loss, tokenized.rows);
    if (cache === undefined) return tokenized;
    await cache.save(tokenized, signal);
    // The mapped file in the place of memory.
    return { ...tokenized, columns: (await cache.loadColumns(model.table.rows)) ?? tokenized.columns };
  } catch (error) {
    throw fromNative(error, signal);
  }
}

function hasGuide({ guides = [] }: TextTaker): boolean {
  return guides.some((guide) => guide !== undefined);
}

function checkRows(option: string, { name, needs: { minimumRows = 1 } }: TextTaker, rows: number): void {
  if (rows >= minimumRows) return;
  throw new InvalidArgumentError(
    `expected at least ${minimumRows} rows in ${option} but found ${rows}: ${name} compares the rows of a batch`,
  );
}

async function tokenize(
  model: StaticModel,
  dataset: Dataset,
  loss: TextTaker,
  reading: DatasetReading,
  report: Report,
): Promise<SampledDataset> {
  const { option, signal } = reading;
  let columns: readonly NativeTokenColumn[] = [];
  let layout: ColumnLayout = { texts: [] };
  let labels: { readonly shape: LabelShape; readonly builder: RowValueBuilder } | undefined;
  let guides: GuideEmbeddings | undefined;
  let sample: DatasetSample = { texts: [], labels: new Float32Array() };
  let rows = 0;
  for await (const part of datasetParts(dataset, reading)) {
    if (rows === 0) {
      layout = part.layout;
      sample = sampleOf(part);
      columns = part.columns.map(() => new native.TokenColumn());
      const shape = part.labels?.shape;
      labels = shape && { shape, builder: new RowValueBuilder(shape.vectors * shape.width) };
      guides = new GuideEmbeddings(loss.guides ?? [], part.columns, option);
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
    await guides?.add(part, signal);
    rows += part.rows;
  }
  return {
    columns,
    layout,
    rows,
    labels: labels && { shape: labels.shape, ...(await labels.builder.take()) },
    guides: (await guides?.take()) ?? [],
    sample,
  };
}
