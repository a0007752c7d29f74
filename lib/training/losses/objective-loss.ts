import type { NativeLoss, NativeObjective } from '../../native/index.js';
import type { ColumnNeeds } from '../columns.js';
import { lossOf, type Loss } from './loss.js';

/** A loss that is one objective of the addon. */
export abstract class ObjectiveLoss implements Loss {
  readonly #objective: NativeObjective;

  protected constructor(
    readonly name: string,
    readonly needs: ColumnNeeds,
    objective: NativeObjective,
  ) {
    this.#objective = objective;
  }

  lower(): NativeLoss {
    return lossOf(this.#objective);
  }
}
