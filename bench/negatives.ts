// npm run bench:negatives -- [--quick] [--json] [--negatives N]
//
// What mined negatives are worth: a first model learns pairs, finds with mineHardNegatives what it takes for their
// positives, and learns on from these triplets; beside it the same model that learns on from the pairs. Both are judged
// on retrieval sets that neither has seen. docs/search.md shows the table.
import path from 'node:path';
import { parseArgs } from 'node:util';

import {
  MatryoshkaLoss,
  mineHardNegatives,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type MineHardNegativesOptions,
} from '../lib/index.js';
import { hasEvaluationData, readRetrieval, retrievalEvaluator } from './support/evaluation.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report } from './support/program.js';
import { amount, table } from './support/table.js';
import { sharedFolder } from './support/texts.js';
import { mixtureFiles, readRows, recipeDims, shuffled, trainingFile } from './support/training.js';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    negatives: { type: 'string', default: '1' },
  },
});

const rowsOfFile = flags.quick ? 10_000 : 45_000;
const mining: MineHardNegativesOptions = {
  numNegatives: Number(flags.negatives),
  // The first ranks are often positives that nobody has marked (NV-Retriever, arXiv 2407.15831).
  relativeMargin: 0.05,
  outputFormat: 'n-tuple',
};

interface Judged {
  readonly training: string;
  readonly rows: number;
  readonly seconds: number;
  /** NDCG@10 by set. */
  readonly ndcg: Readonly<Record<string, number>>;
}

async function main(): Promise<void> {
  if (!hasEvaluationData()) throw new Error(`expected retrieval sets in ${path.join(sharedFolder, 'eval')}`);
  const sets = ['squad', 'pubmedqa'].map(readRetrieval);
  const judged: Judged[] = [];

  const judge = async (
    training: string,
    model: SentenceTransformer,
    rows: readonly object[],
    began: number,
  ): Promise<void> => {
    const seconds = (performance.now() - began) / 1000;
    const ndcg: Record<string, number> = {};
    for (const set of sets) {
      const metrics = await retrievalEvaluator(set, model.dim).evaluate(model);
      ndcg[set.name] = metrics[`${set.name}_cosine_ndcg@10`] ?? NaN;
    }
    report(`${training}: ${JSON.stringify(ndcg)}`);
    judged.push({ training, rows: rows.length, seconds, ndcg });
  };

  await inTemporaryFolder(async (folder) => {
    const pairs = await readPairsOfMixture();
    const tokenizer = tokenizerFile();
    const first = await SentenceTransformer.create({ tokenizer, dim: 1024, seed: 1 });
    let began = performance.now();
    await train(first, pairs);
    await judge('pairs', first, pairs, began);
    const saved = path.join(folder, 'first');
    await first.save(saved);

    began = performance.now();
    const triplets = await mineHardNegatives(first, pairs, mining);
    report(`mined ${triplets.length} rows in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    for (const [name, rows] of [
      ['pairs, and the pairs again', pairs],
      ['pairs, then with mined negatives', triplets],
    ] as const) {
      const next = await SentenceTransformer.load(saved);
      began = performance.now();
      await train(next, rows);
      await judge(name, next, rows, began);
    }
  });

  if (flags.json) {
    process.stdout.write(`${JSON.stringify(judged, null, 2)}\n`);
    return;
  }
  const isa = (await SentenceTransformer.create({ tokenizer: tokenizerFile(), dim: 8 })).info().isa;
  process.stdout.write(
    `${[`# Mined negatives\n\n${machineLine(describeMachine(), isa)}`, 'NDCG@10 at 1024 dimensions.', resultTable(judged)].join('\n\n')}\n`,
  );
}

function tokenizerFile(): string {
  return path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
}

async function readPairsOfMixture(): Promise<{ anchor: string; positive: string }[]> {
  const rows = [];
  for (const name of mixtureFiles) rows.push(...(await readRows(trainingFile(name))).slice(0, rowsOfFile));
  return shuffled(rows).map(([anchor = '', positive = '']) => ({ anchor, positive }));
}

/** The recipe of Sentence Transformers' static models. A negative may be another row's positive. */
async function train(model: SentenceTransformer, trainDataset: readonly object[]): Promise<void> {
  const loss = new MultipleNegativesRankingLoss({ maskDuplicates: true });
  await model.fit({
    trainDataset,
    loss: new MatryoshkaLoss(loss, { dims: recipeDims }),
    batchSize: 2048,
    batchSampler: 'random',
    learningRate: 0.2,
    warmupRatio: 0.1,
  });
}

function resultTable(judged: readonly Judged[]): string {
  return table<Judged>(
    [
      { heading: 'trained on', cell: ({ training }) => training, align: 'left' },
      { heading: 'rows', cell: ({ rows }) => amount(rows) },
      { heading: 'seconds', cell: ({ seconds }) => amount(seconds) },
      ...Object.keys(judged[0]?.ndcg ?? {}).map((set) => ({
        heading: set,
        cell: ({ ndcg }: Judged) => (ndcg[set] ?? NaN).toFixed(3),
      })),
    ],
    judged,
  );
}

void main();
