import type { SimilarityFunction } from '../similarity-functions.js';
import { similarityFunctions } from '../similarity-functions.js';
import { InvalidArgumentError } from '../errors.js';
import { invalidArgument, oneOf } from '../validate.js';
import type { Encodes, Metrics } from './evaluator.js';

/** A similarity, or the best of several for each metric. */
export type MeasuredBy = SimilarityFunction | 'max';

/** Which similarities an evaluator of pairs goes by, and which of them decides. */
export class SimilarityChoice {
  readonly #names: readonly SimilarityFunction[];
  readonly #main: SimilarityFunction | undefined;
  #model: SimilarityFunction = 'cosine';

  /**
   * @param names - The option `similarityFnNames`.
   * @param mainOption - What the option is called that holds `main`.
   */
  constructor(names: readonly SimilarityFunction[] | undefined, mainOption?: string, main?: SimilarityFunction) {
    if (names !== undefined && !Array.isArray(names)) {
      throw invalidArgument('similarityFnNames', 'an array of names', names);
    }
    for (const name of names ?? []) oneOf('similarityFnNames', name, similarityFunctions);
    if (mainOption !== undefined && main !== undefined) oneOf(mainOption, main, similarityFunctions);
    const hasNames = names !== undefined && names.length > 0;
    if (hasNames && main !== undefined && !names.includes(main)) {
      throw new InvalidArgumentError(
        `expected one of similarityFnNames (${names.join(', ')}) for ${mainOption} but received ${JSON.stringify(main)}`,
      );
    }
    this.#names = hasNames ? [...new Set(names)] : main === undefined ? [] : [main];
    this.#main = main;
  }

  /** What the primary metric is of. Before the first model is measured, where no option names one: cosine. */
  get primary(): MeasuredBy {
    if (this.#main !== undefined) return this.#main;
    return this.#names.length > 1 ? 'max' : (this.#names[0] ?? this.#model);
  }

  /**
   * Measures by each similarity in turn: by the model's own where no option names one.
   *
   * @param title - A metric's name among the others.
   * @returns The metrics of each, and where there are several the greatest of each metric.
   */
  async measure(
    model: Encodes,
    by: (similarity: SimilarityFunction) => Promise<Metrics>,
    title: (similarity: MeasuredBy, metric: string) => string,
  ): Promise<Metrics> {
    this.#model = model.similarityFnName;
    const names = this.#names.length === 0 ? [this.#model] : this.#names;
    const metrics: Metrics = {};
    const greatest: Metrics = {};
    for (const name of names) {
      for (const [metric, value] of Object.entries(await by(name))) {
        metrics[title(name, metric)] = value;
        greatest[title('max', metric)] = Math.max(greatest[title('max', metric)] ?? -Infinity, value);
      }
    }
    return names.length > 1 ? { ...metrics, ...greatest } : metrics;
  }
}
