import type { NativeLoss, NativeObjective } from '../../native/index.js';
import { invalidArgument } from '../../validate.js';
import type { ColumnNeeds } from '../columns.js';
import type { Guide } from '../guides.js';

/** A loss is a description: `lower` turns it into settings for the addon, which computes it. */
export interface Loss {
  readonly name: string;
  /** What it wants of a dataset. */
  readonly needs: ColumnNeeds;
  /** Models that it asks about the texts: one for each term of `lower`, undefined for a term that asks none. */
  readonly guides?: readonly (Guide | undefined)[];
  /**
   * @param dim - Width of the model.
   * @throws InvalidArgumentError when the loss does not fit the model.
   */
  lower(dim: number): NativeLoss;
}

/** @throws InvalidArgumentError naming `option`, for anything else, a class among them. */
export function checkLoss(option: string, loss: unknown): Loss {
  const isLoss = typeof loss === 'object' && loss !== null && 'lower' in loss && typeof loss.lower === 'function';
  if (!isLoss) throw invalidArgument(option, 'a loss, such as new MultipleNegativesRankingLoss()', loss);
  return loss as Loss;
}

/** The loss that is one objective on the full width. */
export function lossOf(objective: NativeObjective): NativeLoss {
  return [{ objective, weight: 1, matryoshkaDims: [], matryoshkaWeights: [], dimsPerStep: 0 }];
}
