import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import { fromNative } from '../errors.js';
import type { Encodes } from '../evaluation/evaluator.js';
import {
  native,
  type NativeSource,
  type NativeTable,
  type NativeTrainingConfig,
  type NativeTrainingRun,
} from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import type { Progress, RunSettings } from './checkpoint-state.js';
import { newRunId, removeOldCheckpoints, resumeLatest, resumeRun, writeCheckpoint } from './checkpoint.js';
import { checkFitOptions, type FitOptions, type FitSettings } from './fit-options.js';
import type { FitResult } from './fit-result.js';
import { runConfig, runSettings } from './run-config.js';
import { tokenizeDataset } from './tokenize-dataset.js';
import { TrainingSession } from './training-session.js';
import { warnOfUnusedRows } from './unused.js';

/**
 * Trains `model` and hands every new table to `publish`: at evaluations, at the end, and when the run is aborted.
 *
 * @param model - What the evaluator is given: the model that `publish` renews.
 * @param saveModel - Writes that model's files into a folder.
 * @param tokenizerKey - What the token ids depend on.
 * @internal
 */
export async function fit(
  model: Encodes,
  start: StaticModel,
  options: FitOptions,
  publish: (table: NativeTable) => void,
  saveModel: (folder: string) => Promise<void>,
  tokenizerKey: Uint8Array,
): Promise<FitResult> {
  const settings = checkFitOptions(options);
  const { signal } = settings;
  const begin = performance.now();
  const config = runConfig(settings, settings.loss.lower(start.table.dim));
  const reading = tokenizeDataset(start, settings.trainDataset, tokenizerKey, settings, begin);
  const { columns, labels, guides, layout, rows } = await untilAborted(reading, signal);
  const dataset = { rows, columns: layout.texts, ...(layout.label !== undefined && { label: layout.label }) };
  const fingerprints = await untilAborted(Promise.all(columns.map((column) => column.fingerprint())), signal);
  const values = [...(labels === undefined ? [] : [labels]), ...guides.flat()];
  const saved = runSettings(config, settings, [...fingerprints, ...values.map(({ fingerprint }) => fingerprint)]);

  const run = newRun(start.table, { columns, labels: labels ?? null, guides }, config);
  const stop = (): void => {
    run.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await untilAborted(run.build(), signal);
    const progress = await resume(run, start.table, settings, saved);
    const { runId } = progress;
    const { outputDir, saveTotalLimit } = settings;
    if (outputDir !== undefined) await removeOldCheckpoints(outputDir, runId, saveTotalLimit);
    const save = async (outputDir: string, reported: Omit<Progress, 'runId'>): Promise<void> => {
      const table = await run.snapshot();
      publish(table);
      await writeCheckpoint(outputDir, run, table, saved, { runId, ...reported }, saveModel);
      await removeOldCheckpoints(outputDir, runId, saveTotalLimit);
    };
    const session = new TrainingSession(run, settings, { model, publish, save }, progress, begin);
    await session.train();
    const result = { ...session.result(), dataset: { ...dataset, unusedRows: session.unusedRows(rows) } };
    const { batchSampler, dropLast, batchSize } = settings;
    warnOfUnusedRows(result.dataset, batchSampler, dropLast ? batchSize - 1 : 1);
    return result;
  } catch (error) {
    throw fromNative(error, signal);
  } finally {
    signal?.removeEventListener('abort', stop);
    run.release();
  }
}

function newRun(table: NativeTable, source: NativeSource, config: NativeTrainingConfig): NativeTrainingRun {
  try {
    return new native.TrainingRun(table, source, config);
  } catch (error) {
    throw fromNative(error);
  }
}

async function resume(
  run: NativeTrainingRun,
  table: NativeTable,
  { resumeFromCheckpoint, outputDir }: FitSettings,
  runSettings: RunSettings,
): Promise<Progress> {
  if (typeof resumeFromCheckpoint === 'string') return resumeRun(resumeFromCheckpoint, run, table, runSettings);
  const progress =
    resumeFromCheckpoint && outputDir !== undefined
      ? await resumeLatest(outputDir, run, table, runSettings)
      : undefined;
  return progress ?? { runId: newRunId(), history: [], evaluations: [], rows: 0 };
}
