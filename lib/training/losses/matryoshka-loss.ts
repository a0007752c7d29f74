import type { NativeLoss } from '../../native/index.js';
import {
  finiteNumber,
  integer,
  invalidArgument,
  knownOptions,
  object,
  outOfRange,
  positiveIntegers,
} from '../../validate.js';
import type { ColumnNeeds } from '../columns.js';
import type { Guide } from '../guides.js';
import { checkLoss, type Loss } from './loss.js';

export interface MatryoshkaLossOptions {
  /** The prefix lengths that shall work as embeddings of their own, in any order. */
  readonly dims: readonly number[];
  /** One a dim, in the order of `dims`. Default: 1 each. */
  readonly weights?: readonly number[];
  /** Train that many dims a step, drawn anew each time. Default: -1, all of them. */
  readonly nDimsPerStep?: number;
}

/**
 * The weighted sum of a loss over L2-normalized prefixes of the embeddings (Kusupati et al. 2022, arXiv:2205.13147), so
 * that they can be truncated afterwards. Any loss will do, a sum of losses included; all prefixes together cost one pass
 * over the full width.
 */
export class MatryoshkaLoss implements Loss {
  readonly name: string;
  readonly needs: ColumnNeeds;
  readonly guides: readonly (Guide | undefined)[];
  readonly #inner: Loss;
  readonly #prefixes: readonly { readonly dim: number; readonly weight: number }[];
  readonly #dimsPerStep: number;

  /** @throws InvalidArgumentError naming the option. */
  constructor(loss: Loss, options: MatryoshkaLossOptions) {
    checkLoss('loss', loss);
    if (loss instanceof MatryoshkaLoss) throw invalidArgument('loss', 'a loss that is no MatryoshkaLoss itself', loss);
    knownOptions('MatryoshkaLoss', object('options', options), ['dims', 'weights', 'nDimsPerStep'], {
      matryoshkaDims: 'its name is dims',
      matryoshkaWeights: 'its name is weights',
    });
    const dims = positiveIntegers('dims', options.dims);
    const weights = options.weights ?? dims.map(() => 1);
    if (!Array.isArray(weights) || weights.length !== dims.length) {
      throw invalidArgument('weights', `an array of ${dims.length} numbers, one a dim`, weights);
    }
    if (new Set(dims).size !== dims.length) throw invalidArgument('dims', 'different dims', dims.join(', '));
    const perStep = integer('nDimsPerStep', options.nDimsPerStep ?? -1, { min: -1, max: dims.length });
    if (perStep === 0) throw outOfRange('nDimsPerStep', '-1 or an integer of at least 1', perStep);
    this.name = `MatryoshkaLoss(${loss.name})`;
    this.needs = loss.needs;
    this.guides = loss.guides ?? [];
    this.#inner = loss;
    this.#prefixes = dims
      .map((dim, i) => ({ dim, weight: finiteNumber(`weights[${i}]`, weights[i], { min: 0 }) }))
      .sort((a, b) => a.dim - b.dim);
    this.#dimsPerStep = perStep === -1 ? 0 : perStep;
  }

  lower(dim: number): NativeLoss {
    const beyond = this.#prefixes.find((prefix) => prefix.dim > dim);
    if (beyond !== undefined) throw outOfRange('dims', `dims of at most ${dim}, the width of the model`, beyond.dim);
    const terms = this.#inner.lower(dim);
    if (terms.some(({ matryoshkaDims }) => matryoshkaDims.length > 0)) {
      throw invalidArgument('loss', 'a loss without a MatryoshkaLoss in it', this.#inner);
    }
    return terms.map((term) => ({
      ...term,
      matryoshkaDims: this.#prefixes.map((prefix) => prefix.dim),
      matryoshkaWeights: this.#prefixes.map((prefix) => prefix.weight),
      dimsPerStep: this.#dimsPerStep,
    }));
  }
}
