// npm run bench:scaling -- [--json] [--rounds N] [--threads N] [--bandwidth GB/s]
//
// What more threads give: encoding passages and a step of training, with 1, 2, 4 ... threads as this machine has them,
// each in a process of its own. Up to `--threads` (default: 64) the rest is modelled from one thread's figures: what is
// multiplied by the peak of the machine, what is read by its memory, and everything else by the number of threads. The
// model's error on what was measured stands beside it.
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { SentenceTransformer } from '../lib/index.js';
import { buildLimit } from './support/limit.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report, runProgram, runScript } from './support/program.js';
import { median } from './support/statistics.js';
import { amount, table, times } from './support/table.js';
import { sharedFolder, textSets } from './support/texts.js';
import {
  mixtureFiles,
  readRows,
  recipeDims,
  shuffled,
  trainingFile,
  type FitReply,
  type FitRequest,
} from './support/training.js';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '64' },
    bandwidth: { type: 'string' },
  },
});

const dim = 1024;
const rowBytes = 4 * dim;
const batchSize = 2048;
const steps = 8;

/** With so many threads, medians of the rounds. */
interface Measured {
  readonly threads: number;
  /** Multiply-adds between registers, GFLOP/s. */
  readonly peak: number;
  /** Rows of the table a second, read in the order of the texts' tokens and nothing else done. */
  readonly rowRate: number;
  /** Microseconds a text. */
  readonly encode: number;
  /** Milliseconds a step, by stage. */
  readonly stages: Readonly<Record<string, number>>;
}

interface Predicted {
  readonly threads: number;
  readonly encode: number;
  readonly step: number;
}

async function main(): Promise<void> {
  const machine = describeMachine();
  const gather = await buildLimit('gather');
  const training = await buildLimit('training');
  if (gather === undefined || training === undefined) throw new Error('the limits take CMake and a C++ compiler');
  await inTemporaryFolder(async (folder) => {
    const inputs = await writeInputs(folder);
    const counts = doubled(os.availableParallelism());
    const rounds: Measured[][] = [];
    for (let round = 0; round < Number(flags.rounds); ++round) {
      report(`round ${round + 1}`);
      const measured: Measured[] = [];
      for (const threads of counts) measured.push(await measure(threads, inputs, gather, training));
      rounds.push(measured);
    }
    const measured = counts.map((_, i) => medians(rounds.map((round) => round[i]).filter((one) => one !== undefined)));
    const rows = rowsOf(measured, inputs.rowsPerText);
    const text = [
      `# Scaling\n\n${machineLine(machine, inputs.isa)}`,
      `Medians of ${flags.rounds} rounds; passages as UTF-8 columns, 30,522 x ${dim} float32; a step of ${batchSize} pairs, bfloat16, AdamW, ` +
        'six Matryoshka dims. Modelled from one thread: products by the peak, rows by the memory, the rest by the threads. ' +
        'Where the peak and the memory are not measured, each core has the same share of the peak, and memory gives ' +
        (flags.bandwidth === undefined
          ? 'no more than it gives here (the first figure), or as much a core (the second).'
          : `as much a core, up to ${flags.bandwidth} GB/s.`),
      table<Row>(
        [
          { heading: 'threads', cell: ({ threads }) => `${threads}` },
          { heading: 'us a text', cell: ({ measured }) => amount(measured?.encode) },
          { heading: 'gain', cell: ({ gains }) => times(gains?.encode) },
          { heading: 'modelled', cell: ({ models }) => between(models.map(({ encode }) => encode)) },
          { heading: 'error', cell: ({ errors }) => percent(errors?.encode) },
          { heading: 'ms a step', cell: ({ measured }) => amount(measured && stepOf(measured)) },
          { heading: 'gain', cell: ({ gains }) => times(gains?.step) },
          { heading: 'modelled', cell: ({ models }) => between(models.map(({ step }) => step)) },
          { heading: 'error', cell: ({ errors }) => percent(errors?.step) },
        ],
        rows,
      ),
    ];
    process.stdout.write(flags.json ? JSON.stringify({ machine, measured, rows }, null, 2) : `${text.join('\n\n')}\n`);
  });
}

// ---- Measuring ------------------------------------------------------------------------------------------------------

interface Inputs {
  readonly isa: string;
  readonly model: string;
  readonly texts: string;
  readonly ids: string;
  readonly tableRows: number;
  readonly rowsPerText: number;
  readonly fit: string;
}

async function writeInputs(folder: string): Promise<Inputs> {
  const inputs = {
    model: path.join(folder, 'model'),
    texts: path.join(folder, 'texts.json'),
    ids: path.join(folder, 'ids'),
    fit: path.join(folder, 'fit.json'),
  };
  const tokenizer = path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
  const model = await SentenceTransformer.create({ tokenizer, dim });
  await model.save(inputs.model);
  const sets = textSets([]);
  const { texts } = sets.find(({ name }) => name === 'passages') ?? sets[0] ?? { texts: [] };
  writeFileSync(inputs.texts, JSON.stringify(texts));
  const { ids, offsets } = model.tokenize(texts);
  // A text reads each of its rows once.
  const read = texts.flatMap((_, i) => [...new Set(ids.subarray(offsets[i], offsets[i + 1]))]);
  writeFileSync(inputs.ids, Uint32Array.from(read));
  const pairs = shuffled((await Promise.all(mixtureFiles.map(trainingFile).map(readRows))).flat());
  const data = path.join(folder, 'pairs.json');
  writeFileSync(data, JSON.stringify(pairs.slice(0, batchSize * (steps + 1)).map((row) => row.slice(0, 2))));
  const request: FitRequest = {
    ...{ model: inputs.model, data, batchSize, maxSteps: steps },
    ...{ precision: 'bfloat16', optimizer: 'adamw', matryoshkaDims: recipeDims, sampler: 'no_duplicates' },
  };
  writeFileSync(inputs.fit, JSON.stringify(request));
  const { isa } = model.info();
  return { ...inputs, isa, tableRows: vocabularyOf(tokenizer), rowsPerText: read.length / texts.length };
}

function vocabularyOf(tokenizer: string): number {
  const { model } = JSON.parse(readFileSync(tokenizer, 'utf8')) as { model: { vocab: Record<string, number> } };
  return Math.max(...Object.values(model.vocab)) + 1;
}

async function measure(threads: number, inputs: Inputs, gather: string, training: string): Promise<Measured> {
  const environment = { STILLVEC_THREADS: `${threads}` };
  const scenario = (name: string, ...args: readonly string[]): Promise<unknown> =>
    runScript(path.join(__dirname, 'scenarios', `${name}.ts`), args, environment);
  const peaks = (await runProgram(training, [], environment)) as { bfloat16: number };
  const { ids, tableRows } = inputs;
  const sizes = [tableRows, rowBytes, rowBytes, threads, 1].map(String);
  const read = (await runProgram(gather, [ids, ...sizes])) as { rows: number; seconds: number };
  const encode = (await scenario('scaling', inputs.model, inputs.texts)) as number;
  const { stages = {} } = (await scenario('fit', inputs.fit)) as FitReply;
  return { threads, peak: peaks.bfloat16, rowRate: read.rows / read.seconds, encode, stages };
}

function medians(all: readonly Measured[]): Measured {
  const of = (value: (one: Measured) => number): number => median(all.map(value));
  const stages = Object.keys(all[0]?.stages ?? {}).map((name) => [name, of((one) => one.stages[name] ?? NaN)] as const);
  return {
    threads: all[0]?.threads ?? 0,
    peak: of(({ peak }) => peak),
    rowRate: of(({ rowRate }) => rowRate),
    encode: of((one) => one.encode),
    stages: Object.fromEntries(stages),
  };
}

/** 1, 2, 4 ... and the last one. */
function doubled(most: number): number[] {
  const counts = [];
  for (let threads = 1; threads < most; threads *= 2) counts.push(threads);
  return [...counts, most];
}

// ---- The model ------------------------------------------------------------------------------------------------------

interface Limits {
  readonly threads: number;
  readonly peak: number;
  readonly rowRate: number;
}

interface Row {
  readonly threads: number;
  readonly measured: Measured | undefined;
  readonly gains: { readonly encode: number; readonly step: number } | undefined;
  /** One where the limits were measured, else with little and with much memory. */
  readonly models: readonly Predicted[];
  readonly errors: { readonly encode: number; readonly step: number } | undefined;
}

function rowsOf(measured: readonly Measured[], rowsPerText: number): Row[] {
  const [one] = measured;
  const last = measured.at(-1);
  if (one === undefined || last === undefined) return [];
  const known = measured.map((here): Row => {
    const model = predict(one, here, rowsPerText);
    return {
      threads: here.threads,
      measured: here,
      gains: { encode: one.encode / here.encode, step: stepOf(one) / stepOf(here) },
      models: [model],
      errors: { encode: model.encode / here.encode - 1, step: model.step / stepOf(here) - 1 },
    };
  });
  const more = doubled(Number(flags.threads)).filter((threads) => threads > last.threads);
  const modelled = more.map((threads): Row => {
    const models = limitsOf(threads, last).map((limits) => predict(one, limits, rowsPerText));
    return { threads, measured: undefined, gains: undefined, models, errors: undefined };
  });
  return [...known, ...modelled];
}

function limitsOf(threads: number, last: Measured): Limits[] {
  const factor = threads / last.threads;
  const peak = last.peak * factor;
  const most = last.rowRate * factor;
  if (flags.bandwidth === undefined) return [last.rowRate, most].map((rowRate) => ({ threads, peak, rowRate }));
  return [{ threads, peak, rowRate: Math.min(most, (Number(flags.bandwidth) * 1e9) / rowBytes) }];
}

/** What takes one thread so long, with these limits. */
function predict(one: Measured, { threads, peak, rowRate }: Limits, rowsPerText: number): Predicted {
  const reading = (1e6 * rowsPerText) / one.rowRate;
  const memory = one.rowRate / rowRate;
  const { loss = 0, pooling = 0, update = 0, ...rest } = one.stages;
  const others = Object.values(rest).reduce((sum, ms) => sum + ms, 0);
  return {
    threads,
    encode: Math.max(0, one.encode - reading) / threads + Math.min(reading, one.encode) * memory,
    step: (loss * one.peak) / peak + (pooling + update) * memory + others / threads,
  };
}

function stepOf({ stages }: Measured): number {
  return Object.values(stages).reduce((sum, ms) => sum + ms, 0);
}

function between(values: readonly number[]): string {
  return values.map(amount).join(' ... ');
}

function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${share < 0 ? '-' : '+'}${Math.abs(100 * share).toFixed(0)} %`;
}

void main();
