import type { MiningReport, MiningSettings } from './mining-options.js';

/** A text of the corpus and its score with a query. */
export interface Candidate {
  readonly id: number;
  readonly score: number;
}

/** Numbers in [0, 1), the same for the same seed (Mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Chooses the negatives of one query after the other. */
export class NegativeChooser {
  readonly skipped: MiningReport['skipped'] = { absoluteMargin: 0, relativeMargin: 0, maxScore: 0, minScore: 0 };
  readonly #random: () => number;

  constructor(
    private readonly settings: MiningSettings,
    private readonly rangeMax: number,
  ) {
    this.#random = randomNumbers(settings.seed);
  }

  /**
   * @param candidates - Without the positives, unless they are wanted; in any order.
   * @param positiveScore - The least of the query's positives.
   */
  choose(candidates: readonly Candidate[], positiveScore: number): Candidate[] {
    const { rangeMin, numNegatives, samplingStrategy } = this.settings;
    const inRange = candidates
      .filter(({ score }) => this.#mayBeNegative(score, positiveScore))
      .sort((a, b) => b.score - a.score)
      .slice(rangeMin, this.rangeMax);
    if (samplingStrategy === 'top' || inRange.length <= numNegatives) return inRange.slice(0, numNegatives);
    // The first places get random ones of those from there on.
    const places = inRange.map((_, place) => place);
    for (let place = 0; place < numNegatives; ++place) {
      const other = place + Math.floor(this.#random() * (places.length - place));
      [places[place], places[other]] = [places[other] ?? 0, places[place] ?? 0];
    }
    const chosen = new Set(places.slice(0, numNegatives));
    return inRange.filter((_, place) => chosen.has(place));
  }

  #mayBeNegative(score: number, positiveScore: number): boolean {
    const { absoluteMargin, relativeMargin, maxScore, minScore } = this.settings;
    if (absoluteMargin !== undefined && score + absoluteMargin > positiveScore) return this.#skip('absoluteMargin');
    if (relativeMargin !== undefined && score > positiveScore - Math.abs(positiveScore) * relativeMargin) {
      return this.#skip('relativeMargin');
    }
    if (maxScore !== undefined && score > maxScore) return this.#skip('maxScore');
    if (minScore !== undefined && score < minScore) return this.#skip('minScore');
    return true;
  }

  #skip(why: keyof MiningReport['skipped']): false {
    ++this.skipped[why];
    return false;
  }
}
