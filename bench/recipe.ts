// npm run bench:recipe -- [--search] [--quick] [--json]
//
// What trains the best embeddings for retrieval in one epoch: the same pairs, batches and random rows under the plain
// recipe and under the one that is recommended, judged on sets that neither has seen. --search changes one setting of
// the recommended recipe at a time; --quick takes a part of the pairs.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { SentenceTransformer } from '../lib/index.js';
import { hasEvaluationData } from './support/evaluation.js';
import { describeMachine, machineLine } from './support/machine.js';
import { inTemporaryFolder, report, runScript } from './support/program.js';
import { qualitySets, retrievalNames, scoreColumns, scoresOf, type Scores } from './support/quality.js';
import { atLeast, atMost, barTable, table, times, type Bar, type Column } from './support/table.js';
import { sharedFolder } from './support/texts.js';
import {
  mixtureFiles,
  plainRecipe,
  readRows,
  recipeDims,
  retrievalRecipe,
  shuffled,
  trainingFile,
  type FitReply,
  type FitRequest,
  type Recipe,
} from './support/training.js';

const { values: flags } = parseArgs({
  options: {
    search: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const batchSize = 2048;

/** What a search tries in the place of each setting. */
const alternatives: { readonly [Name in keyof Recipe]: readonly Recipe[Name][] } = {
  pooling: ['mean'],
  idfScale: [null, 2.5, 10],
  lossScale: [10, 40],
  hardness: [0, 5, 13],
  learningRate: [0.2, 2],
  epochs: [2],
};

interface Result {
  readonly name: string;
  readonly recipe: Recipe;
  readonly scores: Scores;
  readonly seconds: number;
}

async function main(): Promise<void> {
  if (!hasEvaluationData()) throw new Error(`expected held-out sets in ${path.join(sharedFolder, 'eval')}`);
  const machine = describeMachine();
  const rows = shuffled((await Promise.all(mixtureFiles.map(trainingFile).map(readRows))).flat());
  const used = flags.quick ? rows.slice(0, 12 * batchSize) : rows;

  await inTemporaryFolder(async (folder) => {
    const data = path.join(folder, 'rows.json');
    writeFileSync(data, JSON.stringify(used));
    const model = path.join(folder, 'seed');
    const tokenizer = path.join(sharedFolder, 'tokenizers', 'static-retrieval-mrl-en-v1.json');
    const seed = await SentenceTransformer.create({ tokenizer, dim: 1024 });
    await seed.save(model);

    const results: Result[] = [];
    for (const [name, recipe] of recipes()) {
      report(name);
      results.push({ name, recipe, ...(await train({ model, data }, recipe, folder)) });
    }
    const bars = judge(results);
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ machine, pairs: used.length, results, bars }, null, 2)}\n`);
      return;
    }
    const parts = [
      `# Recipe for retrieval\n\n${machineLine(machine, seed.info().isa)}`,
      `${used.length} pairs, batch ${batchSize}, 1024 dimensions, Matryoshka, precision auto. squad, pubmedqa: NDCG@10; ` +
        'sts-b: Spearman.',
      table([...settingColumns, ...scoreColumns<Result>(qualitySets, shownDims), secondsColumn], results),
      `## Bars\n\n${barTable(bars)}`,
    ];
    process.stdout.write(`${parts.join('\n\n')}\n`);
  });
}

function recipes(): readonly (readonly [name: string, recipe: Recipe])[] {
  const searched = Object.entries(alternatives).flatMap(([setting, values]) =>
    values.map((value) => [`${setting} ${value ?? 'none'}`, { ...retrievalRecipe, [setting]: value }] as const),
  );
  return [['plain', plainRecipe], ['recommended', retrievalRecipe], ...(flags.search ? searched : [])];
}

async function train(
  inputs: Pick<FitRequest, 'model' | 'data'>,
  recipe: Recipe,
  folder: string,
): Promise<Pick<Result, 'scores' | 'seconds'>> {
  const output = path.join(folder, 'trained');
  const request: FitRequest = {
    ...inputs,
    batchSize,
    precision: 'auto',
    optimizer: 'adamw',
    sampler: 'no_duplicates',
    matryoshkaDims: recipeDims,
    recipe,
    output,
  };
  const file = path.join(folder, 'request.json');
  writeFileSync(file, JSON.stringify(request));
  const { seconds } = (await runScript(path.join(__dirname, 'scenarios', 'fit.ts'), [file])) as FitReply;
  return { scores: await scoresOf(output), seconds };
}

// ---- What it shows --------------------------------------------------------------------------------------------------

const shownDims = [1024, 256, 64];

const settingColumns: readonly Column<Result>[] = [
  { heading: 'recipe', cell: ({ name }) => name, align: 'left' },
  { heading: 'pooling', cell: ({ recipe }) => recipe.pooling, align: 'left' },
  { heading: 'idf', cell: ({ recipe }) => String(recipe.idfScale ?? '-') },
  { heading: 'scale', cell: ({ recipe }) => String(recipe.lossScale) },
  { heading: 'hardness', cell: ({ recipe }) => String(recipe.hardness) },
  { heading: 'rate', cell: ({ recipe }) => String(recipe.learningRate) },
  { heading: 'epochs', cell: ({ recipe }) => String(recipe.epochs) },
];

const secondsColumn: Column<Result> = { heading: 'training', cell: ({ seconds }) => `${seconds.toFixed(1)} s` };

function judge(results: readonly Result[]): Bar[] {
  const [plain, best] = results;
  const score = (result: Result | undefined, set: string, dim: number): number => result?.scores[set]?.[dim] ?? NaN;
  const points = (value: number | undefined): string => value?.toFixed(3) ?? '-';
  const full = retrievalNames.map((set, i) =>
    atLeast(`${set}, NDCG@10 at 1024`, [0.75, 0.95][i] ?? NaN, ifWhole(score(best, set, 1024)), points),
  );
  const gains = [256, 64].map((dim, i) => {
    const gain = score(best, 'squad', dim) - score(plain, 'squad', dim);
    return atLeast(`squad at ${dim}, above the plain recipe`, [0.06, 0.04][i] ?? NaN, ifWhole(gain), points);
  });
  const ratio = (best?.seconds ?? NaN) / (plain?.seconds ?? NaN);
  return [...full, ...gains, atMost('time, against the plain recipe', 1.1, ifWhole(ratio), times)];
}

/** A part of the pairs says nothing of the whole. */
function ifWhole(measured: number): number | undefined {
  return flags.quick ? undefined : measured;
}

void main();
