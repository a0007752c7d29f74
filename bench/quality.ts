// npm run bench:quality -- [--quick] [--json]
//
// Whether what trains faster learns as much: the same pairs in the same batches from the same random table, with this
// library and with Sentence Transformers, judged by one evaluator on sets that neither has seen, at every Matryoshka
// dim. Beside them BM25, and this library with batches of its own drawing.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { BM25Index, InformationRetrievalEvaluator, SentenceTransformer } from '../lib/index.js';
import { barChart } from './support/chart.js';
import { hasEvaluationData, readRetrieval } from './support/evaluation.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report, runProgram, runScript, writeResults } from './support/program.js';
import { pythonWith } from './support/python.js';
import { qualitySets, retrievalNames, scoreColumns, scoresOf, type Scores } from './support/quality.js';
import { barTable, table, type Bar } from './support/table.js';
import { sharedFolder } from './support/texts.js';
import {
  inBatches,
  mixtureFiles,
  readRows,
  recipeDims,
  shuffled,
  trainingFile,
  type FitReply,
  type FitRequest,
  type Row,
} from './support/training.js';

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

const batchSize = 2048;

/** What is trained: by whom and how. */
interface Training {
  readonly name: string;
  readonly trainer: 'stillvec' | 'Sentence Transformers';
  readonly precision: 'float32' | 'bfloat16';
  readonly optimizer: 'adamw' | 'sparse_adam';
  /** `sequential`: the batches that all see; `no_duplicates`: its own. */
  readonly sampler: 'sequential' | 'no_duplicates';
}

const ours = (precision: Training['precision'], optimizer: Training['optimizer']): Training => ({
  name: `stillvec, ${precision}, ${optimizer}`,
  trainer: 'stillvec',
  precision,
  optimizer,
  sampler: 'sequential',
});

const trainings: readonly Training[] = [
  ours('float32', 'adamw'),
  ours('bfloat16', 'adamw'),
  ours('float32', 'sparse_adam'),
  ours('bfloat16', 'sparse_adam'),
  { ...ours('bfloat16', 'adamw'), name: 'stillvec, bfloat16, adamw, own batches', sampler: 'no_duplicates' },
];
const peers: readonly Training[] = (['float32', 'bfloat16'] as const).map((precision) => ({
  ...ours(precision, 'adamw'),
  name: `Sentence Transformers, ${precision}`,
  trainer: 'Sentence Transformers',
}));

interface Result {
  readonly name: string;
  readonly scores: Scores;
  readonly seconds?: number;
}

/**
 * Sentence Transformers 6.0.1 on the mixture of 279,000 pairs, one epoch in bfloat16 with batches of its own drawing:
 * what training must not fall behind.
 */
const published: Scores = {
  squad: { 1024: 0.627, 256: 0.558, 64: 0.357 },
  pubmedqa: { 1024: 0.893, 256: 0.852, 64: 0.689 },
  'sts-b': { 1024: 0.663, 256: 0.653, 64: 0.604 },
};

async function main(): Promise<void> {
  if (!hasEvaluationData()) throw new Error(`expected held-out sets in ${path.join(sharedFolder, 'eval')}`);
  const machine = describeMachine();
  const python = pythonWith('sentence_transformers');
  const rows = shuffled((await Promise.all(mixtureFiles.map(trainingFile).map(readRows))).flat());
  const used = flags.quick ? rows.slice(0, 12 * batchSize) : rows;

  await inTemporaryFolder(async (folder) => {
    const results: Result[] = [await bm25()];
    const inputs = await writeInputs(folder, used);
    for (const training of [...trainings, ...(python === undefined ? [] : peers)]) {
      report(training.name);
      const output = path.join(folder, 'trained');
      const reply = await train(training, { ...inputs, output }, folder, python);
      results.push({ name: training.name, scores: await scoresOf(output), seconds: reply.seconds });
    }

    const bars = judge(results);
    const chart = writeResults('quality', draw(results), { machine, pairs: used.length, results, bars });
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ machine, pairs: used.length, results, bars }, null, 2)}\n`);
      return;
    }
    const { isa } = (await SentenceTransformer.load(inputs.model)).info();
    const parts = [
      `# Quality\n\n${machineLine(machine, isa)}`,
      `One epoch of ${used.length} pairs, batch ${batchSize}, learning rate 0.2. squad, pubmedqa: NDCG@10; sts-b: Spearman.`,
      ...(python === undefined ? ['Sentence Transformers: not installed (STILLVEC_PYTHON, python3).'] : []),
      resultTable(results),
      `## Bars\n\n${barTable(bars)}`,
      `Chart: ${path.relative(process.cwd(), chart)}`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

type Inputs = Pick<FitRequest, 'model'> & { readonly batches: string; readonly rows: string };

async function writeInputs(folder: string, rows: readonly Row[]): Promise<Inputs> {
  const model = path.join(folder, 'seed');
  const tokenizer = path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
  await (await SentenceTransformer.create({ tokenizer, dim: 1024 })).save(model);
  const ordered = inBatches(rows, batchSize);
  const inputs = { model, batches: path.join(folder, 'batches.json'), rows: path.join(folder, 'rows.json') };
  writeFileSync(inputs.batches, JSON.stringify(ordered.slice(0, ordered.length - (ordered.length % batchSize))));
  writeFileSync(inputs.rows, JSON.stringify(rows));
  return inputs;
}

async function train(
  { trainer, precision, optimizer, sampler }: Training,
  { model, batches, rows, output }: Inputs & { readonly output: string },
  folder: string,
  python: string | undefined,
): Promise<FitReply> {
  const request: FitRequest = {
    model,
    data: sampler === 'sequential' ? batches : rows,
    batchSize,
    precision,
    optimizer,
    sampler,
    matryoshkaDims: recipeDims,
    output,
  };
  const file = path.join(folder, 'request.json');
  writeFileSync(file, JSON.stringify(request));
  if (trainer === 'stillvec') return (await runScript(path.join(__dirname, 'scenarios', 'fit.ts'), [file])) as FitReply;
  const peer = path.join(__dirname, 'contenders', 'sentence_transformers_fit.py');
  return (await runProgram(python ?? 'python3', [peer, file])) as FitReply;
}

async function bm25(): Promise<Result> {
  const scores: Record<string, Record<number, number>> = {};
  for (const name of retrievalNames) {
    const set = readRetrieval(name);
    const index = new BM25Index();
    await index.add([...set.corpus.keys()], [...set.corpus.values()]);
    const evaluator = new InformationRetrievalEvaluator(set);
    const score = (await evaluator.evaluate(index))[evaluator.primaryMetric] ?? NaN;
    scores[name] = Object.fromEntries(recipeDims.map((dim) => [dim, score]));
  }
  return { name: 'BM25', scores };
}

// ---- What it shows --------------------------------------------------------------------------------------------------

function resultTable(results: readonly Result[]): string {
  return table<Result>(
    [
      { heading: 'model', cell: ({ name }) => name, align: 'left' },
      ...scoreColumns<Result>(qualitySets, recipeDims),
      { heading: 'training', cell: ({ seconds }) => (seconds === undefined ? '-' : `${seconds.toFixed(1)} s`) },
    ],
    results,
  );
}

function judge(results: readonly Result[]): Bar[] {
  const scoresBy = (name: string): Scores | undefined => results.find((result) => result.name === name)?.scores;
  const bar = (what: string, wanted: number, shortfall: number | undefined): Bar => ({
    what,
    wanted: `<= ${wanted.toFixed(3)}`,
    measured: shortfall?.toFixed(4) ?? '-',
    isMet: shortfall === undefined ? undefined : shortfall <= wanted,
  });
  const behind = (name: string, reference: Scores | undefined): number | undefined => {
    const scores = scoresBy(name);
    return scores && reference && greatestShortfall(scores, reference);
  };
  return [
    ...(['float32', 'bfloat16'] as const).map((precision) =>
      bar(
        `adamw, ${precision}: most behind Sentence Transformers in the same precision, same batches`,
        0.005,
        behind(`stillvec, ${precision}, adamw`, scoresBy(`Sentence Transformers, ${precision}`)),
      ),
    ),
    bar(
      'own batches: most behind the published figures',
      0.01,
      flags.quick ? undefined : behind('stillvec, bfloat16, adamw, own batches', published),
    ),
  ];
}

/** By how much `scores` are below `reference` at most, over the sets and dims that the latter has. */
function greatestShortfall(scores: Scores, reference: Scores): number {
  const shortfalls = Object.entries(reference).flatMap(([set, byDim]) =>
    Object.entries(byDim).map(([dim, score]) => score - (scores[set]?.[Number(dim)] ?? NaN)),
  );
  return Math.max(...shortfalls);
}

function draw(results: readonly Result[]): string {
  return barChart(
    'Quality after one epoch, 1024 dimensions',
    'squad and pubmedqa: NDCG@10 x 1,000; sts-b: Spearman x 1,000; longer is better',
    qualitySets.map((set) => ({
      title: set,
      bars: results
        .filter(({ scores }) => scores[set] !== undefined)
        .map(({ name, scores }) => ({
          label: name,
          value: 1000 * (scores[set]?.[1024] ?? 0),
          isOurs: name.startsWith('stillvec'),
        })),
    })),
  );
}

void main();
