// One corpus, searched at several precisions. Argument: a file with a RescoreTask.
import { readFileSync } from 'node:fs';

import {
  quantizationRanges,
  quantizeEmbeddingsAsync,
  SentenceTransformer,
  type AnyEmbeddingsInput,
  type Embeddings,
  type Precision,
  type RescoreOptions,
} from '../../lib/index.js';
import type { RescoreReply, RescoreTask, RescoreWay } from '../support/rescoring.js';

async function main([file = '']: readonly string[]): Promise<void> {
  const task = JSON.parse(readFileSync(file, 'utf8')) as RescoreTask;
  const pairs = JSON.parse(readFileSync(task.data, 'utf8')) as [string, string][];
  const model = await SentenceTransformer.load(task.model);
  const corpus = await model.encodeDocument(pairs.map(([, passage]) => passage));
  const queries = await model.encodeQuery(pairs.slice(0, task.queries).map(([query]) => query));
  const ranges = quantizationRanges(corpus);
  const bits = await quantizeEmbeddingsAsync(corpus, { precision: 'ubinary' });
  const int8 = await quantizeEmbeddingsAsync(corpus, { precision: 'int8', ranges });
  const queryBits = await quantizeEmbeddingsAsync(queries, { precision: 'ubinary' });
  const queryBytes = await quantizeEmbeddingsAsync(queries, { precision: 'int8', ranges });

  const ways: RescoreWay[] = [];
  let exact: Uint32Array | undefined;
  const search = async (
    what: string,
    left: AnyEmbeddingsInput,
    right: AnyEmbeddingsInput,
    stored: readonly Embeddings<Precision>[],
    options: RescoreOptions = {},
  ): Promise<void> => {
    const begin = performance.now();
    const { indices } = await model.searchTopK(left, right, task.topK, options);
    const seconds = (performance.now() - begin) / 1000;
    exact ??= indices;
    const bytes = stored.reduce((sum, { data }) => sum + data.byteLength, 0);
    ways.push({ what, seconds, recall: recallOf(indices, exact, task.topK), bytes });
  };
  await search('float32, exact', queries, corpus, [corpus]);
  await search('int8', queryBytes, int8, [int8]);
  await search('ubinary, queries of float32', queries, bits, [bits]);
  await search('ubinary', queryBits, bits, [bits]);
  await search('ubinary, the best 4k rescored by the bits', queries, bits, [bits], { rescore: true });
  await search('ubinary, the best 4k rescored by int8', queries, bits, [bits, int8], { rescore: int8 });
  await search('ubinary, the best 4k rescored by float32', queries, bits, [bits, corpus], { rescore: corpus });
  const wide = { rescore: int8, rescoreMultiplier: 16 };
  await search('ubinary, the best 16k rescored by int8', queries, bits, [bits, int8], wide);
  const reply: RescoreReply = { rows: pairs.length, dim: model.dim, ways };
  process.stdout.write(JSON.stringify(reply));
}

function recallOf(found: Uint32Array, exact: Uint32Array, k: number): number {
  let same = 0;
  for (let begin = 0; begin < exact.length; begin += k) {
    const wanted = new Set(exact.subarray(begin, begin + k));
    for (const index of found.subarray(begin, begin + k)) if (wanted.has(index)) ++same;
  }
  return same / exact.length;
}

void main(process.argv.slice(2));
