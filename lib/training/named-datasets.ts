import { InvalidArgumentError } from '../errors.js';
import { nearestName } from '../validate.js';
import type { Dataset } from './dataset.js';
import { checkLoss, type Loss } from './losses/loss.js';

/** Several datasets, by name. */
export type Datasets = Readonly<Record<string, Dataset>>;

/** A loss for each of several datasets, by the dataset's name. */
export type Losses = Readonly<Record<string, Loss>>;

/** A dataset, and the loss that is computed from it. */
export interface NamedDataset {
  /** By which it stands among several; that of the option where there is only one. */
  readonly name: string;
  /** Its name in errors, such as `trainDataset.nli`. */
  readonly option: string;
  readonly dataset: Dataset;
  readonly loss: Loss;
}

/**
 * The datasets of an option, each with its loss: of the same name, or the one for all.
 *
 * @throws InvalidArgumentError naming a dataset without a loss.
 */
export function nameDatasets(option: string, given: Dataset | Datasets, loss: Loss | Losses): readonly NamedDataset[] {
  if (!areSeveral(given)) {
    const single = isLosses(loss) ? checkLoss(`loss (one, since ${option} is one dataset)`, loss) : loss;
    return splitDatasets(option, given).map((dataset) => ({ ...dataset, loss: single }));
  }
  return splitDatasets(option, given).map((dataset) => {
    const { name } = dataset;
    const own = isLosses(loss) ? checkLoss(`loss.${name}, as ${option} has a dataset of that name,`, loss[name]) : loss;
    return { ...dataset, loss: own };
  });
}

/** The datasets of an option. */
export function splitDatasets(option: string, given: Dataset | Datasets): readonly Omit<NamedDataset, 'loss'>[] {
  if (!areSeveral(given)) return [{ name: option, option, dataset: given }];
  return Object.entries(given).map(([name, dataset]) => ({ name, option: `${option}.${name}`, dataset }));
}

/** The names of the datasets of an option: its own where it is one dataset. */
export function datasetNames(option: string, given: unknown): readonly string[] {
  return areSeveral(given) ? Object.keys(given) : [option];
}

/** @throws InvalidArgumentError for a loss that is none, or that is named for a dataset which does not exist. */
export function checkLosses(
  option: string,
  given: unknown,
  { trainDataset, evalDataset }: { readonly trainDataset?: unknown; readonly evalDataset?: unknown },
): Loss | Losses {
  if (!isLosses(given)) return checkLoss(option, given);
  if (!areSeveral(trainDataset)) return given;
  const names = [trainDataset, evalDataset].filter(areSeveral).flatMap((datasets) => Object.keys(datasets));
  for (const name of Object.keys(given)) {
    checkLoss(`${option}.${name}`, given[name]);
    if (names.includes(name)) continue;
    const nearest = nearestName(name, names);
    throw new InvalidArgumentError(
      `expected names of datasets (${[...new Set(names)].join(', ')}) for ${option} but received ${name}` +
        (nearest === undefined ? '' : `: did you mean ${nearest}?`),
    );
  }
  return given;
}

function isLosses(loss: unknown): loss is Losses {
  if (typeof loss !== 'object' || loss === null || 'lower' in loss) return false;
  return Object.values(loss).some((one) => typeof one === 'object' && one !== null && 'lower' in one);
}

/** Whether an object holds datasets rather than being one: one of its values is a dataset, which no column is. */
function areSeveral(given: unknown): given is Datasets {
  if (typeof given !== 'object' || given === null || isIterable(given) || 'then' in given) return false;
  return Object.values(given).some(isDataset);
}

/** Rows, columns, an iterable or a promise of them: what no column of texts or labels is. */
function isDataset(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  if (!Array.isArray(value)) return !('data' in value && 'shape' in value);
  const first: unknown = value[0];
  return typeof first === 'object' && first !== null && !Array.isArray(first) && !ArrayBuffer.isView(first);
}

function isIterable(value: object): boolean {
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}
