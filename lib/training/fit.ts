import path from 'node:path';
import { performance } from 'node:perf_hooks';

import { untilAborted } from '../abort.js';
import { fromNative } from '../errors.js';
import type { Encodes } from '../evaluation/evaluator.js';
import { native, type NativeTable, type NativeTrainingConfig, type NativeTrainingRun } from '../native/index.js';
import type { StaticModel } from '../static-model.js';
import { BestMetric } from './best-metric.js';
import { BestModel } from './best-model.js';
import type { Progress, RunSettings } from './checkpoint-state.js';
import {
  loadModelTable,
  newRunId,
  removeOldCheckpoints,
  resumeLatest,
  resumeRun,
  writeCheckpoint,
} from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { describeDatasets, describeRun, type RunDescription } from './describe-run.js';
import { EarlyStopping } from './early-stopping.js';
import { checkFitOptions, type FitOptions, type FitSettings } from './fit-options.js';
import type { FitResult } from './fit-result.js';
import { scaleByIdf } from './idf.js';
import type { Datasets } from './named-datasets.js';
import { runConfig, runSettings } from './run-config.js';
import { RunEvaluation } from './run-evaluation.js';
import { RunLog } from './run-log.js';
import { RunRecord } from './run-record.js';
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
  const read = (option: 'trainDataset' | 'evalDataset', dataset: Dataset | Datasets): Promise<TrainingData> =>
    readTrainingData(option, dataset, start, settings, tokenizerKey, begin);
  const data = await read('trainDataset', settings.trainDataset);
  const evalData = settings.evalDataset === undefined ? undefined : await read('evalDataset', settings.evalDataset);
  const described = {
    train: describeDatasets(data),
    eval: evalData === undefined ? [] : describeDatasets(evalData),
  };
  const config = runConfig(settings, start.pooling);
  const saved = runSettings(config, settings, data);

  const tokenized = performance.now();
  const metric = bestMetric(settings);
  const best = metric && new BestModel(metric);
  const table = await startTable(start.table, data, settings);
  const run = newRun(table, data, config);
  const stop = (): void => {
    run.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await untilAborted(run.build(), signal);
    if (table !== start.table) table.release();
    const progress = await resume(run, start.table, settings, saved);
    if (best !== undefined) await resumeBest(best, progress, run, settings);
    const { runId } = progress;
    const { epochs, maxSteps, outputDir, saveTotalLimit, loadBestModelAtEnd } = settings;
    const removeOld = async (outputDir: string): Promise<void> => {
      await removeOldCheckpoints(outputDir, runId, saveTotalLimit, loadBestModelAtEnd ? best?.best?.step : undefined);
    };
    if (outputDir !== undefined) await removeOld(outputDir);
    const save = async (outputDir: string, table: NativeTable, reported: Omit<Progress, 'runId'>): Promise<void> => {
      report(); // the checkpoint's card tells of it
      await writeCheckpoint(outputDir, run, table, saved, { runId, ...reported }, saveModel);
      await removeOld(outputDir);
    };
    const steps = await untilAborted(run.countSteps(epochs, Math.min(maxSteps, Number.MAX_SAFE_INTEGER)), signal);
    const overhead = { tokenizing: (tokenized - begin) / 1000, setup: (performance.now() - tokenized) / 1000 };
    const record = new RunRecord(progress, steps, data.datasets, best, overhead);
    const parts = {
      evaluation: evaluates(settings) ? new RunEvaluation(evalData, settings, start.pooling) : undefined,
      best,
      callbacks: [...earlyStopping(metric, settings), ...settings.callbacks],
      log: outputDir === undefined ? undefined : new RunLog(outputDir, record.step > 0),
    };
    const session = new TrainingSession(run, record, data.datasets, settings, { model, publish, save }, parts, begin);
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
    best?.release();
    run.release();
    releaseTrainingData(data);
    if (evalData !== undefined) releaseTrainingData(evalData);
  }
}

function evaluates({ evaluator, evalDataset }: FitSettings): boolean {
  return evaluator !== undefined || evalDataset !== undefined;
}

/** Undefined where there is nothing to compare models by. */
function bestMetric({ metricForBestModel, evaluator, greaterIsBetter }: FitSettings): BestMetric | undefined {
  if (metricForBestModel === undefined && evaluator === undefined) return undefined;
  return new BestMetric(() => metricForBestModel ?? evaluator?.primaryMetric ?? '', greaterIsBetter);
}

function earlyStopping(
  metric: BestMetric | undefined,
  { earlyStoppingPatience, earlyStoppingThreshold }: FitSettings,
): readonly EarlyStopping[] {
  if (metric === undefined || earlyStoppingPatience === undefined) return [];
  return [new EarlyStopping(metric, earlyStoppingPatience, earlyStoppingThreshold)];
}

/** The table that the first step begins with: another one where its rows are scaled, which is its run's alone. */
async function startTable(
  table: NativeTable,
  { datasets }: TrainingData,
  { initialize, signal }: FitSettings,
): Promise<NativeTable> {
  if (initialize === undefined) return table;
  const columns = datasets.flatMap((dataset) => dataset.columns);
  try {
    return await scaleByIdf(table, columns, initialize.scale, signal);
  } catch (error) {
    throw fromNative(error, signal);
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
  return progress ?? { runId: newRunId(), history: [], evaluations: [], log: [], rows: 0, epoch: 0 };
}

/** What was best in the evaluations of a run that goes on, and its table. */
async function resumeBest(
  best: BestModel,
  { runId, history, evaluations }: Progress,
  run: NativeTrainingRun,
  { loadBestModelAtEnd, resumeFromCheckpoint, outputDir = '' }: FitSettings,
): Promise<void> {
  for (const evaluation of evaluations) best.consider(evaluation);
  if (!loadBestModelAtEnd || best.best === undefined) return;
  const { step } = best.best;
  const folder =
    typeof resumeFromCheckpoint === 'string' ? path.dirname(path.resolve(resumeFromCheckpoint)) : outputDir;
  best.keep(step === history.length ? await run.snapshot() : await loadModelTable(folder, runId, step));
}
