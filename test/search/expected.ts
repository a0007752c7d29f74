import { readGzippedJson } from '../support/shared';

/** What Sentence Transformers' functions gave, on the model `st-v6`. */
export interface SearchGoldens {
  readonly paraphraseMining: {
    readonly texts: string[];
    readonly options: { readonly topK: number; readonly maxPairs: number };
    readonly pairs: [score: number, i: number, j: number][];
  };
  readonly communityDetection: {
    readonly options: { readonly threshold: number; readonly minCommunitySize: number };
    readonly communities: number[][];
  }[];
  readonly semanticSearch: {
    readonly queries: string[];
    readonly corpus: string[];
    readonly topK: number;
    readonly hits: [corpusId: number, score: number][][];
  };
  readonly mineHardNegatives: {
    readonly rows: { anchor: string; positive: string }[];
    readonly corpus: string[];
    readonly cases: {
      readonly options: Record<string, unknown>;
      readonly columns: string[];
      readonly rows: unknown[][];
    }[];
  };
}

export function readSearchGoldens(): SearchGoldens {
  return (readGzippedJson('goldens', 'evaluation', 'expected.json.gz') as { functions: SearchGoldens }).functions;
}

/** Scores this near are equal: their order is anyone's. */
export const equalScores = 1e-6;

/** Both rankings with what shares a score put into the order of its name. */
export function inOrder<T>(ranking: readonly T[], score: (entry: T) => number, name: (entry: T) => string): string[] {
  const ordered: string[] = [];
  for (let begin = 0, end = 0; begin < ranking.length; begin = end) {
    for (end = begin + 1; end < ranking.length; ++end) {
      if (Math.abs(score(ranking[end]!) - score(ranking[end - 1]!)) > equalScores) break;
    }
    ordered.push(...ranking.slice(begin, end).map(name).sort());
  }
  return ordered;
}
