import { native, type NativeLoss, type NativeTrainingConfig } from '../native/index.js';
import type { RunSettings } from './checkpoint-state.js';
import type { FitSettings } from './fit-options.js';

/** What the addon is told of a run. */
export function runConfig(settings: FitSettings, loss: NativeLoss): NativeTrainingConfig {
  return {
    loss,
    seed: settings.seed,
    batchSize: settings.batchSize,
    batchSampler: settings.batchSampler,
    dropLast: settings.dropLast,
    precision: trainingPrecision(settings),
    optimizer: settings.optimizer,
    beta1: settings.betas[0],
    beta2: settings.betas[1],
    eps: settings.eps,
    weightDecay: settings.weightDecay,
    maxGradNorm: settings.maxGradNorm,
  };
}

/** @param dataset - Fingerprints of its columns. */
export function runSettings(
  config: NativeTrainingConfig,
  settings: FitSettings,
  dataset: readonly string[],
): RunSettings {
  const { learningRate, epochs, maxSteps, warmupSteps, warmupRatio, scheduler, schedulerOptions } = settings;
  return { ...config, learningRate, epochs, maxSteps, warmupSteps, warmupRatio, scheduler, schedulerOptions, dataset };
}

function trainingPrecision({ precision }: FitSettings): 'float32' | 'bfloat16' {
  if (precision !== 'auto') return precision;
  return native.info().bfloat16 ? 'bfloat16' : 'float32';
}
