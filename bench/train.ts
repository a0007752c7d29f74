// npm run bench:train -- [--quick] [--json] [--data FILE] [--rounds N] [--only WORDS]
//
// How fast the recipe of Sentence Transformers' static models trains: MultipleNegativesRankingLoss at six Matryoshka
// dims, AdamW, learning rate 0.2, batches without duplicates. This library and Sentence Transformers' Trainer, on the
// same rows in the same run; every training run is a process of its own, and they take turns. `--only losses` compares
// the steps of every loss instead, `--only 'losses NAME NAME'` those of some.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { SentenceTransformer } from '../lib/index.js';
import { barChart } from './support/chart.js';
import { buildLimit } from './support/limit.js';
import { describeMachine, machineLine } from './support/machine.js';
import { lossCases, lossTable, judgeLosses, type LossCase, type LossResult } from './support/losses.js';
import { inTemporaryFolder, report, runProgram, runScript, writeResults } from './support/program.js';
import { pythonWith } from './support/python.js';
import { median, medianRatio } from './support/statistics.js';
import { amount, atLeast, atMost, barTable, mebibytes, table, type Bar } from './support/table.js';
import { sharedFolder } from './support/texts.js';
import {
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
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 3));

const dim = 1024;
const vocabularies = { 30522: 'static-retrieval-mrl-en-v1', 119547: 'bert-base-multilingual-cased' } as const;
type Vocabulary = keyof typeof vocabularies;

interface Case {
  readonly trainer: 'stillvec' | 'Sentence Transformers';
  readonly data: 'pairs' | 'triplets' | 'wikisplit' | 'arxiv-title-abstract' | 'mixture';
  readonly vocabulary: Vocabulary;
  /** In so many of one size, taken proportionally. */
  readonly datasets: number;
  readonly batchSize: number;
  /** Undefined: all rows once. */
  readonly steps?: number;
  readonly precision: 'float32' | 'bfloat16';
  readonly optimizer: 'adamw' | 'sparse_adam';
  readonly matryoshka: boolean;
}

interface Result extends Case {
  readonly pairsPerSecond: number;
  readonly seconds: number;
  readonly msPerStep: number;
  /** Of the loss's products over the whole step, all other work included. */
  readonly gigaflops: number;
  readonly shareOfPeak: number | undefined;
  readonly stages: Readonly<Record<string, number>> | undefined;
  readonly overhead: Readonly<Record<string, number>> | undefined;
  readonly peakRss: number;
  readonly replies: readonly FitReply[];
}

/** Multiply-adds of the machine between registers, in GFLOP/s on all cores. */
interface Peaks {
  readonly float32: number;
  readonly bfloat16: number;
}

const recipe: Case = {
  trainer: 'stillvec',
  data: 'pairs',
  vocabulary: 30522,
  datasets: 1,
  batchSize: 2048,
  steps: 16,
  precision: 'bfloat16',
  optimizer: 'adamw',
  matryoshka: true,
};

const precisions = ['float32', 'bfloat16'] as const;

const stepsOf: Readonly<Record<number, number>> = flags.quick
  ? { 256: 20, 2048: 4, 16384: 2 }
  : { 256: 100, 2048: 16, 16384: 3 };

async function main(): Promise<void> {
  const [what, ...names] = (flags.only ?? '').split(' ');
  if (what === 'losses') return compareLosses(names);
  const machine = describeMachine();
  const python = pythonWith('sentence_transformers');
  const program = await buildLimit('training');
  const peaks = program === undefined ? undefined : ((await runProgram(program, [])) as Peaks);

  await inTemporaryFolder(async (folder) => {
    const cases = allCases(python !== undefined).filter(isWanted);
    const inputs = await writeInputs(cases, folder);
    const results = await takeTurns(cases, inputs, folder, python, peaks);
    const isa = results.find(({ trainer }) => trainer === 'stillvec')?.replies[0]?.version ?? 'unknown';
    const bars = judge(results);
    const chart = writeResults('train', draw(results, machine.cpu), { machine, peaks, results, bars });
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ machine, peaks, results, bars }, null, 2)}\n`);
      return;
    }
    const parts = [
      `# Training\n\n${machineLine(machine, isa)}`,
      peaks === undefined
        ? 'Peak of the machine: not measured, no CMake and C++ compiler here.'
        : `Peak of the machine, multiply-adds between registers: float32 ${amount(peaks.float32)}, bfloat16 ${amount(peaks.bfloat16)} GFLOP/s.`,
      ...(python === undefined ? ['Sentence Transformers: not installed (STILLVEC_PYTHON, python3).'] : []),
      `Medians of ${rounds} rounds, all runs in turns; 1024 columns. pairs/s: of the whole run, tokenizing included.`,
      resultTable(results),
      `## Bars\n\n${barTable(bars)}`,
      `Chart: ${path.relative(process.cwd(), chart)}`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

// ---- Every loss -----------------------------------------------------------------------------------------------------

/** Steps of every loss with its defaults, without Matryoshka, on rows in their order. */
async function compareLosses(names: readonly string[]): Promise<void> {
  const machine = describeMachine();
  const python = pythonWith('sentence_transformers');
  await inTemporaryFolder(async (folder) => {
    const inputs = await writeInputs([lossRecipe('pairs'), lossRecipe('triplets')], folder);
    const wanted = lossCases.filter(({ name }) => names.length === 0 || names.includes(name));
    const measured = wanted.map((loss) => ({ loss, ours: [] as FitReply[], theirs: [] as FitReply[] }));
    for (let round = 0; round < rounds; ++round) {
      for (const { loss, ours, theirs } of measured) {
        report(`round ${round + 1}: ${loss.name}`);
        const request = lossRequest(loss, inputs);
        const file = path.join(folder, 'request.json');
        ours.push(await fit(lossRecipe('pairs'), request, file, python));
        if (python === undefined || loss.peerFails !== undefined) continue;
        theirs.push(await fit({ ...lossRecipe('pairs'), trainer: 'Sentence Transformers' }, request, file, python));
      }
    }
    const results = measured.map(({ loss, ours, theirs }): LossResult => ({ ...loss, ours, theirs }));
    const isa = results[0]?.ours[0]?.version ?? 'unknown';
    const bars = judgeLosses(results);
    const parts = [
      `# Losses\n\n${machineLine(machine, isa)}`,
      `Medians of ${rounds} rounds in turns; batch ${amount(recipe.batchSize)}, 30,522 x 1024 table, bfloat16.`,
      lossTable(results),
      `## Bars\n\n${barTable(bars)}`,
    ];
    process.stdout.write(flags.json ? JSON.stringify({ machine, results, bars }, null, 2) : `${parts.join('\n\n')}\n`);
  });
}

function lossRecipe(data: 'pairs' | 'triplets'): Case {
  return { ...recipe, data, steps: flags.quick ? 4 : 8, matryoshka: false };
}

function lossRequest({ name, texts, label }: LossCase, inputs: Inputs): FitRequest {
  const { batchSize, steps, precision, optimizer } = lossRecipe('pairs');
  return {
    model: inputs.models.get(30522) ?? '',
    data: inputs.data.get(dataKey(lossRecipe(texts === 3 ? 'triplets' : 'pairs'))) ?? '',
    texts,
    batchSize,
    ...(steps !== undefined && { maxSteps: steps }),
    precision,
    optimizer,
    matryoshkaDims: [],
    sampler: 'sequential',
    loss: { name, ...(label !== undefined && { label }) },
  };
}

// ---- What is trained ------------------------------------------------------------------------------------------------

function allCases(withPeer: boolean): Case[] {
  const sized = (batchSize: number, rest: Partial<Case> = {}): Case => {
    const steps = stepsOf[batchSize];
    return { ...recipe, batchSize, ...(steps !== undefined && { steps }), ...rest };
  };
  const epoch = (data: Case['data']): Case => {
    const { steps: _, ...rest } = recipe;
    return { ...rest, data };
  };
  const ours = [
    ...precisions.flatMap((precision) => [
      ...[256, 2048, 16384].map((batchSize) => sized(batchSize, { precision })),
      sized(2048, { precision, matryoshka: false }),
      sized(2048, { precision, data: 'triplets' }),
      sized(2048, { precision, vocabulary: 119547 }),
    ]),
    sized(2048, { datasets: 4 }),
    sized(256, { optimizer: 'sparse_adam' }),
    sized(2048, { optimizer: 'sparse_adam' }),
    sized(256, { vocabulary: 119547 }),
    sized(16384, { vocabulary: 119547 }),
  ];
  // Its scores alone would take 60 GB at batch 16,384.
  const theirs = [
    ...precisions.flatMap((precision) => [sized(2048, { precision }), sized(256, { precision })]),
    sized(2048, { data: 'triplets' }),
    sized(2048, { vocabulary: 119547 }),
  ].map((one): Case => ({ ...one, trainer: 'Sentence Transformers' }));
  const epochs =
    flags.data === undefined && !flags.quick
      ? [epoch('wikisplit'), epoch('arxiv-title-abstract'), epoch('mixture')]
      : [];
  return [...ours, ...(withPeer ? theirs : []), ...epochs];
}

function isWanted(one: Case): boolean {
  const label = labelOf(one).toLowerCase();
  return (flags.only ?? '')
    .toLowerCase()
    .split(' ')
    .every((word) => label.includes(word));
}

function labelOf(one: Case): string {
  const { trainer, data, datasets, vocabulary, batchSize, precision, optimizer, matryoshka } = one;
  return `${trainer}, ${data} in ${datasets}, ${vocabulary} rows, batch ${batchSize}, ${precision}, ${optimizer}, ${matryoshka ? 'Matryoshka' : 'plain'}`;
}

interface Inputs {
  readonly models: ReadonlyMap<Vocabulary, string>;
  readonly data: ReadonlyMap<string, string>;
}

/** Files that both sides read: models to begin with, and rows in the same order. */
async function writeInputs(cases: readonly Case[], folder: string): Promise<Inputs> {
  const models = new Map<Vocabulary, string>();
  for (const vocabulary of new Set(cases.map((one) => one.vocabulary))) {
    report(`making a table of ${vocabulary} rows`);
    const tokenizer = path.join(sharedFolder, 'tokenizers', `${vocabularies[vocabulary]}.json`);
    const model = path.join(folder, `model-${vocabulary}`);
    await (await SentenceTransformer.create({ tokenizer, dim })).save(model);
    models.set(vocabulary, model);
  }
  const data = new Map<string, string>();
  const pairs = shuffled(await mixture());
  for (const one of cases) {
    const key = dataKey(one);
    if (data.has(key)) continue;
    const file = path.join(folder, `${data.size}.json`);
    writeFileSync(file, JSON.stringify(await rowsOf(one, pairs)));
    data.set(key, file);
  }
  return { models, data };
}

/** Cases with the same key train on the same rows. */
function dataKey({ data, batchSize, steps }: Case): string {
  return `${data} ${steps === undefined ? 'all' : batchSize * (steps + 1)}`;
}

async function mixture(): Promise<Row[]> {
  const files = flags.data === undefined ? mixtureFiles.map(trainingFile) : [flags.data];
  return (await Promise.all(files.map(readRows))).flat();
}

async function rowsOf({ data, batchSize, steps }: Case, pairs: readonly Row[]): Promise<readonly Row[]> {
  if (data === 'mixture') return pairs;
  if (data === 'wikisplit' || data === 'arxiv-title-abstract') {
    return (await readRows(trainingFile(data))).slice(0, 45_000);
  }
  // More rows than the steps take, since those without duplicates leave some for later.
  const rows = pairs.slice(0, batchSize * ((steps ?? 0) + 1));
  if (data === 'pairs') return rows.map((row) => row.slice(0, 2));
  return rows.map(([anchor = '', positive = ''], i) => [anchor, positive, rows.at(i - 1)?.[1] ?? '']);
}

// ---- Measuring ------------------------------------------------------------------------------------------------------

async function takeTurns(
  cases: readonly Case[],
  inputs: Inputs,
  folder: string,
  python: string | undefined,
  peaks: Peaks | undefined,
): Promise<Result[]> {
  const measured = cases.map((one) => ({ one, replies: [] as FitReply[] }));
  for (let round = 0; round < rounds; ++round) {
    for (const { one, replies } of measured) {
      // A whole epoch is long enough to stand for itself.
      if (one.steps === undefined && round > 0) continue;
      report(`round ${round + 1}: ${labelOf(one)}`);
      const request: FitRequest = {
        model: inputs.models.get(one.vocabulary) ?? '',
        data: inputs.data.get(dataKey(one)) ?? '',
        datasets: one.datasets,
        batchSize: one.batchSize,
        ...(one.steps !== undefined && { maxSteps: one.steps }),
        precision: one.precision,
        optimizer: one.optimizer,
        matryoshkaDims: one.matryoshka ? recipeDims : [],
        sampler: 'no_duplicates',
      };
      replies.push(await fit(one, request, path.join(folder, 'request.json'), python));
    }
  }
  return measured.map(({ one, replies }) => summarize(one, replies, peaks));
}

async function fit(one: Case, request: FitRequest, file: string, python: string | undefined): Promise<FitReply> {
  writeFileSync(file, JSON.stringify(request));
  if (one.trainer === 'stillvec') {
    return (await runScript(path.join(__dirname, 'scenarios', 'fit.ts'), [file])) as FitReply;
  }
  const peer = path.join(__dirname, 'contenders', 'sentence_transformers_fit.py');
  return (await runProgram(python ?? 'python3', [peer, file])) as FitReply;
}

function summarize(one: Case, replies: readonly FitReply[], peaks: Peaks | undefined): Result {
  const msPerStep = median(replies.map((reply) => reply.msPerStep));
  const documents = one.data === 'triplets' ? 2 : 1;
  // One product forward and two backward, two operations a multiply-add; prefixes share them.
  const operations = 6 * one.batchSize ** 2 * documents * dim;
  const stages = medians(replies.map((reply) => reply.stages));
  const overhead = medians(replies.map((reply) => reply.overhead));
  const lossMs = stages?.['loss'] ?? msPerStep;
  const gigaflops = operations / lossMs / 1e6;
  return {
    ...one,
    pairsPerSecond: median(pairRates(replies)),
    seconds: median(replies.map(({ seconds }) => seconds)),
    msPerStep,
    gigaflops,
    shareOfPeak: peaks && gigaflops / peaks[one.precision],
    stages,
    overhead,
    peakRss: Math.max(...replies.map(({ peakRss }) => peakRss)),
    replies,
  };
}

/** Of each name. */
function medians(all: readonly (Readonly<Record<string, number>> | undefined)[]): Record<string, number> | undefined {
  const known = all.filter((one) => one !== undefined);
  if (known[0] === undefined) return undefined;
  return Object.fromEntries(Object.keys(known[0]).map((name) => [name, median(known.map((one) => one[name] ?? NaN))]));
}

function pairRates(replies: readonly FitReply[]): number[] {
  return replies.map(({ rows, seconds }) => rows / seconds);
}

// ---- What it shows --------------------------------------------------------------------------------------------------

function resultTable(results: readonly Result[]): string {
  return table<Result>(
    [
      { heading: 'trainer', cell: ({ trainer }) => trainer, align: 'left' },
      { heading: 'data', cell: ({ data }) => data, align: 'left' },
      { heading: 'datasets', cell: ({ datasets }) => amount(datasets) },
      { heading: 'rows', cell: ({ vocabulary }) => amount(vocabulary) },
      { heading: 'batch', cell: ({ batchSize }) => amount(batchSize) },
      { heading: 'precision', cell: ({ precision }) => precision, align: 'left' },
      { heading: 'optimizer', cell: ({ optimizer }) => optimizer, align: 'left' },
      { heading: 'loss', cell: ({ matryoshka }) => (matryoshka ? 'Matryoshka' : 'plain'), align: 'left' },
      { heading: 'pairs/s', cell: ({ pairsPerSecond }) => amount(pairsPerSecond) },
      { heading: 'whole run', cell: ({ seconds }) => `${amount(seconds)} s` },
      { heading: 'ms/step', cell: ({ msPerStep }) => amount(msPerStep) },
      { heading: 'by stage', cell: ({ stages }) => stageText(stages), align: 'left' },
      { heading: 'around the steps, ms', cell: ({ overhead }) => stageText(overhead), align: 'left' },
      { heading: 'GFLOP/s', cell: ({ gigaflops, trainer }) => (trainer === 'stillvec' ? amount(gigaflops) : '-') },
      { heading: 'of peak', cell: ({ shareOfPeak, trainer }) => (trainer === 'stillvec' ? amount(shareOfPeak) : '-') },
      { heading: 'peak RSS', cell: ({ peakRss }) => mebibytes(peakRss) },
    ],
    results,
  );
}

function stageText(stages: Readonly<Record<string, number>> | undefined): string {
  return Object.entries(stages ?? {})
    .map(([stage, ms]) => `${stage} ${amount(ms)}`)
    .join(', ');
}

function judge(results: readonly Result[]): Bar[] {
  const find = (wanted: Partial<Case>): Result | undefined =>
    results.find((result) =>
      Object.entries({ ...recipe, steps: result.steps, ...wanted }).every(
        ([key, value]) => result[key as keyof Case] === value,
      ),
    );
  const ratio = (
    a: Result | undefined,
    b: Result | undefined,
    of: (reply: FitReply) => number = ({ msPerStep }) => msPerStep,
  ): number | undefined => a && b && medianRatio(a.replies.map(of), b.replies.map(of));
  const pairsPerSecond = ({ rows, seconds }: FitReply): number => rows / seconds;
  const stepRate = ({ rows, steps, msPerStep }: FitReply): number => rows / steps / msPerStep;

  const ours = find({});
  const peers = precisions
    .map((precision) => find({ trainer: 'Sentence Transformers', precision }))
    .filter((peer) => peer !== undefined)
    .sort((a, b) => b.pairsPerSecond - a.pairsPerSecond);
  const plain = find({ matryoshka: false });
  const around = ours?.replies.map(({ seconds, steps, stages = {} }) => {
    const ofSteps = Object.values(stages).reduce((sum, ms) => sum + ms * steps, 0);
    return 1000 * seconds - ofSteps;
  });
  const seconds = (value: number | undefined): string => `${amount(value)} s`;
  return [
    atLeast("pairs/s against Sentence Transformers' Trainer, whole run", 10, ratio(ours, peers[0], pairsPerSecond)),
    atMost('of a run of 16 steps, all that is no step', 250, around && median(around), (ms) => `${amount(ms)} ms`),
    atLeast('the same, step against step', 10, ratio(ours, peers[0], stepRate)),
    atLeast('pairs/s, wikisplit (bar for a CPU with AMX)', 20_000, find({ data: 'wikisplit' })?.pairsPerSecond, amount),
    atLeast(
      'pairs/s, arXiv abstracts (bar for a CPU with AMX)',
      10_000,
      find({ data: 'arxiv-title-abstract' })?.pairsPerSecond,
      amount,
    ),
    atMost('the mixture of 279,000 pairs, one epoch', 25, find({ data: 'mixture' })?.seconds, seconds),
    atMost('Matryoshka step against plain step, bfloat16', 1.35, ratio(ours, plain)),
    atMost(
      'Matryoshka step against plain step, float32',
      1.35,
      ratio(find({ precision: 'float32' }), find({ matryoshka: false })),
    ),
    ...precisions.flatMap((precision) => [
      atLeast(
        `plain loss against the peak, ${precision}`,
        0.75,
        find({ precision, matryoshka: false })?.shareOfPeak,
        amount,
      ),
      atLeast(`Matryoshka loss against the peak, ${precision}`, 0.75, find({ precision })?.shareOfPeak, amount),
      atLeast(`the same, batch 16,384, ${precision}`, 0.75, find({ precision, batchSize: 16384 })?.shareOfPeak, amount),
    ]),
    atMost(
      'adamw against sparse_adam, batch 256',
      1.5,
      ratio(find({ batchSize: 256 }), find({ batchSize: 256, optimizer: 'sparse_adam' })),
    ),
    atLeast(
      'four datasets against one, pairs/s of the whole run',
      0.95,
      ratio(find({ datasets: 4 }), ours, pairsPerSecond),
    ),
    atMost('119,547 rows against 30,522', 1.2, ratio(find({ vocabulary: 119547 }), ours)),
  ];
}

function draw(results: readonly Result[], cpu: string): string {
  const sizes = [256, 2048, 16384];
  return barChart(
    'Pairs a second in training',
    `${cpu}; 30,522 x 1024 table, Matryoshka, AdamW; longer is better`,
    sizes
      .map((batchSize) => ({
        title: `batch ${batchSize.toLocaleString('en')}`,
        bars: results
          .filter(
            (result) =>
              result.batchSize === batchSize &&
              result.vocabulary === 30522 &&
              result.data === 'pairs' &&
              result.optimizer === 'adamw' &&
              result.matryoshka,
          )
          .map(({ trainer, precision, pairsPerSecond }) => ({
            label: `${trainer}, ${precision}`,
            value: pairsPerSecond,
            isOurs: trainer === 'stillvec',
          })),
      }))
      .filter(({ bars }) => bars.length > 0),
  );
}

void main();
