// npm run bench:hybrid -- [--model FOLDER] [--json]
//
// How well words, embeddings and both find what is relevant: NDCG@10 on the retrieval sets at hand. The model is given, or
// trained by the recipe for retrieval of bench:recipe.
import path from 'node:path';
import { parseArgs } from 'node:util';

import {
  BM25Index,
  HybridIndex,
  InformationRetrievalEvaluator,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type HybridIndexOptions,
  type Metrics,
} from '../lib/index.js';
import { readRetrieval, type Retrieval } from './support/evaluation.js';
import { report } from './support/program.js';
import { amount, table } from './support/table.js';
import { sharedFolder } from './support/texts.js';
import { mixtureFiles, readRows, recipeDims, retrievalRecipe, shuffled, trainingFile } from './support/training.js';

const { values: flags } = parseArgs({
  options: { model: { type: 'string' }, json: { type: 'boolean', default: false } },
});

interface Result {
  readonly set: string;
  readonly who: string;
  readonly ndcg: number;
  /** Searching, of all queries. */
  readonly seconds: number;
}

/** Beside the default, what else may be chosen. */
const settings: readonly Pick<HybridIndexOptions, 'weight' | 'normalization'>[] = [
  { weight: 0.5, normalization: 'minmax' },
  { weight: 1, normalization: 'minmax' },
  { weight: 0.5, normalization: 'zscore' },
  { weight: 0.5, normalization: 'rrf' },
];

async function main(): Promise<void> {
  const model = flags.model === undefined ? await trained() : await SentenceTransformer.load(flags.model);
  const results: Result[] = [];
  for (const name of ['squad', 'pubmedqa']) results.push(...(await measure(readRetrieval(name), model)));
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(results, undefined, 2)}\n`);
    return;
  }
  const rows = table<Result>(
    [
      { heading: 'set', cell: ({ set }) => set, align: 'left' },
      { heading: 'by', cell: ({ who }) => who, align: 'left' },
      { heading: 'NDCG@10', cell: ({ ndcg }) => ndcg.toFixed(3) },
      { heading: 'seconds', cell: ({ seconds }) => amount(seconds) },
    ],
    results,
  );
  process.stdout.write(`# Words, embeddings, and both\n\n${rows}\n`);
}

async function trained(): Promise<SentenceTransformer> {
  const { pooling, idfScale, lossScale: scale, hardness: hardnessStrength, learningRate } = retrievalRecipe;
  const tokenizer = path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
  const model = await SentenceTransformer.create({ tokenizer, dim: 1024, pooling });
  const rows = shuffled((await Promise.all(mixtureFiles.map(trainingFile).map(readRows))).flat());
  report(`training on ${rows.length} pairs`);
  const trainDataset = rows.map(([anchor = '', positive = '']) => ({ anchor, positive }));
  const ranking = new MultipleNegativesRankingLoss({ scale, hardnessMode: 'in_batch_negatives', hardnessStrength });
  const loss = new MatryoshkaLoss(ranking, { dims: recipeDims });
  await model.fit({
    trainDataset,
    loss,
    batchSize: 2048,
    learningRate,
    ...(idfScale !== null && { initialize: { scale: idfScale } }),
  });
  return model;
}

async function measure(set: Retrieval, model: SentenceTransformer): Promise<Result[]> {
  const evaluator = new InformationRetrievalEvaluator(set);
  const [ids, texts] = [[...set.corpus.keys()], [...set.corpus.values()]];
  const results: Result[] = [];
  const add = async (who: string, evaluate: () => Promise<Metrics>): Promise<void> => {
    report(`${set.name}: ${who}`);
    const begin = performance.now();
    const metrics = await evaluate();
    const seconds = (performance.now() - begin) / 1000;
    results.push({ set: set.name, who, ndcg: metrics[evaluator.primaryMetric] ?? NaN, seconds });
  };
  await add('embeddings', () => evaluator.evaluate(model));
  const bm25 = new BM25Index();
  await bm25.add(ids, texts);
  await add('BM25', () => evaluator.evaluate(bm25));
  for (const each of settings) {
    const index = new HybridIndex({ model, ...each });
    await index.add(ids, texts);
    await add(`both, ${each.normalization}, weight ${each.weight}`, () => evaluator.evaluate(index));
  }
  return results;
}

void main();
