import type { Utf8Column } from '../texts.js';
import { invalidArgument, knownOptions } from '../validate.js';
import type { Dataset } from './dataset.js';
import { checkIdfScale, defaultIdfScale } from './idf.js';
import type { Datasets } from './named-datasets.js';

/** Texts, or what `fit` takes as `trainDataset`: then those of all its text columns. */
export type IdfTexts = readonly string[] | Utf8Column | Iterable<string> | AsyncIterable<string> | Dataset | Datasets;

/**
 * Random rows times `scale` x idf of their tokens, the inverse document frequency. Training gives frequent words long rows
 * and leaves those of rare words as they were, so that rare words, which say most about a text, are drowned; with
 * this start they weigh the most from the beginning.
 */
export interface IdfRows {
  /** Which texts count: best those that the model will be trained on. */
  readonly idf: IdfTexts;
  /** Of the rows; steps of training, which are of the learning rate's size, matter the less the greater it is. Default: 5. */
  readonly scale?: number;
}

export type InitialRows = 'normal' | IdfRows;

/** What making them reports. */
export interface InitialRowsProgress {
  /** Texts of `initialRows` that are tokenized: of one dataset, where there are several. */
  readonly done: number;
  /** 0 where it is not known: an iterable's texts. */
  readonly total: number;
}

/** @returns Undefined for `normal`. The texts are checked as they are read. */
export function checkInitialRows(option: string, rows: unknown): Required<IdfRows> | undefined {
  if (rows === undefined || rows === 'normal') return undefined;
  const expected = "'normal' or an object such as { idf: texts, scale: 5 }";
  if (typeof rows !== 'object' || rows === null || !('idf' in rows)) throw invalidArgument(option, expected, rows);
  knownOptions(option, rows, ['idf', 'scale']);
  const { idf, scale = defaultIdfScale } = rows as IdfRows;
  if (typeof idf !== 'object' || (idf as unknown) === null) {
    throw invalidArgument(`${option}.idf`, 'an array of texts or a dataset', idf);
  }
  return { idf, scale: checkIdfScale(`${option}.scale`, scale) };
}
