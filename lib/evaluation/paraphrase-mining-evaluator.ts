import { Pause } from '../event-loop.js';
import { paraphraseMining, type ScoredPair } from '../search/paraphrase-mining.js';
import { boolean, invalidArgument, positiveInteger } from '../validate.js';
import { BaseEvaluator, type BaseEvaluatorOptions } from './base-evaluator.js';
import { textEntries, type TextsById } from './checks.js';
import type { Encodes, EvaluateOptions, Metrics } from './evaluator.js';

export interface ParaphraseMiningEvaluatorOptions extends BaseEvaluatorOptions {
  sentences: TextsById;
  /** Pairs of ids of sentences that say the same, in any order. Pairs with an id that no sentence has are left out. */
  duplicates: Iterable<readonly [string, string]>;
  /** Whether duplicates of duplicates count as duplicates. Default: false. */
  addTransitiveClosure?: boolean;
  /** Most similar others that are looked at of each sentence. Default: 100. */
  topK?: number;
  /** Pairs to look at, the most similar ones. Default: 500,000. */
  maxPairs?: number;
}

const optionNames = ['sentences', 'duplicates', 'addTransitiveClosure', 'topK', 'maxPairs'];

/** The pairs of sentences, by position, that say the same. */
interface Duplicates {
  readonly count: number;
  has(i: number, j: number): boolean;
}

/** Pairs that are looked at between two looks at the clock. */
const pairsAtOnce = 1 << 14;

/**
 * Looks for the most similar pairs among all sentences, by cosine, and compares them with those that are known to say
 * the same: average precision, which is the primary metric, and the best F1 with its threshold, precision and recall.
 */
export class ParaphraseMiningEvaluator extends BaseEvaluator {
  protected readonly primary = 'average_precision';
  protected readonly csvTitle = 'paraphrase_mining_evaluation';
  readonly #sentences: readonly string[];
  readonly #duplicates: Duplicates;
  readonly #topK: number;
  readonly #maxPairs: number;

  constructor(options: ParaphraseMiningEvaluatorOptions) {
    super(options, '{ sentences, duplicates }', optionNames);
    const sentences = textEntries('sentences', options.sentences);
    const positions = new Map(sentences.map(([id], position) => [id, position]));
    const pairs = positionPairs(options.duplicates, positions);
    this.#sentences = sentences.map(([, text]) => text);
    this.#duplicates = boolean('addTransitiveClosure', options.addTransitiveClosure ?? false)
      ? closureOf(pairs, sentences.length)
      : listedIn(pairs, sentences.length);
    this.#topK = positiveInteger('topK', options.topK ?? 100);
    this.#maxPairs = positiveInteger('maxPairs', options.maxPairs ?? 500_000);
  }

  protected async measure(model: Encodes, options: EvaluateOptions): Promise<Metrics> {
    const embeddings = await this.encoderOf(model, options, this.#sentences.length).encode(this.#sentences);
    const { signal } = options;
    const pairs = await paraphraseMining(embeddings, {
      topK: this.#topK,
      maxPairs: this.#maxPairs,
      ...(signal && { signal }),
    });
    return measurePairs(pairs, this.#duplicates, new Pause(signal));
  }
}

async function measurePairs(pairs: readonly ScoredPair[], duplicates: Duplicates, pause: Pause): Promise<Metrics> {
  let found = 0;
  let precisions = 0;
  let best = { f1: 0, precision: 0, recall: 0, threshold: 0 };
  for (const [rank, [score, i, j]] of pairs.entries()) {
    if (rank % pairsAtOnce === 0) await pause.ifDue();
    if (!duplicates.has(i, j)) continue;
    ++found;
    const precision = found / (rank + 1);
    const recall = found / duplicates.count;
    const f1 = (2 * precision * recall) / (precision + recall);
    precisions += precision;
    // Halfway to the next score.
    if (f1 > best.f1) best = { f1, precision, recall, threshold: (score + (pairs[rank + 1]?.[0] ?? score)) / 2 };
  }
  return {
    average_precision: duplicates.count === 0 ? 0 : precisions / duplicates.count,
    f1: best.f1,
    precision: best.precision,
    recall: best.recall,
    threshold: best.threshold,
  };
}

/** Pairs of ids as pairs of positions. */
function positionPairs(duplicates: unknown, positions: ReadonlyMap<string, number>): [number, number][] {
  if (typeof duplicates !== 'object' || duplicates === null || !(Symbol.iterator in duplicates)) {
    throw invalidArgument('duplicates', 'an array of pairs of ids', duplicates);
  }
  return [...(duplicates as Iterable<unknown>)].flatMap((pair, at) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw invalidArgument(`duplicates[${at}]`, 'a pair of ids', pair);
    const [i, j] = pair.map((id: unknown, side) => {
      if (typeof id !== 'string') throw invalidArgument(`duplicates[${at}][${side}]`, 'an id', id);
      return positions.get(id);
    });
    return i === undefined || j === undefined || i === j ? [] : [[i, j]];
  });
}

function listedIn(pairs: readonly [number, number][], sentences: number): Duplicates {
  const keyOf = (i: number, j: number): number => Math.min(i, j) * sentences + Math.max(i, j);
  const keys = new Set(pairs.map(([i, j]) => keyOf(i, j)));
  return { count: keys.size, has: (i, j) => keys.has(keyOf(i, j)) };
}

/** Whatever a chain of pairs connects: disjoint sets, each known by one of its members. */
function closureOf(pairs: readonly [number, number][], sentences: number): Duplicates {
  const parents = Uint32Array.from({ length: sentences }, (_, i) => i);
  const parentOf = (i: number): number => parents[i] ?? i;
  const setOf = (i: number): number => {
    let member = i;
    // Every walk shortens the way for the next one.
    while (parentOf(member) !== member) member = parents[member] = parentOf(parentOf(member));
    return member;
  };
  for (const [i, j] of pairs) parents[setOf(i)] = setOf(j);
  const sizes = new Map<number, number>();
  for (let i = 0; i < sentences; ++i) sizes.set(setOf(i), (sizes.get(setOf(i)) ?? 0) + 1);
  const count = [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
  return { count, has: (i, j) => setOf(i) === setOf(j) };
}
