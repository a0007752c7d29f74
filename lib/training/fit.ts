import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import { fromNative } from '../errors.js';
import type { Encodes } from '../evaluation/evaluator.js';
import { native, type NativeTable, type NativeTrainingConfig, type NativeTrainingRun } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import type { Progress, RunSettings } from './checkpoint-state.js';
import { newRunId, removeOldCheckpoints, resumeLatest, resumeRun, writeCheckpoint } from './checkpoint.js';
import { describeDatasets, describeRun, type RunDescription } from './describe-run.js';
import { checkFitOptions, type FitOptions, type FitSettings } from './fit-options.js';
import type { FitResult } from './fit-result.js';
import { runConfig, runSettings } from './run-config.js';
import { readTrainingData, releaseTrainingData, type TrainingData } from './training-data.js';
import { TrainingSession } from './training-session.js';
import { warnOfUnusedRows } from './unused.js';

/**
 * Trains `model` and hands every new table to `publish`: at evaluations, at the end, and when the run is aborted.
 *
 * @param model - What the evaluator is given: the model that `publish` renews.
 * @param saveModel - Writes that model's files into a folder.
 * @param tokenizerKey - What the token ids depend on.
 * @param onResult - Is given what a run has done before each checkpoint and at the end, also when it is aborted or fails.
 * @internal
 */
export async function fit(
  model: Encodes,
  start: StaticModel,
  options: FitOptions,
  publish: (table: NativeTable) => void,
  saveModel: (folder: string) => Promise<void>,
  tokenizerKey: Uint8Array,
  onResult: (result: FitResult, description: RunDescription) => void,
): Promise<FitResult> {
  const settings = checkFitOptions(options);
  const { signal } = settings;
  const begin = performance.now();
  const data = await readTrainingData(start, settings, tokenizerKey, begin);
  const described = describeDatasets(data);
  const config = runConfig(settings);
  const saved = runSettings(config, settings, data);

  const run = newRun(start.table, data, config);
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
      report(); // the checkpoint's card tells of it
      await writeCheckpoint(outputDir, run, table, saved, { runId, ...reported }, saveModel);
      await removeOldCheckpoints(outputDir, runId, saveTotalLimit);
    };
    const { epochs, maxSteps } = settings;
    const steps = await untilAborted(run.countSteps(epochs, Math.min(maxSteps, Number.MAX_SAFE_INTEGER)), signal);
    const session = new TrainingSession(run, steps, data.datasets, settings, { model, publish, save }, progress, begin);
    const report = (): void => {
      const result = session.result();
      onResult(result, describeRun(settings, described, result));
    };
    try {
      await session.train();
    } finally {
      report();
    }
    warnOfUnusedRows(session.result().datasets, settings);
    return session.result();
  } catch (error) {
    throw fromNative(error, signal);
  } finally {
    signal?.removeEventListener('abort', stop);
    run.release();
    releaseTrainingData(data);
  }
}

function newRun(
  table: NativeTable,
  { sources, losses }: TrainingData,
  config: NativeTrainingConfig,
): NativeTrainingRun {
  try {
    return new native.TrainingRun(table, sources, losses, config);
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
