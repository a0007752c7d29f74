import { oneOf } from '../../validate.js';
import type { ColumnNeeds } from '../columns.js';
import { classLabel } from '../label-needs.js';

/** `cosine` is 1 - the cosine of the angle between two embeddings. */
export type BatchDistanceMetric = 'euclidean' | 'cosine';

export interface BatchTripletLossOptions {
  /** Default: `euclidean`. */
  readonly distanceMetric?: BatchDistanceMetric;
  /** How much farther than texts of its class texts of the others shall be. Default: 5. */
  readonly margin?: number;
}

/** Of the losses that find triplets among the texts of a batch: one text a row, and its class. */
export const batchTripletNeeds: ColumnNeeds = { texts: ['text'], label: classLabel };

export function batchDistanceMetric(metric: unknown): BatchDistanceMetric {
  return oneOf('distanceMetric', metric ?? 'euclidean', ['euclidean', 'cosine']);
}
