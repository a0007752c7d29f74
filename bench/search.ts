// npm run bench:search -- [--quick] [--json] [--data FILE] [--rounds N] [--only search|mining|rescore] [--model FOLDER]
//
// How fast embeddings are searched and negatives mined: exact top-10 of 10,000 queries among 200,000 rows of 256
// columns, and 3 negatives for 100,000 pairs among their 100,000 passages at 1,024 columns, beside Sentence Transformers'
// semantic_search and mine_hard_negatives in the same run. Every call is a process of its own, and they take turns. And
// what quantized embeddings gain and lose: 2,000 titles among 100,000 abstracts, by a model, or else by random rows.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { SentenceTransformer } from '../lib/index.js';
import { barChart } from './support/chart.js';
import { buildLimit } from './support/limit.js';
import { describeMachine, machineLine, type Machine } from './support/machine.js';
import { inTemporaryFolder, report, runProgram, runScript, writeResults } from './support/program.js';
import { pythonWith } from './support/python.js';
import { rescoreTable, type RescoreReply, type RescoreTask } from './support/rescoring.js';
import { agreement, writeNormalRows, type SearchReply, type SearchTask } from './support/searching.js';
import { median, medianRatio } from './support/statistics.js';
import { amount, atLeast, barTable, mebibytes, table, times, type Bar } from './support/table.js';
import { sharedFolder } from './support/texts.js';
import { readRows, trainingFile } from './support/training.js';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    model: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 3));
const scale = flags.quick ? 0.1 : 1;

interface Case {
  readonly name: 'search' | 'mining';
  readonly what: string;
  readonly task: SearchTask;
  /** Of the products that an exact search takes, in GFLOP. */
  readonly products: number;
  /** How much faster than Sentence Transformers. */
  readonly wanted: number;
}

interface Result extends Case {
  readonly ours: readonly SearchReply[];
  readonly theirs: readonly SearchReply[];
}

async function main(): Promise<void> {
  const machine = describeMachine();
  const python = pythonWith('sentence_transformers');
  const program = await buildLimit('training');
  await inTemporaryFolder(async (folder) => {
    const cases = await makeCases(folder);
    const peaks: number[] = [];
    const results: Result[] = [];
    for (const each of cases) results.push(await measure(each, folder, python, program, peaks));
    const rescoring = isWanted('rescore') ? await measureRescoring(folder) : undefined;
    const peak = peaks.length === 0 ? undefined : median(peaks);
    const bars = judge(results, peak);
    const chart = writeResults('search', draw(results, machine), {
      machine,
      peak,
      results: results.map(figures),
      rescoring,
      bars,
    });
    if (flags.json) {
      process.stdout.write(
        `${JSON.stringify({ machine, peak, results: results.map(figures), rescoring, bars }, null, 2)}\n`,
      );
      return;
    }
    const parts = [
      `# Search\n\n${machineLine(machine, results[0]?.ours[0]?.version ?? 'unknown')}`,
      peak === undefined
        ? 'Peak of the machine: not measured, no CMake and C++ compiler here.'
        : `Peak of the machine, f32 multiply-adds between registers, median of ${peaks.length}: ${amount(peak)} GFLOP/s.`,
      ...(python === undefined ? ['Sentence Transformers: not installed (STILLVEC_PYTHON, python3).'] : []),
      `Medians of ${rounds} rounds, in turns. GFLOP/s: the products of an exact search over the whole call.`,
      resultTable(results, peak),
      ...(rescoring === undefined ? [] : [rescoreTable(rescoring.task, rescoring.replies)]),
      `## Bars\n\n${barTable(bars)}`,
      `Chart: ${path.relative(process.cwd(), chart)}`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

function isWanted(name: Case['name'] | 'rescore'): boolean {
  return flags.only === undefined || flags.only === name;
}

async function makeCases(folder: string): Promise<Case[]> {
  const cases: Case[] = [];
  if (isWanted('search')) {
    const [queries, corpus, dim, topK] = [10_000 * scale, 200_000 * scale, 256, 10];
    const task = {
      op: 'search',
      queries: path.join(folder, 'queries'),
      corpus: path.join(folder, 'corpus'),
      dim,
      topK,
    } as const;
    report('writing embeddings');
    writeNormalRows(task.queries, queries, dim, 1);
    writeNormalRows(task.corpus, corpus, dim, 2);
    const what = `top-${topK} of ${amount(queries)} queries among ${amount(corpus)} x ${dim}`;
    cases.push({ name: 'search', what, task, products: (2 * queries * corpus * dim) / 1e9, wanted: 3 });
  }
  if (isWanted('mining')) {
    const [pairs, dim, numNegatives] = [100_000 * scale, 1024, 3];
    const { rows, data } = await writePairs(folder, pairs);
    const model = await writeRandomModel(folder, dim);
    const what = `${numNegatives} negatives for ${amount(rows.length)} pairs among their passages, ${dim} columns`;
    const products = (2 * rows.length * rows.length * dim) / 1e9;
    cases.push({ name: 'mining', what, task: { op: 'mine', model, data, numNegatives }, products, wanted: 5 });
  }
  return cases;
}

async function writePairs(folder: string, count: number): Promise<{ rows: string[][]; data: string }> {
  const file = flags.data ?? trainingFile('arxiv-title-abstract');
  report(`reading ${file}`);
  const rows = distinct(await readRows(file), count);
  const data = path.join(folder, 'pairs.json');
  writeFileSync(data, JSON.stringify(rows));
  return { rows, data };
}

async function writeRandomModel(folder: string, dim: number): Promise<string> {
  const tokenizer = path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
  const model = path.join(folder, 'model');
  await (await SentenceTransformer.create({ tokenizer, dim, seed: 1 })).save(model);
  return model;
}

async function measureRescoring(folder: string): Promise<{ task: RescoreTask; replies: RescoreReply[] }> {
  const { data } = await writePairs(folder, 100_000 * scale);
  const model = flags.model === undefined ? await writeRandomModel(folder, 1024) : path.resolve(flags.model);
  const task: RescoreTask = { model, data, queries: 2000 * scale, topK: 10 };
  const file = path.join(folder, 'task.json');
  writeFileSync(file, JSON.stringify(task));
  const replies: RescoreReply[] = [];
  for (let round = 0; round < rounds; ++round) {
    report(`round ${round + 1}: quantized, and rescored`);
    replies.push((await runScript(path.join(__dirname, 'scenarios', 'rescore.ts'), [file])) as RescoreReply);
  }
  return { task, replies };
}

/** The first so many pairs without a text that was there before. */
function distinct(rows: readonly (readonly string[])[], count: number): string[][] {
  const seen = new Set<string>();
  const kept: string[][] = [];
  for (const row of rows) {
    if (kept.length === count) break;
    const pair = row.slice(0, 2);
    if (pair.some((text) => seen.has(text))) continue;
    for (const text of pair) seen.add(text);
    kept.push(pair);
  }
  return kept;
}

async function measure(
  each: Case,
  folder: string,
  python: string | undefined,
  limit: string | undefined,
  peaks: number[],
): Promise<Result> {
  const ours: SearchReply[] = [];
  const theirs: SearchReply[] = [];
  const file = path.join(folder, 'task.json');
  writeFileSync(file, JSON.stringify(each.task));
  for (let round = 0; round < rounds; ++round) {
    report(`round ${round + 1}: ${each.what}`);
    if (limit !== undefined) peaks.push(((await runProgram(limit, [])) as { float32: number }).float32);
    ours.push((await runScript(path.join(__dirname, 'scenarios', 'search.ts'), [file])) as SearchReply);
    if (python === undefined) continue;
    const script = path.join(__dirname, 'contenders', 'sentence_transformers_search.py');
    theirs.push((await runProgram(python, [script, file])) as SearchReply);
  }
  return { ...each, ours, theirs };
}

const seconds = (replies: readonly SearchReply[]): number[] => replies.map((reply) => reply.seconds);

function gigaflops(products: number, replies: readonly SearchReply[]): number {
  return products / median(seconds(replies));
}

function judge(results: readonly Result[], peak: number | undefined): Bar[] {
  return results.flatMap(({ name, what, products, wanted, ours, theirs }) => [
    ...(name === 'search'
      ? [
          atLeast(
            `${what}: share of the f32 peak`,
            0.6,
            peak === undefined ? undefined : gigaflops(products, ours) / peak,
            amount,
          ),
        ]
      : []),
    atLeast(
      `${what}: against Sentence Transformers`,
      wanted,
      theirs.length === 0 ? undefined : medianRatio(seconds(theirs), seconds(ours)),
    ),
  ]);
}

interface Line {
  readonly result: Result;
  readonly who: string;
  readonly replies: readonly SearchReply[];
}

function linesOf(results: readonly Result[]): Line[] {
  return results.flatMap((result) => [
    { result, who: 'stillvec', replies: result.ours },
    ...(result.theirs.length === 0 ? [] : [{ result, who: 'Sentence Transformers', replies: result.theirs }]),
  ]);
}

function resultTable(results: readonly Result[], peak: number | undefined): string {
  return table<Line>(
    [
      { heading: 'what', cell: ({ result }) => result.what, align: 'left' },
      { heading: 'by', cell: ({ who }) => who, align: 'left' },
      { heading: 'seconds', cell: ({ replies }) => amount(median(seconds(replies))) },
      { heading: 'GFLOP/s', cell: ({ result, replies }) => amount(gigaflops(result.products, replies)) },
      {
        heading: 'of the f32 peak',
        cell: ({ result, replies }) => (peak === undefined ? '-' : times(gigaflops(result.products, replies) / peak)),
      },
      { heading: 'peak memory', cell: ({ replies }) => mebibytes(median(replies.map(({ peakRss }) => peakRss))) },
      {
        heading: 'same hits',
        cell: ({ result }) => {
          const share = agreement(result.theirs[0], result.ours[0]);
          return share === undefined ? '-' : `${amount(100 * share)} %`;
        },
      },
    ],
    linesOf(results),
  );
}

/** Without the samples. */
function figures({ ours, theirs, ...rest }: Result): object {
  const plain = (replies: readonly SearchReply[]): object[] => replies.map(({ sample: _, ...reply }) => reply);
  return { ...rest, ours: plain(ours), theirs: plain(theirs) };
}

function draw(results: readonly Result[], machine: Machine): string {
  return barChart(
    'Search and mining: products of an exact search, GFLOP/s',
    machine.cpu,
    results.map((result) => ({
      title: result.what,
      bars: linesOf([result]).map(({ who, replies }) => ({
        label: who,
        value: gigaflops(result.products, replies),
        isOurs: who === 'stillvec',
      })),
    })),
  );
}

void main();
