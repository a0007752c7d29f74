import { InvalidArgumentError } from '../errors.js';
import type { Evaluator } from '../evaluation/evaluator.js';
import { SequentialEvaluator } from '../evaluation/sequential-evaluator.js';
import { boolean, invalidArgument, nonEmptyString, object, oneOf, positiveInteger } from '../validate.js';
import { logName, unknownMetric } from './best-metric.js';
import { datasetNames } from './named-datasets.js';
import { saveStrategies, strategies, type SaveStrategy, type Strategy } from './strategy.js';

// The options of `fit` that ask how good a model is. What one of them needs of the others is checked before anything is
// read, so that no run fails at its first evaluation for what could be known before.

/** The options of `fit` that these are about, as a caller gives them. */
interface Asked {
  readonly evaluator?: unknown;
  readonly evalDataset?: unknown;
  readonly evalStrategy?: Strategy;
  readonly evalSteps?: number;
  readonly loggingSteps?: number;
  readonly saveStrategy?: SaveStrategy;
  readonly loadBestModelAtEnd?: boolean;
  readonly earlyStoppingPatience?: number;
}

/** Steps between records of the log. */
export const defaultLoggingSteps = 500;

/** The name of the loss of a dataset of `evalDataset`, as the Trainer has it: the option itself where it is the only one. */
export function evalLossName(dataset: string): string {
  return dataset === 'evalDataset' ? 'eval_loss' : `eval_${dataset}_loss`;
}

export function checkEvaluator(option: string, given: unknown): Evaluator {
  if (Array.isArray(given)) {
    return new SequentialEvaluator(given.map((evaluator, i) => checkEvaluator(`${option}[${i}]`, evaluator)));
  }
  if (typeof object(option, given)['evaluate'] !== 'function') throw invalidArgument(option, 'an evaluator', given);
  return given as Evaluator;
}

export function checkEvalStrategy(option: string, given: unknown, options: Asked): Strategy {
  const isMeasured = measures(options);
  if (given === undefined) return isMeasured ? 'steps' : 'no';
  const strategy = oneOf(option, given, strategies);
  if (strategy === 'no' || isMeasured) return strategy;
  throw invalidArgument(option, "'no' (there is neither evaluator nor evalDataset)", given);
}

/** Only an evaluation at the end, unless something is said. */
export function checkEvalSteps(option: string, given: unknown, { evalStrategy, loggingSteps }: Asked): number {
  if (given !== undefined) return positiveInteger(option, given);
  return evalStrategy === 'steps' ? (loggingSteps ?? defaultLoggingSteps) : Infinity;
}

export function checkSaveStrategy(option: string, given: unknown, options: Asked): SaveStrategy {
  const strategy = oneOf(option, given ?? 'steps', saveStrategies);
  if (strategy === 'best') checkCompares("saveStrategy 'best'", options);
  return strategy;
}

export function checkLoadBest(option: string, given: unknown, options: Asked): boolean {
  const isWanted = boolean(option, given ?? false);
  if (isWanted) checkCompares(option, options);
  return isWanted;
}

export function checkPatience(option: string, given: unknown, options: Asked): number | undefined {
  if (given === undefined) return undefined;
  const patience = positiveInteger(option, given);
  checkCompares(option, options);
  return patience;
}

/** With or without `eval_`; undefined for the evaluator's primary metric. */
export function checkBestMetric(option: string, given: unknown, options: Asked): string | undefined {
  const { evaluator, evalDataset, loadBestModelAtEnd, saveStrategy, earlyStoppingPatience } = options;
  const losses = (evalDataset === undefined ? [] : datasetNames('evalDataset', evalDataset)).map(evalLossName);
  if (given === undefined) {
    if (losses.length === 1) return losses[0];
    const isNeeded = loadBestModelAtEnd === true || saveStrategy === 'best' || earlyStoppingPatience !== undefined;
    // Without any loss, the option that needs one is refused.
    if (!isNeeded || evaluator !== undefined || losses.length === 0) return undefined;
    throw invalidArgument(option, `one of ${losses.join(', ')}`, given);
  }
  const metric = nonEmptyString(option, given);
  if (!measures(options)) throw invalidArgument(option, 'an evaluator or evalDataset that gives it', given);
  // What an evaluator gives is known once it was run.
  if (evaluator === undefined && !losses.includes(logName(metric))) throw unknownMetric(metric, losses);
  return metric;
}

function measures({ evaluator, evalDataset }: Asked): boolean {
  return evaluator !== undefined || evalDataset !== undefined;
}

/** @throws InvalidArgumentError where there are no evaluations in a run that could be compared. */
function checkCompares(option: string, options: Asked): void {
  const { evalStrategy, evalSteps } = options;
  const isRepeated = evalStrategy === undefined ? evalSteps !== undefined : evalStrategy !== 'no';
  const missing = [
    ...(measures(options) ? [] : ['an evaluator or evalDataset']),
    ...(isRepeated ? [] : ["evalSteps or evalStrategy 'steps' or 'epoch'"]),
  ];
  if (missing.length === 0) return;
  throw new InvalidArgumentError(
    `expected ${missing.join(', and ')} for ${option} but received none: it compares the evaluations of a run`,
  );
}
