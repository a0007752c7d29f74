import path from 'node:path';
import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import type { NativeLoss, NativeSource } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { outOfRange } from '../validate.js';
import { datasetRows, type Dataset } from './dataset.js';
import { DatasetFile } from './files/dataset-file.js';
import { reportMilliseconds, type FitSettings } from './fit-options.js';
import type { Loss } from './losses/loss.js';
import { nameDatasets, type Datasets, type NamedDataset } from './named-datasets.js';
import { tokenizeDataset, type SampledDataset } from './tokenize-dataset.js';
import type { TokenizedDataset } from './tokenized-dataset.js';

/** A dataset that is ready to be trained on. */
export interface TrainingDataset extends SampledDataset {
  readonly name: string;
  /** What it is called on the card of the model; empty where there is nothing to call it by. */
  readonly title: string;
  readonly loss: Loss;
}

/** All datasets of a run, ready to be trained on, or to be evaluated by. */
export interface TrainingData {
  readonly datasets: readonly TrainingDataset[];
  /** One a dataset. */
  readonly sources: readonly NativeSource[];
  readonly losses: readonly NativeLoss[];
  /**
   * Equal for equal texts and labels, and hardly ever for others; by the datasets' names. Empty where nothing will be
   * compared with them: they take a look at every token.
   */
  readonly fingerprints: Readonly<Record<string, string>>;
}

/**
 * Reads and tokenizes the datasets of an option, one after the other.
 *
 * @param begin - When `fit` was called, by `performance.now()`.
 */
export async function readTrainingData(
  option: 'trainDataset' | 'evalDataset',
  given: Dataset | Datasets,
  model: StaticModel,
  settings: FitSettings,
  tokenizerKey: Uint8Array,
  begin: number,
): Promise<TrainingData> {
  const { evalDataset, loss, signal } = settings;
  const named = nameDatasets(option, given, loss);
  for (const { loss: one } of named) checkBatchSize(settings.batchSize, one);
  const distinct = [...new Set(named.map((dataset) => dataset.loss))];
  const losses = distinct.map((one) => one.lower(model.table.dim));
  const datasets: TrainingDataset[] = [];
  const fingerprints: (readonly [name: string, fingerprint: string])[] = [];
  for (const dataset of named) {
    const report = reporter(dataset, named.length > 1 || evalDataset !== undefined, settings, begin);
    const reading = tokenizeDataset(model, dataset, tokenizerKey, report, signal);
    const { name, loss: one } = dataset;
    const title = titleOf(dataset, named.length > 1);
    const tokenized = { ...(await untilAborted(reading, signal)), name, title, loss: one };
    datasets.push(tokenized);
    if (hasCheckpoints(settings)) {
      fingerprints.push([dataset.name, await untilAborted(fingerprintOf(tokenized), signal)]);
    }
  }
  const sources = datasets.map((one, i) => sourceOf(named[i]?.option ?? one.name, one, distinct.indexOf(one.loss)));
  return { datasets, sources, losses, fingerprints: Object.fromEntries(fingerprints) };
}

/** Lets go of labels and guides' embeddings, but for work in flight: collecting them may take long. */
export function releaseTrainingData({ datasets }: TrainingData): void {
  for (const { labels, guides } of datasets) {
    labels?.values.release();
    for (const { values } of guides.flat()) values.release();
  }
}

function checkBatchSize(batchSize: number, { name, needs: { minimumRows = 1 } }: Loss): void {
  if (batchSize >= minimumRows) return;
  const expected = `an integer of at least ${minimumRows} (${name} compares the rows of a batch)`;
  throw outOfRange('batchSize', expected, batchSize);
}

function sourceOf(name: string, { columns, labels, guides }: TokenizedDataset, loss: number): NativeSource {
  return { name, columns, labels: labels ?? null, guides, loss };
}

function hasCheckpoints({ outputDir, resumeFromCheckpoint }: FitSettings): boolean {
  return outputDir !== undefined || typeof resumeFromCheckpoint === 'string';
}

async function fingerprintOf({ columns, labels, guides }: TokenizedDataset): Promise<string> {
  const texts = await Promise.all(columns.map((column) => column.fingerprint()));
  const numbers = [...(labels === undefined ? [] : [labels]), ...guides.flat()];
  return [...texts, ...numbers.map((values) => values.fingerprint)].join(' ');
}

/** The files of a dataset that has no name stand for one. */
function titleOf({ name, dataset }: NamedDataset, isOneOfSeveral: boolean): string {
  if (isOneOfSeveral) return name;
  return dataset instanceof DatasetFile ? dataset.names.map((file) => path.basename(file)).join(', ') : '';
}

/** Tells of texts that are tokenized, from time to time. */
function reporter(
  { name, dataset }: NamedDataset,
  isOneOfSeveral: boolean,
  { onProgress }: FitSettings,
  begin: number,
): (done: number, columns: number) => void {
  let reported = begin;
  return (done, columns) => {
    const now = performance.now();
    const total = (datasetRows(dataset) ?? 0) * columns;
    if (now - reported < reportMilliseconds && done !== total) return;
    reported = now;
    const unknown = { rows: 0, rowsPerSecond: 0, loss: NaN, learningRate: 0 };
    const seconds = (now - begin) / 1000;
    onProgress?.({ phase: 'tokenize', done, total, ...(isOneOfSeveral && { dataset: name }), ...unknown, seconds });
  };
}
