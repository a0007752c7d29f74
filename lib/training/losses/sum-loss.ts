import type { NativeLoss } from '../../native/index.js';
import { finiteNumber, invalidArgument, knownOptions, object } from '../../validate.js';
import type { ColumnNeeds } from '../columns.js';
import type { Guide } from '../guides.js';
import { joinNeeds } from '../needs.js';
import { checkLoss, type Loss } from './loss.js';

export interface WeightedLoss {
  readonly loss: Loss;
  /** Multiplies the loss. Default: 1. */
  readonly weight?: number;
}

/**
 * The weighted sum of losses over the same texts, which are looked up once for all of them. The losses must be able to
 * share the columns of a dataset; where several read a label, it is the same one.
 */
export class SumLoss implements Loss {
  readonly name: string;
  readonly needs: ColumnNeeds;
  readonly guides: readonly (Guide | undefined)[];
  readonly #terms: readonly Required<WeightedLoss>[];

  /** @throws InvalidArgumentError naming the loss. */
  constructor(losses: readonly WeightedLoss[]) {
    if (!Array.isArray(losses) || losses.length === 0) {
      throw invalidArgument('losses', 'an array of { loss, weight }', losses);
    }
    this.#terms = losses.map((entry: WeightedLoss, i) => {
      const expected = 'an object { loss, weight }';
      if (!('loss' in object(`losses[${i}]`, entry, expected))) throw invalidArgument(`losses[${i}]`, expected, entry);
      knownOptions('SumLoss', entry, ['loss', 'weight']);
      const { loss, weight } = entry;
      checkLoss(`losses[${i}].loss`, loss);
      return { loss, weight: finiteNumber(`losses[${i}].weight`, weight ?? 1) };
    });
    const terms = this.#terms.map(({ loss }) => loss);
    this.name = `SumLoss(${terms.map(({ name }) => name).join(', ')})`;
    this.needs = joinNeeds(terms);
    this.guides = terms.flatMap((loss) => loss.guides ?? [undefined]);
  }

  lower(dim: number): NativeLoss {
    return this.#terms.flatMap(({ loss, weight }) =>
      loss.lower(dim).map((term) => ({ ...term, weight: weight * term.weight })),
    );
  }
}
