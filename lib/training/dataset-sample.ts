import { datasetParts, type Dataset, type DatasetReading, type TrainingColumns } from './dataset.js';

/** What a model's card shows of a dataset. */
export interface DatasetSample {
  /** The first texts of each column of texts. */
  readonly texts: readonly (readonly string[])[];
  /** The first labels, rows x (vectors * width). */
  readonly labels: Float32Array;
}

/** Rows whose texts are shown. */
const shownRows = 3;

/** Rows that statistics are made of. */
export const describedRows = 100;

/** @param part - The first one of the dataset. */
export function sampleOf({ columns, labels }: TrainingColumns): DatasetSample {
  return {
    texts: columns.map(({ texts }) => texts.slice(0, shownRows)),
    labels: labels?.values.slice(0, describedRows * labels.shape.vectors * labels.shape.width) ?? new Float32Array(),
  };
}

/** Reads no further than the first part; a dataset that cannot be read has nothing to show. */
export async function readSample(dataset: Dataset, reading: DatasetReading): Promise<DatasetSample> {
  const parts = datasetParts(dataset, reading);
  try {
    const first = await parts.next();
    if (first.done !== true) return sampleOf(first.value);
  } catch {
    reading.signal?.throwIfAborted();
  } finally {
    await parts.return(undefined);
  }
  return { texts: [], labels: new Float32Array() };
}
