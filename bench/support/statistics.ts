/** The value in the middle; of an even number of values, the mean of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between two values the quantile is interpolated. NaN for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? NaN;
  const above = sorted[Math.ceil(place)] ?? NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/**
 * The median of the ratios of each round: what slows a whole round on a busy machine slows both, and drops out.
 */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  const ratios = numerators.map((value, round) => value / (denominators[round] ?? NaN));
  return median(ratios.filter((ratio) => Number.isFinite(ratio)));
}
