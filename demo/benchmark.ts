import { InformationRetrievalEvaluator, type SentenceTransformer } from 'stillvec';

import { Bm25 } from './bm25.js';

/** Questions, and the document among all that answers each. */
export interface Benchmark {
  readonly documents: readonly string[];
  readonly questions: readonly { readonly text: string; readonly answer: number }[];
}

/** Results that count. */
const k = 10;

/** NDCG@10 of a model that uses the first `truncateDim` dimensions. */
export async function measureModel(
  model: SentenceTransformer,
  { documents, questions }: Benchmark,
  truncateDim: number,
  signal: AbortSignal,
): Promise<number> {
  const byPosition = (texts: readonly string[]): Map<string, string> =>
    new Map(texts.map((text, position) => [String(position), text]));
  const evaluator = new InformationRetrievalEvaluator({
    queries: byPosition(questions.map(({ text }) => text)),
    corpus: byPosition(documents),
    relevantDocs: new Map(questions.map(({ answer }, question) => [String(question), [String(answer)]])),
    ndcgAtK: [k],
    truncateDim,
  });
  const metrics = await evaluator.evaluate(model, { signal });
  return metrics[`cosine_ndcg@${k}`] ?? NaN;
}

/** NDCG@10 of BM25. With one right answer a question, it is the mean of 1 / log2(1 + rank), and 0 beyond rank 10. */
export function measureBm25({ documents, questions }: Benchmark): number {
  const bm25 = new Bm25(documents);
  const gains = questions.map(({ text, answer }) => {
    const position = bm25.search(text, k).indexOf(answer);
    return position < 0 ? 0 : 1 / Math.log2(2 + position);
  });
  return gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
}
