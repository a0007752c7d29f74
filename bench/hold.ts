// npm run bench:hold -- [--texts N] [--dim N]
//
// What a server feels of a long call: how long the event loop is held up, how soon an abort settles, and how much memory
// the evaluations of a run leave behind. Beside an idle run of the same process, since others hold the machine up, too.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { learnVocabulary, writeTokenizer } from '../demo/vocabulary.js';
import { MatryoshkaLoss, MultipleNegativesRankingLoss, readDatasetFile, SentenceTransformer } from '../lib/index.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report } from './support/program.js';
import { amount, mebibytes, table } from './support/table.js';
import { textSets } from './support/texts.js';

const { values: flags } = parseArgs({
  options: { texts: { type: 'string', default: '60000' }, dim: { type: 'string', default: '1024' } },
});
const count = Number(flags.texts);
const dim = Number(flags.dim);

/** When an abort comes: in the midst of what is quick to begin, and in that of a run's steps. */
const soonMs = 150;
const stepsMs = 3000;
const evaluations = 50;

interface Held {
  readonly call: string;
  readonly seconds: number;
  /** Of the event loop: between two of its turns. */
  readonly longestMs: number;
  /** The main thread's own time in its longest turn, where Node can tell: what others took of the machine is not in it. */
  readonly longestCpuMs: number | undefined;
}

/** Since when, by the clocks that there are. */
function now(): { wall: number; cpu: number | undefined } {
  // From Node 23.9 on.
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  const usage = threadCpuUsage?.call(process);
  return { wall: performance.now(), cpu: usage && (usage.user + usage.system) / 1000 };
}

/** Calls `work` and watches the event loop meanwhile. */
async function watch(call: string, work: () => Promise<unknown>): Promise<Held> {
  report(call);
  let longestMs = 0;
  let longestCpuMs: number | undefined;
  let last = now();
  let isOn = true;
  const turn = (): void => {
    const next = now();
    longestMs = Math.max(longestMs, next.wall - last.wall);
    if (next.cpu !== undefined) longestCpuMs = Math.max(longestCpuMs ?? 0, next.cpu - (last.cpu ?? 0));
    last = next;
    if (isOn) setImmediate(turn);
  };
  setImmediate(turn);
  const begin = performance.now();
  await work();
  const seconds = (performance.now() - begin) / 1000;
  await setTimeout(10);
  isOn = false;
  return { call, seconds, longestMs, longestCpuMs };
}

/** Milliseconds from the abort of a call to its end. */
async function abortOf(
  call: string,
  afterMs: number,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<[string, number]> {
  report(`abort: ${call}`);
  const controller = new AbortController();
  let abortedAt = NaN;
  const aborting = setTimeout(afterMs).then(() => {
    abortedAt = performance.now();
    controller.abort();
  });
  const end = await work(controller.signal).then(
    () => NaN,
    () => performance.now(),
  );
  await aborting;
  return [call, end - abortedAt];
}

function repeated(texts: readonly string[], length: number): string[] {
  return Array.from({ length }, (_, i) => texts[i % texts.length] ?? '');
}

async function main(): Promise<void> {
  await inTemporaryFolder(async (folder) => {
    const sets = textSets([]);
    const [questions = [], passages = []] = sets.map(({ texts }) => repeated(texts, count));
    const tokenizer = writeTokenizer(
      folder,
      learnVocabulary(
        sets.flatMap(({ texts }) => texts),
        30_522,
      ),
    );
    const model = await SentenceTransformer.create({ tokenizer, dim });
    const pairs = questions.map((anchor, i) => ({ anchor: `${i} ${anchor}`, positive: `${passages[i] ?? ''} ${i}` }));
    const file = path.join(folder, 'pairs.jsonl');
    await writeFile(file, pairs.map((pair) => JSON.stringify(pair)).join('\n'));
    const loss = new MatryoshkaLoss(new MultipleNegativesRankingLoss(), { dims: [dim, dim / 4] });
    const run = { loss, batchSize: 2048, maxSteps: 4, outputDir: path.join(folder, 'run'), saveSteps: 2 };

    const held: Held[] = [await watch('nothing', () => setTimeout(500))];
    for (const precision of ['float32', 'int8', 'uint8', 'binary', 'ubinary'] as const) {
      held.push(await watch(`encode questions, ${precision}`, () => model.encode(questions, { precision })));
      held.push(await watch(`encode passages, ${precision}`, () => model.encode(passages, { precision })));
    }
    const out = new Float32Array(count * dim);
    held.push(await watch('encode questions into out', () => model.encode(questions, { out })));
    const corpus = await model.encode(passages);
    const own = { data: out, shape: [count, dim] } as const;
    const queries = await model.encode(questions.slice(0, 64));
    held.push(await watch('searchTopK of 64', () => model.searchTopK(queries, corpus, 10)));
    held.push(await watch('searchTopK of 64, memory of the caller', () => model.searchTopK(queries, own, 10)));
    held.push(await watch('similarityAsync of 64', () => model.similarityAsync(queries, corpus)));
    held.push(await watch('similarityPairwiseAsync', () => model.similarityPairwiseAsync(own, corpus)));
    held.push(await watch('fit on rows, with checkpoints', () => model.fit({ ...run, trainDataset: pairs })));
    held.push(
      await watch('fit, resumed', () => model.fit({ ...run, trainDataset: pairs, resumeFromCheckpoint: true })),
    );
    for (const what of ['writes', 'reads']) {
      const trainDataset = readDatasetFile(file, { tokenCache: true });
      held.push(await watch(`fit on a file, ${what} the cache`, () => model.fit({ loss, maxSteps: 4, trainDataset })));
    }
    held.push(await watch('save', () => model.save(path.join(folder, 'model'))));
    held.push(await watch('load', () => SentenceTransformer.load(path.join(folder, 'model'))));
    held.push(await watch('create', () => SentenceTransformer.create({ tokenizer, dim })));

    const endless = { loss, epochs: 1000, trainDataset: pairs };
    const columns = { anchor: questions.slice(0, 16_384), positive: passages.slice(0, 16_384) };
    const aborts = [
      await abortOf('encode', soonMs, (signal) =>
        model.encode([passages, passages, passages, passages].flat(), { signal }),
      ),
      await abortOf('encode, ten million empty texts', soonMs, (signal) =>
        model.encode(new Array<string>(10_000_000).fill(''), { signal, truncateDim: 1 }),
      ),
      await abortOf('searchTopK', soonMs, (signal) => model.searchTopK(corpus, corpus, 10, { signal })),
      await abortOf('fit, tokenizing', soonMs, (signal) => model.fit({ ...endless, signal })),
      await abortOf('fit, batch 2,048', stepsMs, (signal) =>
        model.fit({ ...endless, trainDataset: pairs.slice(0, 8192), signal }),
      ),
      await abortOf('fit, batch 16,384', stepsMs, (signal) =>
        model.fit({ ...endless, trainDataset: columns, batchSize: 16_384, batchSampler: 'random', signal }),
      ),
    ];

    const rss: number[] = [];
    await model.fit({
      loss,
      batchSize: 64,
      maxSteps: evaluations,
      epochs: 1000,
      trainDataset: pairs.slice(0, 4096),
      evalSteps: 1,
      evaluator: {
        name: 'memory',
        primaryMetric: 'rss',
        evaluate: async (published) => {
          await published.encode(['one text']);
          rss.push(process.memoryUsage.rss());
          return { rss: rss.at(-1) ?? NaN };
        },
      },
    });
    const tables = ((rss.at(-1) ?? NaN) - (rss[1] ?? NaN)) / model.info().bytes;

    const parts = [
      `# What a long call holds up\n\n${machineLine(describeMachine(), model.info().isa)}`,
      `${amount(count)} texts, a table of ${amount(model.vocabSize)} x ${dim}.`,
      `## The event loop\n\n${table<Held>(
        [
          { heading: 'call', cell: ({ call }) => call, align: 'left' },
          { heading: 'seconds', cell: ({ seconds }) => amount(seconds) },
          { heading: 'longest turn, ms', cell: ({ longestMs }) => amount(longestMs) },
          { heading: 'of it the thread, ms', cell: ({ longestCpuMs }) => amount(longestCpuMs) },
        ],
        held,
      )}`,
      `## Aborts\n\n${table<[string, number]>(
        [
          { heading: 'call', cell: ([call]) => call, align: 'left' },
          { heading: 'settled after, ms', cell: ([, ms]) => amount(ms) },
        ],
        aborts,
      )}`,
      `## Memory\n\nRSS after evaluation 2: ${mebibytes(rss[1])}, after ${evaluations}: ${mebibytes(rss.at(-1))}, which is ` +
        `${amount(tables)} tables more.`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

void main();
