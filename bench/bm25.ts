// npm run bench:bm25 -- [--quick] [--json] [--data FILE] [--rounds N]
//
// How fast texts are indexed and searched by words: a million sentences of arXiv abstracts and the top 10 of 2,000
// titles, beside Python's bm25s with Numba in the same run. Every index is a process of its own, and they take turns.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { barChart, type ChartBar } from './support/chart.js';
import { scoreDifference, writeLexicalTexts, type LexicalReply, type LexicalTask } from './support/lexical.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report, runProgram, runScript, writeResults } from './support/program.js';
import { pythonWith } from './support/python.js';
import { median, medianRatio } from './support/statistics.js';
import { amount, atLeast, atMost, barTable, mebibytes, table, type Bar } from './support/table.js';
import { trainingFile } from './support/training.js';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 3));
const most = { documents: flags.quick ? 100_000 : 1_000_000, queries: 2000 };

interface Result {
  readonly who: string;
  readonly replies: readonly LexicalReply[];
}

async function main(): Promise<void> {
  const machine = describeMachine();
  const python = pythonWith('bm25s, numba');
  await inTemporaryFolder(async (folder) => {
    const texts = await writeLexicalTexts(flags.data ?? trainingFile('arxiv-title-abstract'), folder, most);
    const task: LexicalTask = { documents: texts.documents, queries: texts.queries, topK: 10, k1: 1.5, b: 0.75 };
    const [ours, theirs] = await measure(task, folder, python);
    const results: Result[] = [
      { who: 'stillvec', replies: ours },
      ...(theirs.length === 0 ? [] : [{ who: `bm25s ${theirs[0]?.version ?? ''}, Numba`, replies: theirs }]),
    ];
    const bars = judge(ours, theirs);
    const figures = { machine, texts, results: results.map(withoutScores), bars };
    const chart = writeResults('bm25', draw(results, texts.queryCount, machine.cpu), figures);
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
      return;
    }
    const parts = [
      `# Searching by words\n\n${machineLine(machine, ours[0]?.version ?? 'unknown')}`,
      ...(python === undefined ? ['bm25s: not installed with numba (STILLVEC_PYTHON, python3).'] : []),
      `Medians of ${rounds} rounds, in turns: ${amount(texts.documentCount)} sentences, the top ${task.topK} of ${amount(texts.queryCount)} titles. Texts are tokenized in both figures.`,
      resultTable(results, texts.queryCount),
      `## Bars\n\n${barTable(bars)}`,
      `Chart: ${path.relative(process.cwd(), chart)}`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

async function measure(
  task: LexicalTask,
  folder: string,
  python: string | undefined,
): Promise<[LexicalReply[], LexicalReply[]]> {
  const file = path.join(folder, 'task.json');
  writeFileSync(file, JSON.stringify(task));
  const [ours, theirs]: [LexicalReply[], LexicalReply[]] = [[], []];
  for (let round = 0; round < rounds; ++round) {
    report(`round ${round + 1}: stillvec`);
    ours.push((await runScript(path.join(__dirname, 'scenarios', 'bm25.ts'), [file])) as LexicalReply);
    if (python === undefined) continue;
    report(`round ${round + 1}: bm25s`);
    const script = path.join(__dirname, 'contenders', 'bm25s_search.py');
    theirs.push((await runProgram(python, [script, file])) as LexicalReply);
  }
  return [ours, theirs];
}

const buildSeconds = (replies: readonly LexicalReply[]): number[] => replies.map((reply) => reply.buildSeconds);
const searchSeconds = (replies: readonly LexicalReply[]): number[] => replies.map((reply) => reply.searchSeconds);

function judge(ours: readonly LexicalReply[], theirs: readonly LexicalReply[]): Bar[] {
  const [one, other] = [ours[0], theirs[0]];
  if (one === undefined || other === undefined) return [];
  return [
    atMost('building, against bm25s', 1.5, medianRatio(buildSeconds(ours), buildSeconds(theirs))),
    atLeast('queries a second, against bm25s', 5, medianRatio(searchSeconds(theirs), searchSeconds(ours))),
    atMost('greatest difference of a score', 1e-5, scoreDifference(one, other), (value = NaN) =>
      value.toExponential(1),
    ),
  ];
}

function resultTable(results: readonly Result[], queries: number): string {
  return table<Result>(
    [
      { heading: 'index', cell: ({ who }) => who, align: 'left' },
      { heading: 'built in, s', cell: ({ replies }) => amount(median(buildSeconds(replies))) },
      { heading: 'queries/s', cell: ({ replies }) => amount(queries / median(searchSeconds(replies))) },
      { heading: 'peak RSS', cell: ({ replies }) => mebibytes(Math.max(...replies.map((reply) => reply.peakRss))) },
    ],
    results,
  );
}

function withoutScores({ who, replies }: Result): object {
  return { who, replies: replies.map(({ scores: _, ...figures }) => figures) };
}

function draw(results: readonly Result[], queries: number, cpu: string): string {
  const barsOf = (value: (replies: readonly LexicalReply[]) => number): ChartBar[] =>
    results.map(({ who, replies }) => ({ label: who, value: value(replies), isOurs: who === 'stillvec' }));
  return barChart('Searching by words', cpu, [
    { title: 'Queries a second', bars: barsOf((replies) => queries / median(searchSeconds(replies))) },
    { title: 'Seconds to build', bars: barsOf((replies) => median(buildSeconds(replies))) },
  ]);
}

void main();
