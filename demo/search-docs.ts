// `npm start`: learns to search the documentation of this checkout's own dependencies, from nothing.
//
//   npm start                                  trains, measures, saves, and answers a few searches
//   npm start -- "how do I abort a request"    answers this one instead
//   npm start -- --quick                       a small model on a part of the text, for the tests
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import { BM25Index, HybridIndex, MatryoshkaLoss, MultipleNegativesRankingLoss, SentenceTransformer } from 'stillvec';

import { measureIndex, measureModel, type Benchmark } from './benchmark.js';
import { documentOf, holdOut, readSections, trainingPairs, type Section } from './corpus.js';
import {
  bold,
  type Cell,
  cyan,
  dim,
  fitLine,
  formatCount,
  green,
  print,
  printError,
  printFact,
  printTable,
  Progress,
  showCursor,
} from './terminal.js';
import { learnVocabulary, writeTokenizer } from './vocabulary.js';

const searches = [
  'how do I abort a request',
  'retry what has failed',
  'extract a tar archive',
  'walk a directory tree',
];
const resultsPerSearch = 3;
const encodings = 9;

/** What `--quick` makes small. */
interface Scale {
  readonly modelFolder: string;
  /** Of all dimensions, and of the first ones that are also measured. */
  readonly dims: readonly [full: number, short: number];
  readonly vocabularySize: number;
  readonly batchSize: number;
  readonly mostSections: number;
}

const full: Scale = {
  modelFolder: path.join('models', 'search-docs'),
  dims: [1024, 256],
  vocabularySize: 4000,
  batchSize: 512,
  mostSections: Infinity,
};
const quick: Scale = {
  modelFolder: path.join('models', 'search-docs-quick'),
  dims: [128, 32],
  vocabularySize: 2000,
  batchSize: 64,
  mostSections: 500,
};

async function main(signal: AbortSignal): Promise<void> {
  const { values: flags, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  });
  const scale = flags.quick ? quick : full;
  print(`\n  ${bold('stillvec')} learns to search the documentation in node_modules\n`);

  const sections = await read(scale, signal);
  const { training, benchmark } = holdOut(sections, 8);
  const model = await createModel(training, scale, signal);

  const before = await measure(model, benchmark, scale, signal);
  await train(model, training, scale, signal);
  await model.save(scale.modelFolder);
  const after = await measure(model, benchmark, scale, signal);
  const byMean = await SentenceTransformer.load(scale.modelFolder, { pooling: 'mean', signal });
  const mean = await measure(byMean, benchmark, scale, signal);
  const bm25 = await measureIndex(new BM25Index(), benchmark, signal);
  const both = await measureIndex(new HybridIndex({ model }), benchmark, signal);
  printScores(benchmark, scale, { before, after, mean, bm25, both });

  print(`\n  Saved in ${scale.modelFolder}. Loaded again, it answers:`);
  const queries = positionals.length > 0 ? [positionals.join(' ')] : searches;
  await answer(queries, sections, await SentenceTransformer.load(scale.modelFolder, { signal }), signal);
}

async function read({ mostSections }: Scale, signal: AbortSignal): Promise<Section[]> {
  using progress = new Progress('Reading');
  const sections = await readSections('node_modules', {
    signal,
    onProgress: (files, total) => {
      progress.update(files / total, `${formatCount(files)} Markdown files`);
    },
  });
  return sections.slice(0, mostSections);
}

/** An untrained model over a vocabulary of its own, which knows how rare words are. What is held out is not in either. */
async function createModel(
  training: readonly Section[],
  { modelFolder, vocabularySize, dims: [dim] }: Scale,
  signal: AbortSignal,
): Promise<SentenceTransformer> {
  const vocabulary = learnVocabulary(training.map(documentOf), vocabularySize);
  const tokenizer = writeTokenizer(`${modelFolder}-vocabulary`, vocabulary);
  const model = await SentenceTransformer.create({
    tokenizer,
    dim,
    seed: 1,
    pooling: 'sqrt',
    initialRows: { idf: trainingPairs(training) },
    signal,
  });
  const { isa, threads } = model.info();
  printFact('Corpus', `${formatCount(training.length)} sections to learn from`);
  printFact('Model', `${formatCount(model.vocabSize)} tokens x ${dim} dimensions, random numbers so far`);
  printFact('CPU', `${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`);
  return model;
}

async function train(
  model: SentenceTransformer,
  training: readonly Section[],
  { dims: [full, short], batchSize }: Scale,
  signal: AbortSignal,
): Promise<void> {
  const ranking = new MultipleNegativesRankingLoss({
    scale: 20,
    maskDuplicates: true,
    hardnessMode: 'in_batch_negatives',
    hardnessStrength: 9,
  });
  using progress = new Progress('Training');
  const { rows, seconds } = await model.fit({
    trainDataset: trainingPairs(training),
    loss: new MatryoshkaLoss(ranking, { dims: [full, full / 2, short] }),
    batchSize,
    batchSampler: 'random',
    learningRate: 1,
    precision: 'auto',
    seed: 1,
    signal,
    onProgress: ({ phase, done, total, loss, rowsPerSecond }) => {
      if (phase === 'tokenize') return;
      progress.update(done / total, `loss ${loss.toFixed(2)}   ${formatCount(rowsPerSecond)} pairs/s`);
    },
  });
  progress.finish(`${formatCount(rows)} pairs in ${seconds.toFixed(1)} s`);
}

/** NDCG@10 with each number of dimensions. */
async function measure(
  model: SentenceTransformer,
  benchmark: Benchmark,
  { dims }: Scale,
  signal: AbortSignal,
): Promise<number[]> {
  const scores: number[] = [];
  for (const columns of dims) scores.push(await measureModel(model, benchmark, columns, signal));
  return scores;
}

/** NDCG@10, of a model with each number of dimensions. */
interface Scores {
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Of the trained model with its rows pooled by their mean. */
  readonly mean: readonly number[];
  readonly bm25: number;
  /** Of BM25 and the trained model together. */
  readonly both: number;
}

function printScores(benchmark: Benchmark, { dims }: Scale, { before, after, mean, bm25, both }: Scores): void {
  const { questions, documents } = benchmark;
  const score = (value: number): Cell => ({ text: value.toFixed(3) });
  print(
    `\n  ${formatCount(questions.length)} questions about sections that were held out: headings, or first sentences.`,
  );
  print(`  Each is to be found, by the rest of its text, among ${formatCount(documents.length)} sections.\n`);
  printTable([
    [{ text: 'NDCG@10', paint: bold }, ...dims.map((columns) => ({ text: `${columns} dims`, paint: dim }))],
    [{ text: 'before training' }, ...before.map(score)],
    [{ text: 'after training' }, ...after.map((value) => ({ ...score(value), paint: green }))],
    [{ text: 'pooled by the mean' }, ...mean.map(score)],
    [{ text: 'BM25' }, score(bm25), { text: '' }],
    [{ text: 'BM25 and the model' }, { ...score(both), paint: green }, { text: '' }],
  ]);
}

async function answer(
  queries: readonly string[],
  sections: readonly Section[],
  model: SentenceTransformer,
  signal: AbortSignal,
): Promise<void> {
  const texts = sections.map(documentOf);
  const documents = await model.encodeDocument(texts, { signal });
  const { indices, scores, k } = await model.searchTopK(await model.encodeQuery(queries), documents, resultsPerSearch);
  for (const [query, text] of queries.entries()) {
    print(`\n  ${bold(text)}\n`);
    for (let hit = query * k; hit < (query + 1) * k; ++hit) {
      const section = sections[indices[hit] ?? 0];
      if (section === undefined) continue;
      print(
        `  ${green((scores[hit] ?? 0).toFixed(2))}  ${cyan(section.package)}  ${fitLine(section.heading, 10 + section.package.length)}`,
      );
      print(`        ${dim(fitLine(section.sentences.join(' '), 8))}`);
    }
  }
  const meanWords = texts.join(' ').split(/\s+/).length / texts.length;
  const rate = formatCount(await encodingRate(model, texts, signal));
  print();
  printFact('Encoding', `${bold(`${rate} texts/s`)}, a section of ${formatCount(meanWords)} words each\n`);
}

/** Texts a second, at the median of several goes. */
async function encodingRate(
  model: SentenceTransformer,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const seconds: number[] = [];
  for (let go = 0; go < encodings; ++go) {
    const start = performance.now();
    await model.encodeDocument(texts, { signal });
    seconds.push((performance.now() - start) / 1000);
  }
  const median = seconds.sort((a, b) => a - b)[encodings >> 1] ?? NaN;
  return texts.length / median;
}

const controller = new AbortController();
process.on('exit', showCursor);
process.on('SIGINT', () => {
  // The second time, whatever is still going on does not matter.
  if (controller.signal.aborted) process.exit(130);
  controller.abort();
});

main(controller.signal).catch((error: unknown) => {
  if (controller.signal.aborted) {
    print('\n  Stopped.\n');
    process.exitCode = 130;
  } else {
    printError(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
});
