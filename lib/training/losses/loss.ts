import { invalidArgument } from '../../validate.js';
import type { ColumnNeeds } from '../columns.js';

/** What a training run computes, complete and checked, in the terms of the addon. */
export interface NativeLoss {
  readonly scale: number;
  readonly similarity: 'cosine' | 'dot';
  readonly directions: readonly string[];
  readonly perDirection: boolean;
  readonly hardnessMode: string;
  readonly hardnessStrength: number;
  /** Ascending; empty for a loss on the full width. */
  readonly matryoshkaDims: readonly number[];
  readonly matryoshkaWeights: readonly number[];
  /** 0 for all dims in each step. */
  readonly dimsPerStep: number;
}

/** A loss is a description: `lower` turns it into settings for the addon, which computes it. */
export interface Loss {
  readonly name: string;
  /** What it wants of a dataset. */
  readonly needs: ColumnNeeds;
  /**
   * @param dim - Width of the model.
   * @throws InvalidArgumentError when the loss does not fit the model.
   */
  lower(dim: number): NativeLoss;
}

/** @throws InvalidArgumentError naming `option`, for anything else, a class among them. */
export function checkLoss(option: string, loss: unknown): void {
  const isLoss = typeof loss === 'object' && loss !== null && 'lower' in loss && typeof loss.lower === 'function';
  if (!isLoss) throw invalidArgument(option, 'a loss, such as new MultipleNegativesRankingLoss()', loss);
}
