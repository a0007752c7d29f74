import { native, type NativePooling, type NativeTrainingConfig } from '../native/index.js';
import type { RunSettings } from './checkpoint-state.js';
import type { FitSettings } from './fit-options.js';
import type { TrainingData } from './training-data.js';

/** What the addon is told of a run. */
export function runConfig(settings: FitSettings, pooling: NativePooling): NativeTrainingConfig {
  return {
    seed: settings.seed,
    batchSize: settings.batchSize,
    batchSampler: settings.batchSampler,
    multiDatasetBatchSampler: settings.multiDatasetBatchSampler,
    dropLast: settings.dropLast,
    precision: trainingPrecision(settings),
    optimizer: settings.optimizer,
    beta1: settings.betas[0],
    beta2: settings.betas[1],
    eps: settings.eps,
    weightDecay: settings.weightDecay,
    maxGradNorm: settings.maxGradNorm,
    pooling,
  };
}

/** What a checkpoint says of the run, so that only the same one goes on from it. */
export function runSettings(
  { pooling, ...config }: NativeTrainingConfig,
  settings: FitSettings,
  { losses, sources, fingerprints }: TrainingData,
): RunSettings {
  const { learningRate, epochs, maxSteps, warmupSteps, warmupRatio, scheduler, schedulerOptions } = settings;
  const { initialize } = settings;
  return {
    ...config,
    pooling: pooling.weighting,
    excludedIds: [...pooling.excludedIds],
    ...{ learningRate, epochs, maxSteps, warmupSteps, warmupRatio, scheduler, schedulerOptions, initialize },
    datasets: fingerprints,
    loss: sources.map(({ loss }) => losses[loss]),
  };
}

export function trainingPrecision({ precision }: FitSettings): 'float32' | 'bfloat16' {
  if (precision !== 'auto') return precision;
  return native.info().bfloat16 ? 'bfloat16' : 'float32';
}
