import { untilAborted } from '../abort.js';
import { fromNative, InvalidArgumentError } from '../errors.js';
import { native, type NativeTable, type NativeTokenColumn } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { asTexts, type Utf8Column } from '../texts.js';
import { datasetRows, type Dataset } from './dataset.js';
import { DatasetFile } from './files/dataset-file.js';
import { reportMilliseconds } from './fit-options.js';
import { scaleByIdf } from './idf.js';
import type { IdfRows, InitialRowsProgress } from './initial-rows-options.js';
import type { LabelNeeds } from './label-needs.js';
import { splitDatasets, type Datasets } from './named-datasets.js';
import { tokenizeDataset, type TextTaker } from './tokenize-dataset.js';

/** Where they are made. */
export interface InitialRowsCall {
  /** What token ids depend on. */
  readonly tokenizerKey: Uint8Array;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: InitialRowsProgress) => void) | undefined;
}

/** All text columns count, and no label does. */
const anyLabel: LabelNeeds = {
  expected: 'a finite number',
  accepts: Number.isFinite,
  misfit: () => undefined,
  isOptional: () => true,
};
const allTexts: TextTaker = {
  name: 'initialRows',
  needs: { texts: ['text'], furtherTexts: 'text', label: anyLabel },
};

/** The table of a new model, its rows scaled: another one. */
export async function initialTable(
  model: StaticModel,
  { idf, scale }: Required<IdfRows>,
  { tokenizerKey, signal, onProgress }: InitialRowsCall,
): Promise<NativeTable> {
  const columns: NativeTokenColumn[] = [];
  try {
    for (const { option, dataset } of splitDatasets('initialRows.idf', idf as Dataset | Datasets)) {
      const report = reporter(dataset, onProgress);
      const reading = areTexts(dataset)
        ? tokenizeTexts(model, option, dataset, report, signal)
        : tokenizeRows(model, option, dataset, tokenizerKey, report, signal);
      columns.push(...(await untilAborted(reading, signal)));
    }
    return await scaleByIdf(model.table, columns, scale, signal);
  } catch (error) {
    throw fromNative(error, signal);
  }
}

type Report = (done: number, columns: number) => void;

async function tokenizeTexts(
  model: StaticModel,
  option: string,
  given: readonly string[] | Utf8Column,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<readonly NativeTokenColumn[]> {
  const texts = asTexts(option, given);
  if (texts.count === 0) throw new InvalidArgumentError(`expected at least one text in ${option} but it is empty`);
  const column = new native.TokenColumn();
  await model.appendTo(column, texts, {
    signal,
    onProgress: (done) => {
      report(done, 1);
    },
  });
  return [column];
}

async function tokenizeRows(
  model: StaticModel,
  option: string,
  dataset: Dataset,
  tokenizerKey: Uint8Array,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<readonly NativeTokenColumn[]> {
  const rows = isStream(dataset) ? textsAsRows(dataset) : dataset;
  const { columns, labels } = await tokenizeDataset(
    model,
    { option, dataset: rows, loss: allTexts },
    tokenizerKey,
    report,
    signal,
  );
  labels?.values.release();
  return columns;
}

/** An array of strings, or a column of them; an empty array may be either. */
function areTexts(dataset: unknown): dataset is readonly string[] | Utf8Column {
  if (Array.isArray(dataset)) return typeof dataset[0] !== 'object';
  const { data, offsets } = dataset as Partial<Utf8Column>;
  return data instanceof Uint8Array && ArrayBuffer.isView(offsets);
}

/** An iterable that may give texts as well as rows. */
function isStream(dataset: object): dataset is Iterable<unknown> | AsyncIterable<unknown> {
  if (Array.isArray(dataset) || dataset instanceof DatasetFile) return false;
  return Symbol.iterator in dataset || Symbol.asyncIterator in dataset;
}

async function* textsAsRows(source: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<object> {
  for await (const item of source) yield (typeof item === 'string' ? { text: item } : item) as object;
}

/** Tells of texts that are tokenized, from time to time. */
function reporter(dataset: Dataset, onProgress: InitialRowsCall['onProgress']): Report {
  let reported = performance.now();
  return (done, columns) => {
    const now = performance.now();
    const total = (datasetRows(dataset) ?? 0) * columns;
    if (now - reported < reportMilliseconds && done !== total) return;
    reported = now;
    onProgress?.({ done, total });
  };
}
