import { expect } from '@jest/globals';
import type { Metrics } from 'stillvec';

/** The same names in the same order, and values as near as float32 arithmetic allows. */
export function expectMetrics(metrics: Metrics, expected: Metrics): void {
  expect(Object.keys(metrics)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    expect(Math.abs(metrics[name]! - value)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(value)));
  }
}
