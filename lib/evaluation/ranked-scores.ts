import { descendingOrder } from '../sorted-order.js';

/** An array of numbers, typed or not. */
export type Numbers = ArrayLike<number> & Iterable<number>;

/** Scored examples, the greatest score first; examples of one score in the order that they came in. */
export interface RankedScores {
  readonly scores: Float32Array;
  /** 1 for a positive example, else 0. */
  readonly labels: Uint8Array;
}

/** @param labels - 1 for a positive example, else 0. */
export async function rankScores(scores: Float32Array, labels: Numbers, signal?: AbortSignal): Promise<RankedScores> {
  const order = await descendingOrder(scores, signal);
  const ranked = { scores: new Float32Array(order.length), labels: new Uint8Array(order.length) };
  for (let rank = 0; rank < order.length; ++rank) {
    const i = order[rank] ?? 0;
    ranked.scores[rank] = scores[i] ?? NaN;
    ranked.labels[rank] = labels[i] ?? 0;
  }
  return ranked;
}

/** Visits the runs [begin, end) of equal values. A NaN equals no other. */
export function eachTieGroup(values: Numbers, visit: (begin: number, end: number) => void): void {
  for (let begin = 0, end = 0; begin < values.length; begin = end) {
    do ++end;
    while (end < values.length && values[end] === values[begin]);
    visit(begin, end);
  }
}

export function countPositives(labels: Uint8Array, begin = 0, end = labels.length): number {
  let count = 0;
  for (let rank = begin; rank < end; ++rank) count += labels[rank] ?? 0;
  return count;
}

/**
 * Average precision: the precision down to each score, weighted by what that score adds to the recall. Equal scores
 * count together, so that no order among them is preferred. 0 where nothing is positive.
 */
export function averagePrecision({ scores, labels }: RankedScores): number {
  let found = 0;
  let sum = 0;
  eachTieGroup(scores, (begin, end) => {
    const positives = countPositives(labels, begin, end);
    found += positives;
    sum += (positives * found) / end;
  });
  return found === 0 ? 0 : sum / found;
}

/**
 * Normalized discounted cumulative gain at `k` with binary relevance, averaged over all orders of equal scores (McSherry
 * and Najork 2008). 0 where nothing is positive.
 */
export function tieAveragedNdcg({ scores, labels }: RankedScores, k: number): number {
  const discounts = (begin: number, end: number): number => {
    let sum = 0;
    for (let rank = begin; rank < Math.min(k, end); ++rank) sum += 1 / Math.log2(rank + 2);
    return sum;
  };
  let gain = 0;
  eachTieGroup(scores, (begin, end) => {
    gain += (countPositives(labels, begin, end) / (end - begin)) * discounts(begin, end);
  });
  const ideal = discounts(0, countPositives(labels));
  return ideal === 0 ? 0 : gain / ideal;
}

/** 1 / rank of the first positive example, ranks counted from 1; 0 if it is not among the first `k`. */
export function reciprocalRank({ labels }: RankedScores, k: number): number {
  const first = labels.indexOf(1);
  return first === -1 || first >= k ? 0 : 1 / (first + 1);
}
