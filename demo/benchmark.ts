import { InformationRetrievalEvaluator, type BM25Index, type HybridIndex, type SentenceTransformer } from 'stillvec';

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
  benchmark: Benchmark,
  truncateDim: number,
  signal: AbortSignal,
): Promise<number> {
  const metrics = await evaluatorOf(benchmark, truncateDim).evaluate(model, { signal });
  return metrics[`cosine_ndcg@${k}`] ?? NaN;
}

/** NDCG@10 of an index, which is empty yet. */
export async function measureIndex(
  index: BM25Index | HybridIndex,
  benchmark: Benchmark,
  signal: AbortSignal,
): Promise<number> {
  await index.add([...byPosition(benchmark.documents).keys()], benchmark.documents, { signal });
  const metrics = await evaluatorOf(benchmark).evaluate(index, { signal });
  return metrics[`ndcg@${k}`] ?? NaN;
}

function evaluatorOf({ documents, questions }: Benchmark, truncateDim?: number): InformationRetrievalEvaluator {
  return new InformationRetrievalEvaluator({
    queries: byPosition(questions.map(({ text }) => text)),
    corpus: byPosition(documents),
    relevantDocs: new Map(questions.map(({ answer }, question) => [String(question), [String(answer)]])),
    ndcgAtK: [k],
    ...(truncateDim !== undefined && { truncateDim }),
  });
}

function byPosition(texts: readonly string[]): Map<string, string> {
  return new Map(texts.map((text, position) => [String(position), text]));
}
