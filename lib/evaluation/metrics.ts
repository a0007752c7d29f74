import { descendingOrder } from '../sorted-order.js';
import { eachTieGroup, type Numbers } from './ranked-scores.js';

/** The ranked hits of one query, best first: whether each is relevant. */
export type Relevance = readonly boolean[];

function countRelevant(hits: Relevance, k: number): number {
  let count = 0;
  for (let rank = 0; rank < Math.min(k, hits.length); ++rank) count += hits[rank] === true ? 1 : 0;
  return count;
}

/** 1 if any of the first `k` hits is relevant, else 0. */
export function accuracyAt(hits: Relevance, k: number): number {
  return countRelevant(hits, k) > 0 ? 1 : 0;
}

/** The share of `k` that is relevant, fewer hits than `k` counting as misses. */
export function precisionAt(hits: Relevance, k: number): number {
  return countRelevant(hits, k) / k;
}

/** The share of the relevant documents that is among the first `k` hits. */
export function recallAt(hits: Relevance, k: number, relevant: number): number {
  return countRelevant(hits, k) / relevant;
}

/** 1 / rank of the first relevant hit, ranks counted from 1; 0 if it is not among the first `k`. */
export function reciprocalRankAt(hits: Relevance, k: number): number {
  const first = hits.indexOf(true);
  return first === -1 || first >= k ? 0 : 1 / (first + 1);
}

/**
 * Normalized discounted cumulative gain (Järvelin and Kekäläinen 2002) with binary relevance: the sum of
 * 1 / log2(rank + 1) over the relevant hits among the first `k`, divided by that of the best possible ranking.
 */
export function ndcgAt(hits: Relevance, k: number, relevant: number): number {
  let gain = 0;
  for (let rank = 0; rank < Math.min(k, hits.length); ++rank) {
    if (hits[rank] === true) gain += 1 / Math.log2(rank + 2);
  }
  let ideal = 0;
  for (let rank = 0; rank < Math.min(k, relevant); ++rank) ideal += 1 / Math.log2(rank + 2);
  return gain / ideal;
}

/** The precision at each relevant hit among the first `k`, summed, over the number of them that there could be. */
export function averagePrecisionAt(hits: Relevance, k: number, relevant: number): number {
  let found = 0;
  let sum = 0;
  for (let rank = 0; rank < Math.min(k, hits.length); ++rank) {
    if (hits[rank] === true) sum += ++found / (rank + 1);
  }
  return sum / Math.min(k, relevant);
}

export function mean(values: Numbers): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Pearson's correlation of two series of equal length; NaN if either is constant. */
export function pearson(a: Numbers, b: Numbers): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; ++i) {
    const x = (a[i] ?? 0) - meanA;
    const y = (b[i] ?? 0) - meanB;
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return product / Math.sqrt(squareA * squareB);
}

/** The ranks of the values, the smallest first, from 1; equal values share the mean of their ranks. */
export async function ranks(values: Numbers, signal?: AbortSignal): Promise<Float64Array> {
  const order = await descendingOrder(values, signal);
  const sorted = new Float64Array(order.length);
  for (let position = 0; position < order.length; ++position) sorted[position] = values[order[position] ?? 0] ?? NaN;
  const result = new Float64Array(order.length);
  eachTieGroup(sorted, (begin, end) => {
    const rank = Number.isNaN(sorted[begin]) ? NaN : order.length - (begin + end - 1) / 2;
    for (let position = begin; position < end; ++position) result[order[position] ?? 0] = rank;
  });
  return result;
}

/** Spearman's rank correlation: Pearson's of the ranks. */
export async function spearman(a: Numbers, b: Numbers, signal?: AbortSignal): Promise<number> {
  return pearson(await ranks(a, signal), await ranks(b, signal));
}
