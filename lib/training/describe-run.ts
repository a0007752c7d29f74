import type { Evaluator } from '../evaluation/evaluator.js';
import type { CardDataset, CardEvaluator, CardLogRow, TrainingCardData } from '../formats/card-data.js';
import { lossNames } from '../formats/training-card.js';
import { native } from '../native/index.js';
import { packageVersion } from '../package-version.js';
import { describeDataset } from './describe-dataset.js';
import { checkFitOptions, type FitSettings } from './fit-options.js';
import type { FitResult } from './fit-result.js';
import { citationsOf } from './losses/citations.js';
import type { TrainingData } from './training-data.js';

/** What the card of a model tells of a run, which does not know where the model is from. */
export type RunDescription = Omit<TrainingCardData, 'baseModel'>;

/** What a run reads, where it writes and whom it tells: nothing that decides what it learns. */
const leftOut = new Set([
  'trainDataset',
  'evalDataset',
  'loss',
  'evaluator',
  'callbacks',
  'outputDir',
  'resumeFromCheckpoint',
  'onProgress',
  'signal',
]);

/** The loss of a dataset of `evalDataset`. */
const evalLossPattern = /^eval_(.+_)?loss$/;

/** Rows of the log in which the loss of a run is told. */
const logRows = 50;

/** Describes the datasets of a run before it begins: their columns cannot be read while they are trained on. */
export function describeDatasets({ datasets, sources, losses }: TrainingData): readonly CardDataset[] {
  return datasets.map((dataset, i) => describeDataset(dataset, losses[sources[i]?.loss ?? 0] ?? []));
}

/** @param datasets - What `describeDatasets` has said of them. */
export function describeRun(
  settings: FitSettings,
  datasets: { readonly train: readonly CardDataset[]; readonly eval: readonly CardDataset[] },
  result: FitResult,
): RunDescription {
  const { trainDataset, loss, evaluator, loadBestModelAtEnd } = settings;
  const hyperparameters = hyperparametersOf(settings);
  const defaults = hyperparametersOf(checkFitOptions({ trainDataset, loss }));
  const steps = result.history.length;
  const epochOf = (step: number): number => (steps === 0 ? 0 : (result.epoch * step) / steps);
  const best = loadBestModelAtEnd ? result.best?.step : undefined;
  return {
    trainDatasets: datasets.train,
    evalDatasets: datasets.eval,
    hyperparameters,
    changedHyperparameters: Object.keys(hyperparameters).filter(
      (name) => JSON.stringify(hyperparameters[name]) !== JSON.stringify(defaults[name]),
    ),
    evaluator: evaluator === undefined ? null : describeEvaluator(evaluator),
    evaluations: result.evaluations,
    log: logOf(result, evaluator?.primaryMetric, epochOf),
    bestStep: best === undefined || best === steps ? null : best,
    trainingSeconds: result.seconds - result.evaluationSeconds,
    evaluationSeconds: result.evaluationSeconds,
    citations: citationsOf(datasets.train.flatMap((dataset) => lossNames(dataset.loss.name))),
    versions: versions(),
  };
}

function hyperparametersOf(settings: FitSettings): Readonly<Record<string, unknown>> {
  const values = Object.entries<unknown>(settings).filter(([name]) => !leftOut.has(name));
  // JSON has neither.
  return Object.fromEntries(
    values.map(([name, value]) => [name, value === undefined || value === Infinity ? null : value]),
  );
}

function describeEvaluator({ name, primaryMetric, constructor }: Evaluator): CardEvaluator {
  return { kind: constructor === Object ? 'Evaluator' : constructor.name, name, primaryMetric };
}

/** The mean loss of some steps a row; the losses of datasets and the evaluator's primary metric in rows of their steps. */
function logOf(
  { history, evaluations }: FitResult,
  primaryMetric: string | undefined,
  epochOf: (step: number) => number,
): CardLogRow[] {
  const rows = new Map<number, Record<string, number>>();
  const every = Math.ceil(history.length / logRows);
  for (let begin = 0; begin < history.length; begin += every) {
    const steps = history.slice(begin, begin + every);
    const mean = steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length;
    rows.set(begin + steps.length, { 'Training Loss': mean });
  }
  for (const { step, metrics } of evaluations) {
    const told = Object.entries(metrics).filter(([name]) => name === primaryMetric || evalLossPattern.test(name));
    if (told.length > 0) rows.set(step, { ...rows.get(step), ...Object.fromEntries(told) });
  }
  return [...rows].sort(([a], [b]) => a - b).map(([step, values]) => ({ epoch: epochOf(step), step, values }));
}

function versions(): Readonly<Record<string, string>> {
  const { bun, deno, node } = process.versions;
  const version = packageVersion();
  return {
    ...(version !== undefined && { stillvec: version }),
    ...(bun !== undefined ? { Bun: bun } : deno !== undefined ? { Deno: deno } : { 'Node.js': node }),
    'Instruction set': native.info().isa,
  };
}
