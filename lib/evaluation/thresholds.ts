import { countPositives, type RankedScores } from './ranked-scores.js';

// Scores from a threshold on count as positive. Thresholds lie halfway between two neighbouring scores, in float32 as
// the scores are; there is none below the last score, as in Sentence Transformers.

export interface BestAccuracy {
  readonly accuracy: number;
  /** Undefined where every threshold puts every example on the wrong side. */
  readonly threshold: number | undefined;
}

export interface BestF1 {
  readonly f1: number;
  readonly precision: number;
  readonly recall: number;
  /** Undefined where no threshold lets a positive example through. */
  readonly threshold: number | undefined;
}

function thresholdAfter(scores: Float32Array, rank: number): number {
  return Math.fround(Math.fround((scores[rank] ?? NaN) + (scores[rank + 1] ?? NaN)) / 2);
}

/** The greatest share of examples that one threshold puts on the right side. */
export function bestAccuracy({ scores, labels }: RankedScores): BestAccuracy {
  let best: BestAccuracy = { accuracy: 0, threshold: undefined };
  let positivesAbove = 0;
  let negativesBelow = labels.length - countPositives(labels);
  for (let rank = 0; rank + 1 < labels.length; ++rank) {
    if (labels[rank] === 1) ++positivesAbove;
    else --negativesBelow;
    const accuracy = (positivesAbove + negativesBelow) / labels.length;
    if (accuracy > best.accuracy) best = { accuracy, threshold: thresholdAfter(scores, rank) };
  }
  return best;
}

/** The threshold of the greatest F1, the harmonic mean of precision and recall. */
export function bestF1({ scores, labels }: RankedScores): BestF1 {
  let best: BestF1 = { f1: 0, precision: 0, recall: 0, threshold: undefined };
  const positives = countPositives(labels);
  let found = 0;
  for (let rank = 0; rank + 1 < labels.length; ++rank) {
    found += labels[rank] ?? 0;
    if (found === 0) continue;
    const precision = found / (rank + 1);
    const recall = found / positives;
    const f1 = (2 * precision * recall) / (precision + recall);
    if (f1 > best.f1) best = { f1, precision, recall, threshold: thresholdAfter(scores, rank) };
  }
  return best;
}

/**
 * Matthews' correlation coefficient of the labels with what the threshold says of them (Matthews 1975); 0 where either
 * is the same for all.
 */
export function matthewsCorrelation({ scores, labels }: RankedScores, threshold: number): number {
  let [truePositives, predicted] = [0, 0];
  for (let rank = 0; rank < scores.length; ++rank) {
    if (!((scores[rank] ?? NaN) >= threshold)) continue;
    ++predicted;
    truePositives += labels[rank] ?? 0;
  }
  const count = labels.length;
  const positives = countPositives(labels);
  const scale = Math.sqrt(positives * (count - positives)) * Math.sqrt(predicted * (count - predicted));
  return scale === 0 ? 0 : (truePositives * count - positives * predicted) / scale;
}
