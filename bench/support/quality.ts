import { SentenceTransformer } from '../../lib/index.js';
import { readPairs, readRetrieval, retrievalEvaluator, similarityEvaluator } from './evaluation.js';
import type { Column } from './table.js';
import { recipeDims } from './training.js';

/** A score by set and dim: NDCG@10 of retrieval, Spearman's of similarity. */
export type Scores = Readonly<Record<string, Readonly<Record<number, number>>>>;

export const retrievalNames = ['squad', 'pubmedqa'];
const similarityName = 'sts-b';
/** None of them is trained on. */
export const qualitySets = [...retrievalNames, similarityName];

/** Of a model folder, at every Matryoshka dim. */
export async function scoresOf(folder: string): Promise<Scores> {
  const model = await SentenceTransformer.load(folder);
  const scores: Record<string, Record<number, number>> = {};
  for (const name of qualitySets) {
    const byDim: Record<number, number> = {};
    for (const dim of recipeDims) {
      const evaluator =
        name === similarityName
          ? similarityEvaluator(readPairs(name, 'stsb-en-test.jsonl.gz'), dim)
          : retrievalEvaluator(readRetrieval(name), dim);
      byDim[dim] = (await evaluator.evaluate(model))[evaluator.primaryMetric] ?? NaN;
    }
    scores[name] = byDim;
  }
  return scores;
}

export function scoreColumns<Result extends { readonly scores: Scores }>(
  sets: readonly string[],
  dims: readonly number[],
): readonly Column<Result>[] {
  return sets.flatMap((set) =>
    dims.map((dim) => ({
      heading: `${set} ${dim}`,
      cell: ({ scores }: Result) => scores[set]?.[dim]?.toFixed(3) ?? '-',
    })),
  );
}
