// npm run bench:encode -- [--quick] [--json] [--texts FILE]... [--rounds N] [--seconds S] [--only PART]
//
// How fast texts become embeddings: this library, the libraries that one would use instead, and the limit that memory
// sets, in one run. Every contender is a process of its own, and they are measured in turns, round after round, so that
// whatever else the machine does falls on all alike.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { learnVocabulary, writeTokenizer } from '../demo/vocabulary.js';
import { SentenceTransformer } from '../lib/index.js';
import type { Breakdown } from './scenarios/breakdown.js';
import type { Fairness } from './scenarios/fairness.js';
import type { Latency } from './scenarios/latency.js';
import type { Loading } from './scenarios/loading.js';
import type { StreamMemory } from './scenarios/stream.js';
import { barChart } from './support/chart.js';
import { Contender, nodeContender, type Input } from './support/contender.js';
import { buildLimit } from './support/limit.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report, runProgram, runScript, writeResults } from './support/program.js';
import { pythonWith } from './support/python.js';
import { median, medianRatio } from './support/statistics.js';
import { amount, atLeast, atMost, barTable, mebibytes, table, times, type Bar } from './support/table.js';
import { byteLength, sharedFolder, textSets, type TextSet } from './support/texts.js';

const script = (name: string): string => path.join(__dirname, `${name}.ts`);
const contenderScript = (name: string): string => path.join(__dirname, 'contenders', name);

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    texts: { type: 'string', multiple: true, default: [] },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string' },
  },
});
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 5));
const seconds = Number(flags.seconds ?? (flags.quick ? 0.2 : 1));

const dims = [1024, 256];
const tableDim = 1024;
/** Tokens of one call: the texts of a set are repeated to about as many. */
const tokensOfCall = flags.quick ? 50_000 : 200_000;
const peerBatchSizes = [32, 256, 1024, 2048];

const dtypes = { float32: 4, float16: 2, bfloat16: 2, int8: 1 } as const;
type Dtype = keyof typeof dtypes;

/** A set of texts, repeated to the volume of a call and written where the contenders read it. */
interface Volume extends TextSet {
  readonly file: string;
  /** Of one repetition: the distinct rows of each text, in a file. */
  readonly rowsFile: string;
  readonly tokensPerText: number;
  readonly rowsPerText: number;
  /** Rows of the table that these are of. */
  readonly vocabSize: number;
}

/** What one line of the table is about. */
interface Setting {
  readonly contender: string;
  /** 0: as many as it likes. */
  readonly threads: number;
  readonly dtype: Dtype;
  readonly input: Input;
  readonly isOurs: boolean;
}

interface Case {
  readonly setting: Setting;
  /** Texts a second, and the peak memory of its process. */
  readonly measure: () => Promise<{ rate: number; peakRss?: number }>;
}

interface Result extends Setting {
  readonly set: string;
  readonly dim: number;
  readonly textsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Of the gather limit on the same bytes with as many threads, in the same round. */
  readonly shareOfLimit: number | undefined;
  readonly peakRss: number | undefined;
  readonly rates: readonly number[];
}

const limitName = 'gather limit';

async function main(): Promise<void> {
  const machine = describeMachine();
  const python = { encode: pythonWith('sentence_transformers'), model2vec: pythonWith('model2vec') };
  const gather = await buildLimit('gather');

  await inTemporaryFolder(async (folder) => {
    const plainSets = textSets(flags.texts);
    const model = await makeModel(path.join(folder, 'model'), plainSets);
    const sets = plainSets.map((set) => makeVolume(set, model.model, folder));
    const results = wants('table') ? await compareEncoders(sets, model.folder, gather, python) : [];
    const tokenizers = wants('tokenizers') ? await compareTokenizers(sets, model.folder, folder) : [];
    const scenarios = wants('scenarios') ? await runScenarios(sets, model.folder) : undefined;

    const bars = judge(results, tokenizers, scenarios);
    const chart = writeResults('encode', draw(results, machine.cpu), { machine, results, tokenizers, scenarios, bars });
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ machine, results, tokenizers, scenarios, bars }, null, 2)}\n`);
      return;
    }
    const missing = [
      ...(gather === undefined ? [`${limitName}: no CMake and C++ compiler here`] : []),
      ...(python.encode === undefined ? ['Sentence Transformers: not installed (STILLVEC_PYTHON, python3)'] : []),
      ...(python.model2vec === undefined ? ['Model2Vec: not installed (STILLVEC_PYTHON, python3)'] : []),
    ];
    const parts = [
      `# Encoding\n\n${machineLine(machine, model.model.info().isa)}`,
      `Medians of ${rounds} rounds of ${seconds} s, all contenders in turns. Table: ${model.model.vocabSize} x ${tableDim}.`,
      ...(missing.length > 0 ? [missing.map((line) => `- ${line}`).join('\n')] : []),
      ...sets.flatMap(({ name, tokensPerText }) =>
        dims.map((dim) => resultTable(name, dim, tokensPerText, results)).filter((part) => part !== ''),
      ),
      ...(tokenizers.length > 0 ? [tokenizerTable(tokenizers)] : []),
      ...(scenarios === undefined ? [] : [breakdownTable(scenarios), scenarioTable(scenarios)]),
      `## Bars\n\n${barTable(bars)}`,
      `Chart: ${path.relative(process.cwd(), chart)}`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

function wants(part: 'table' | 'tokenizers' | 'scenarios'): boolean {
  return flags.only === undefined || flags.only === part;
}

// ---- What is encoded ------------------------------------------------------------------------------------------------

/** An untrained model of full size: what its rows hold changes no time. */
async function makeModel(
  folder: string,
  sets: readonly TextSet[],
): Promise<{ folder: string; model: SentenceTransformer }> {
  const tokenizer = englishTokenizer(folder, sets);
  report(`making a model of ${tokenizer}`);
  await (await SentenceTransformer.create({ tokenizer, dim: tableDim })).save(folder);
  return { folder, model: await SentenceTransformer.load(folder) };
}

/** That of the shared folder; without it, one learned from the texts. */
function englishTokenizer(folder: string, sets: readonly TextSet[]): string {
  const file = path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
  if (existsSync(file)) return file;
  const vocabulary = learnVocabulary(
    sets.flatMap(({ texts }) => texts),
    30_522,
  );
  return writeTokenizer(`${folder}-tokenizer`, vocabulary);
}

function makeVolume(set: TextSet, model: SentenceTransformer, folder: string): Volume {
  const { ids, offsets } = model.tokenize(set.texts);
  const rows = set.texts.flatMap((_, i) => [...new Set(ids.subarray(offsets[i], offsets[i + 1]))]);
  const rowsFile = path.join(folder, `${set.name}.rows`);
  writeFileSync(rowsFile, Uint32Array.from(rows));
  const repetitions = Math.max(1, Math.round(tokensOfCall / ids.length));
  const texts = Array.from({ length: repetitions }, () => set.texts).flat();
  const file = path.join(folder, `${set.name}.json`);
  writeFileSync(file, JSON.stringify(texts));
  const tokensPerText = ids.length / set.texts.length;
  const rowsPerText = rows.length / set.texts.length;
  return { name: set.name, texts, file, rowsFile, tokensPerText, rowsPerText, vocabSize: model.vocabSize };
}

// ---- Encoders -------------------------------------------------------------------------------------------------------

interface Pythons {
  readonly encode: string | undefined;
  readonly model2vec: string | undefined;
}

async function compareEncoders(
  sets: readonly Volume[],
  model: string,
  gather: string | undefined,
  python: Pythons,
): Promise<Result[]> {
  const ours = Object.keys(dtypes).flatMap((dtype) =>
    [1, 2].map((threads) => ({
      dtype: dtype as Dtype,
      threads,
      contender: nodeContender('stillvec', contenderScript('stillvec.ts'), [dtype], {
        STILLVEC_THREADS: `${threads}`,
      }),
    })),
  );
  const javascript = [
    nodeContender('@huggingface/tokenizers, JS pooling', contenderScript('huggingface-tokenizers.ts')),
    nodeContender('tokenizers, JS pooling', contenderScript('npm-tokenizers.ts')),
  ];
  const sentenceTransformers =
    python.encode &&
    new Contender('Sentence Transformers', python.encode, [contenderScript('sentence_transformers_encode.py')]);
  const model2vec =
    python.model2vec && new Contender('Model2Vec', python.model2vec, [contenderScript('model2vec_encode.py')]);
  const all = [
    ...ours.map(({ contender }) => contender),
    ...javascript,
    ...[sentenceTransformers, model2vec].filter((peer) => peer instanceof Contender),
  ];

  try {
    const results: Result[] = [];
    for (const set of sets) {
      for (const contender of all) await contender.ask('prepare', { model, texts: set.file });
      await checkAgreement(all);
      for (const dim of dims) {
        report(`${set.name}, ${dim} dims`);
        const cases: Case[] = [
          ...(gather === undefined ? [] : gatherCases(gather, set, dim)),
          ...ours.flatMap(({ contender, dtype, threads }) =>
            (['strings', 'columns'] as const).map((input) => ourCase(contender, dim, dtype, threads, input)),
          ),
          ...javascript.map((contender) => peerCase(contender, contender.name, dim, 0)),
        ];
        if (sentenceTransformers instanceof Contender) {
          const batchSize = await bestBatchSize(sentenceTransformers, dim);
          cases.push(peerCase(sentenceTransformers, 'Sentence Transformers, default', dim, 0));
          cases.push(peerCase(sentenceTransformers, `${bestPeer}, batch ${batchSize}`, dim, batchSize));
        }
        if (model2vec instanceof Contender) cases.push(peerCase(model2vec, model2vec.name, dim, 0));
        results.push(...(await takeTurns(cases, set, dim)));
      }
    }
    return results;
  } finally {
    for (const contender of all) await contender.end();
  }
}

const bestPeer = 'Sentence Transformers, best';

function ourCase(contender: Contender, dim: number, dtype: Dtype, threads: number, input: Input): Case {
  return {
    setting: { contender: contender.name, threads, dtype, input, isOurs: true },
    measure: () => encodeRate(contender, dim, threads, input, 0),
  };
}

function peerCase(contender: Contender, name: string, dim: number, batchSize: number): Case {
  return {
    setting: { contender: name, threads: 0, dtype: 'float32', input: 'strings', isOurs: false },
    measure: () => encodeRate(contender, dim, 0, 'strings', batchSize),
  };
}

async function encodeRate(
  contender: Contender,
  dim: number,
  threads: number,
  input: Input,
  batchSize: number,
): Promise<{ rate: number; peakRss: number }> {
  const reply = await contender.ask('encode', { dim, seconds, threads, input, batchSize });
  return { rate: reply.texts / reply.seconds, peakRss: reply.peakRss };
}

/** The gather of the set's rows alone, for every dtype's bytes. */
function gatherCases(program: string, set: Volume, dim: number): Case[] {
  return (Object.keys(dtypes) as Dtype[]).flatMap((dtype) =>
    [1, 2].map((threads) => ({
      setting: { contender: limitName, threads, dtype, input: 'columns' as const, isOurs: false },
      async measure() {
        const stride = tableDim * dtypes[dtype];
        const bytes = dim * dtypes[dtype];
        const args = [set.rowsFile, set.vocabSize, stride, bytes, threads, Math.min(seconds, 0.5)].map(String);
        const reply = (await runProgram(program, args)) as { rows: number; seconds: number };
        return { rate: reply.rows / reply.seconds / set.rowsPerText };
      },
    })),
  );
}

/** Sentence Transformers sorts by length and batches: the batch size that suits these texts best. */
async function bestBatchSize(contender: Contender, dim: number): Promise<number> {
  const rates: { batchSize: number; rate: number }[] = [];
  for (const batchSize of peerBatchSizes) {
    rates.push({ batchSize, ...(await encodeRate(contender, dim, 0, 'strings', batchSize)) });
  }
  return rates.reduce((best, next) => (next.rate > best.rate ? next : best)).batchSize;
}

/** All contenders must do the same work: their embeddings of some texts are compared with ours in f32. */
async function checkAgreement(contenders: readonly Contender[]): Promise<void> {
  const samples: { name: string; embeddings: number[][] }[] = [];
  for (const contender of contenders) {
    const { embeddings } = await contender.ask('sample', { texts: 16, dim: 64 });
    samples.push({ name: contender.name, embeddings });
  }
  const [reference] = samples;
  for (const { name, embeddings } of samples) {
    for (const [i, row] of embeddings.entries()) {
      const likeness = cosine(row, reference?.embeddings[i] ?? []);
      if (!(likeness > 0.999)) throw new Error(`${name} gives another embedding of text ${i}: cosine ${likeness}`);
    }
  }
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, i) => sum + value * (y[i] ?? NaN), 0);
  const norm = Math.sqrt(dot(a, a) * dot(b, b));
  return norm === 0 ? 1 : dot(a, b) / norm;
}

/** Measures every case once a round. */
async function takeTurns(cases: readonly Case[], set: Volume, dim: number): Promise<Result[]> {
  const measured = cases.map((one) => ({ case: one, rates: [] as number[], peakRss: undefined as number | undefined }));
  for (let round = 0; round < rounds; ++round) {
    for (const entry of measured) {
      const { rate, peakRss } = await entry.case.measure();
      entry.rates.push(rate);
      entry.peakRss = peakRss;
    }
  }
  const limitOf = ({ dtype, threads }: Setting): readonly number[] | undefined =>
    measured.find(
      ({ case: { setting } }) =>
        setting.contender === limitName && setting.dtype === dtype && setting.threads === (threads || 2),
    )?.rates;
  return measured.map(({ case: { setting }, rates, peakRss }) => {
    const limit = limitOf(setting);
    return {
      set: set.name,
      dim,
      ...setting,
      textsPerSecond: median(rates),
      tokensPerSecond: median(rates) * set.tokensPerText,
      shareOfLimit: limit && medianRatio(rates, limit),
      peakRss,
      rates,
    };
  });
}

// ---- Tokenizers -----------------------------------------------------------------------------------------------------

interface TokenizerResult {
  readonly set: string;
  readonly tokenizer: string;
  readonly contender: string;
  readonly megabytesPerSecond: number;
  readonly tokensPerSecond: number;
  /** How many times the speed of the package tokenizers. */
  readonly overRust: number;
}

/** Tokenizers beside the model's, each measured on one set of texts. */
const otherVocabularies = [
  { name: 'multilingual', file: 'bert-base-multilingual-cased', set: 'multilingual' },
  { name: 'byte-level BPE', file: 'gpt2', set: 'passages' },
  { name: 'Unigram', file: 'xlmr-like', set: 'passages' },
  { name: 'WordLevel', file: 'glove-like', set: 'passages' },
];

async function compareTokenizers(sets: readonly Volume[], english: string, folder: string): Promise<TokenizerResult[]> {
  const contenders = [
    { contender: nodeContender('stillvec', contenderScript('stillvec.ts')), input: 'strings' as const },
    { contender: nodeContender('stillvec', contenderScript('stillvec.ts')), input: 'columns' as const },
    {
      contender: nodeContender('tokenizers', contenderScript('npm-tokenizers.ts'), [], {
        TOKENIZERS_PARALLELISM: 'false',
        RAYON_NUM_THREADS: '1',
      }),
      input: 'strings' as const,
    },
    {
      contender: nodeContender('@huggingface/tokenizers', contenderScript('huggingface-tokenizers.ts')),
      input: 'strings' as const,
    },
  ];
  const models = [{ name: 'English', folder: english }];
  for (const { name, file } of otherVocabularies) {
    const tokenizer = path.join(sharedFolder, 'tokenizers', `${file}.json`);
    if (!existsSync(tokenizer)) continue;
    const other = path.join(folder, name);
    await (await SentenceTransformer.create({ tokenizer, dim: 16 })).save(other);
    models.push({ name, folder: other });
  }
  try {
    const results: TokenizerResult[] = [];
    for (const set of sets) {
      for (const { name, folder: model } of models) {
        const only = otherVocabularies.find((vocabulary) => vocabulary.name === name)?.set;
        if (only !== undefined && set.name !== only) continue;
        report(`tokenizers: ${set.name}, ${name} vocabulary`);
        const { ids } = (await SentenceTransformer.load(model)).tokenize(set.texts);
        const bytesPerText = byteLength(set.texts) / set.texts.length;
        const measured = contenders.map((entry) => ({ ...entry, rates: [] as number[] }));
        for (const { contender } of contenders) await contender.ask('prepare', { model, texts: set.file });
        for (let round = 0; round < rounds; ++round) {
          for (const { contender, input, rates } of measured) {
            const reply = await contender.ask('tokenize', { seconds, input });
            rates.push(reply.texts / reply.seconds);
          }
        }
        const rust = measured.find(({ contender }) => contender.name === 'tokenizers')?.rates ?? [];
        for (const { contender, input, rates } of measured) {
          results.push({
            set: set.name,
            tokenizer: name,
            contender: contender.name === 'stillvec' ? `stillvec, ${input}` : contender.name,
            megabytesPerSecond: (median(rates) * bytesPerText) / 1e6,
            tokensPerSecond: (median(rates) * ids.length) / set.texts.length,
            overRust: medianRatio(rates, rust),
          });
        }
      }
    }
    return results;
  } finally {
    for (const { contender } of contenders) await contender.end();
  }
}

// ---- Scenarios ------------------------------------------------------------------------------------------------------

interface Scenarios {
  readonly latency: Latency;
  readonly stream: StreamMemory;
  readonly fairness: Fairness;
  readonly loading: Loading;
  /** By text set. */
  readonly breakdowns: Readonly<Record<string, Breakdown>>;
}

async function runScenarios(sets: readonly Volume[], model: string): Promise<Scenarios> {
  const file = sets[0]?.file ?? '';
  const many = flags.quick ? '100000' : '1000000';
  const run = async (name: string, ...args: string[]): Promise<unknown> => {
    report(name);
    return runScript(script(`scenarios/${name}`), [model, ...args]);
  };
  const breakdowns: Record<string, Breakdown> = {};
  for (const set of sets) breakdowns[set.name] = (await run('breakdown', set.file)) as Breakdown;
  return {
    breakdowns,
    latency: (await run('latency', file)) as Latency,
    loading: (await run('loading')) as Loading,
    stream: (await run('stream', file, many)) as StreamMemory,
    fairness: (await run('fairness', file, many)) as Fairness,
  };
}

// ---- What it shows --------------------------------------------------------------------------------------------------

function resultTable(set: string, dim: number, tokensPerText: number, results: readonly Result[]): string {
  const rows = results.filter((result) => result.set === set && result.dim === dim);
  if (rows.length === 0) return '';
  const best = rows.find(({ contender }) => contender.startsWith(bestPeer));
  const body = table<Result>(
    [
      { heading: 'contender', cell: ({ contender }) => contender, align: 'left' },
      { heading: 'table', cell: ({ dtype }) => dtype, align: 'left' },
      { heading: 'threads', cell: ({ threads }) => (threads === 0 ? 'its own' : `${threads}`) },
      { heading: 'input', cell: ({ input, contender }) => (contender === limitName ? 'ids' : input), align: 'left' },
      { heading: 'texts/s', cell: ({ textsPerSecond }) => amount(textsPerSecond) },
      { heading: 'Mtokens/s', cell: ({ tokensPerSecond }) => amount(tokensPerSecond / 1e6) },
      { heading: 'of the limit', cell: ({ shareOfLimit }) => amount(shareOfLimit) },
      { heading: 'over ST best', cell: ({ rates }) => times(best && medianRatio(rates, best.rates)) },
      { heading: 'peak RSS', cell: ({ peakRss }) => mebibytes(peakRss) },
    ],
    rows,
  );
  return `## ${set} (${amount(tokensPerText)} tokens a text), ${dim} dims\n\n${body}`;
}

function tokenizerTable(results: readonly TokenizerResult[]): string {
  const body = table<TokenizerResult>(
    [
      { heading: 'texts', cell: ({ set }) => set, align: 'left' },
      { heading: 'vocabulary', cell: ({ tokenizer }) => tokenizer, align: 'left' },
      { heading: 'tokenizer', cell: ({ contender }) => contender, align: 'left' },
      { heading: 'MB/s', cell: ({ megabytesPerSecond }) => amount(megabytesPerSecond) },
      { heading: 'Mtokens/s', cell: ({ tokensPerSecond }) => amount(tokensPerSecond / 1e6) },
      { heading: 'over tokenizers', cell: ({ overRust }) => times(overRust) },
    ],
    results,
  );
  return `## Tokenizers alone, one thread, ids read from JavaScript\n\n${body}`;
}

function scenarioTable({ latency, stream, fairness, loading }: Scenarios): string {
  const rows: (readonly [string, string])[] = [
    ['one short text, encodeSync, p50 / p99', `${amount(latency.p50)} / ${amount(latency.p99)} us`],
    ["the same into the caller's buffer, p50", `${amount(latency.p50Out)} us`],
    ['prepared, p50', `${amount(latency.p50Prepared)} us`],
    ["prepared, into the caller's buffer, p50", `${amount(latency.p50PreparedOut)} us`],
    [
      `load of a table of ${mebibytes(loading.bytes)}, first / later`,
      `${amount(loading.first)} / ${amount(loading.later)} ms`,
    ],
    [`${amount(stream.texts)} texts streamed: memory beside the table`, mebibytes(stream.growth)],
    ['the same: texts/s', amount(stream.textsPerSecond)],
    [
      `one text while ${amount(fairness.texts)} are encoded, p50 / p99 / most`,
      `${amount(fairness.p50)} / ${amount(fairness.p99)} / ${amount(fairness.most)} ms`,
    ],
  ];
  const body = table<readonly [string, string]>(
    [
      { heading: 'what', cell: ([what]) => what, align: 'left' },
      { heading: 'measured', cell: ([, measured]) => measured },
    ],
    rows,
  );
  return `## One text, a stream, many calls\n\n${body}`;
}

function breakdownTable({ breakdowns }: Scenarios): string {
  const columns = Object.entries({
    join: 'join',
    border: 'border',
    tokenize: 'tokenize',
    pool: 'pool rows',
    newMemory: 'new memory',
    whole: 'whole call',
    alone: 'a call of one',
    aloneOverhead: 'its overhead',
  }) as [keyof Breakdown, string][];
  const body = table<[string, Breakdown]>(
    [
      { heading: 'us a text', cell: ([set]) => set, align: 'left' },
      ...columns.map(([step, heading]) => ({
        heading,
        cell: ([, breakdown]: [string, Breakdown]) => amount(breakdown[step]),
      })),
    ],
    Object.entries(breakdowns),
  );
  return `## Where a microsecond goes, one thread, 1,024 texts a call\n\n${body}`;
}

/** The bars for two threads and strings, from ratios within rounds. */
function judge(
  results: readonly Result[],
  tokenizers: readonly TokenizerResult[],
  scenarios: Scenarios | undefined,
): Bar[] {
  const ours = (set: string, dim = 1024, dtype: Dtype = 'float32'): Result | undefined =>
    results.find(
      (result) =>
        result.isOurs &&
        result.set === set &&
        result.dim === dim &&
        result.dtype === dtype &&
        result.threads === 2 &&
        result.input === 'strings',
    );
  const peer = (set: string): Result | undefined =>
    results.find((result) => result.set === set && result.dim === 1024 && result.contender.startsWith(bestPeer));
  const over = (a: Result | undefined, b: Result | undefined): number | undefined =>
    a && b && medianRatio(a.rates, b.rates);
  const tokenizer = (set: string, vocabulary: string): number | undefined =>
    tokenizers.find(
      (result) => result.set === set && result.tokenizer === vocabulary && result.contender === 'stillvec, strings',
    )?.overRust;
  const f32 = ours('passages');
  const narrow = [ours('passages', 1024, 'bfloat16'), ours('passages', 1024, 'int8')];
  const microseconds = (value: number | undefined): string => `${amount(value)} us`;
  const milliseconds = (value: number | undefined): string => `${amount(value)} ms`;
  return [
    atLeast('questions against Sentence Transformers at its best', 32, over(ours('questions'), peer('questions'))),
    atLeast('passages, likewise', 20, over(f32, peer('passages'))),
    atLeast('passages, share of the gather limit', 0.8, f32?.shareOfLimit, amount),
    atLeast('questions, share of the gather limit', 0.5, ours('questions')?.shareOfLimit, amount),
    atLeast('tokenizer, questions, against tokenizers', 40, tokenizer('questions', 'English')),
    atLeast('tokenizer, passages, against tokenizers', 40, tokenizer('passages', 'English')),
    atLeast('tokenizer, multilingual text and vocabulary', 10, tokenizer('multilingual', 'multilingual')),
    atLeast('tokenizer, multilingual text, English vocabulary', 10, tokenizer('multilingual', 'English')),
    atLeast('tokenizer, passages, byte-level BPE', 15, tokenizer('passages', 'byte-level BPE')),
    atLeast('tokenizer, passages, Unigram', 10, tokenizer('passages', 'Unigram')),
    atLeast('tokenizer, passages, WordLevel', 30, tokenizer('passages', 'WordLevel')),
    atLeast('bfloat16 table against float32, passages', 1.5, over(narrow[0], f32)),
    atLeast('int8 table against float32, passages', 1.5, over(narrow[1], f32)),
    atLeast('256 of 1024 columns against all, passages', 2.5, over(ours('passages', 256), f32)),
    atMost('one short text, encodeSync, p50', 8, scenarios?.latency.p50, microseconds),
    atMost('one short text, prepared encodeSync, p50', 2.5, scenarios?.latency.p50Prepared, microseconds),
    atMost('memory beside the table, 1 M questions streamed', 100 * 2 ** 20, scenarios?.stream.growth, mebibytes),
    atMost('load of 125 MB of f32 after the first time', 30, scenarios?.loading.later, milliseconds),
    atMost('one text behind a million, p99', 5, scenarios?.fairness.p99, milliseconds),
  ];
}

/** What one compares: the float32 table on two threads beside the peers, on texts in the table's language. */
function draw(results: readonly Result[], cpu: string): string {
  const sets = [...new Set(results.map(({ set }) => set))].filter((set) => set !== 'multilingual');
  const shown = ({ dim, input, isOurs, threads, dtype, contender }: Result): boolean =>
    dim === tableDim &&
    input === 'strings' &&
    contender !== limitName &&
    (!isOurs || (threads === 2 && dtype === 'float32'));
  return barChart(
    'Texts embedded a second',
    `1024 dimensions, two cores, ${cpu}`,
    sets.map((set) => ({
      title: set,
      bars: results
        .filter((result) => result.set === set && shown(result))
        .sort((a, b) => b.textsPerSecond - a.textsPerSecond)
        .map(({ contender, isOurs, textsPerSecond }) => ({ label: contender, value: textsPerSecond, isOurs })),
    })),
  );
}

void main();
