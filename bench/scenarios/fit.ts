// One training run of this library. Argument: a file with a FitRequest.
import * as stillvec from '../../lib/index.js';
import { peakRss } from '../support/serve.js';
import {
  labelOf,
  plainRecipe,
  readFitRequest,
  type FitReply,
  type FitRequest,
  type LossRequest,
  type Recipe,
  type Row,
} from '../support/training.js';

async function main([file = '']: readonly string[]): Promise<void> {
  const { request, rows } = readFitRequest(file);
  const { recipe = plainRecipe } = request;
  const { pooling, idfScale, learningRate, epochs } = recipe;
  const model = await stillvec.SentenceTransformer.load(request.model, { pooling });
  const trainDataset = datasetsOf(request, rows, model.dim);
  const loss = await lossOf(request.loss, request.model, recipe);
  const { matryoshkaDims } = request;

  const begin = performance.now();
  const progress: { ms: number; done: number }[] = [];
  const result = await model.fit({
    trainDataset,
    loss: matryoshkaDims.length === 0 ? loss : new stillvec.MatryoshkaLoss(loss, { dims: matryoshkaDims }),
    batchSize: request.batchSize,
    batchSampler: request.sampler,
    precision: request.precision,
    optimizer: request.optimizer,
    ...{ learningRate, epochs },
    ...(idfScale !== null && { initialize: { scale: idfScale } }),
    warmupRatio: 0.1,
    ...(request.maxSteps !== undefined && { maxSteps: request.maxSteps }),
    onProgress: ({ phase, done }: stillvec.FitProgress) => {
      if (phase === 'train') progress.push({ ms: performance.now() - begin, done });
    },
  });
  if (request.output !== undefined) await model.save(request.output);

  const stages = Object.fromEntries(
    Object.entries(result.stages).map(([stage, total]) => [stage, (1000 * total) / result.history.length]),
  );
  const reply: FitReply = {
    steps: result.history.length,
    rows: result.rows,
    seconds: result.seconds,
    msPerStep: msPerStep(progress) ?? Object.values(stages).reduce((sum, ms) => sum + ms, 0),
    finalLoss: result.history.at(-1)?.loss ?? NaN,
    peakRss: peakRss(),
    stages,
    overhead: Object.fromEntries(Object.entries(result.overhead).map(([name, seconds]) => [name, 1000 * seconds])),
    version: model.info().isa,
  };
  process.stdout.write(JSON.stringify(reply));
}

function datasetsOf(
  request: FitRequest,
  rows: readonly Row[],
  dim: number,
): stillvec.DatasetColumns | stillvec.Datasets {
  const { datasets = 1 } = request;
  if (datasets === 1) return datasetOf(request, rows, dim);
  const dealt = (k: number): readonly Row[] => rows.filter((_, i) => i % datasets === k);
  return Object.fromEntries(
    Array.from({ length: datasets }, (_, k) => [`part ${k}`, datasetOf(request, dealt(k), dim)]),
  );
}

function datasetOf({ loss }: FitRequest, rows: readonly Row[], dim: number): stillvec.DatasetColumns {
  const names = ['anchor', 'positive', 'negative'].slice(0, rows[0]?.length);
  const columns = names.map((name, c) => [name, rows.map((row) => row[c] ?? '')] as const);
  const { label } = loss ?? {};
  if (label === undefined) return Object.fromEntries(columns);
  const labels = rows.map((_, i) => labelOf(label, i, names.length, dim));
  return { ...Object.fromEntries(columns), label: labels };
}

async function lossOf(loss: LossRequest | undefined, guide: string, recipe: Recipe): Promise<stillvec.Loss> {
  if (loss === undefined) return rankingLoss(recipe);
  const { name } = loss;
  if (name === 'GISTEmbedLoss') return new stillvec.GISTEmbedLoss(await stillvec.SentenceTransformer.load(guide));
  const classes = stillvec as unknown as Readonly<Record<string, new () => stillvec.Loss>>;
  const LossClass = classes[name];
  if (LossClass === undefined) throw new Error(`there is no loss ${name}`);
  return new LossClass();
}

function rankingLoss({ lossScale: scale, hardness }: Recipe): stillvec.Loss {
  const hardnessMode = hardness === 0 ? null : 'in_batch_negatives';
  return new stillvec.MultipleNegativesRankingLoss({ scale, hardnessMode, hardnessStrength: hardness });
}

/**
 * From the first report to the last one: what comes before is tokenizing and setting up. Undefined where all steps were
 * so short that they are in one report.
 */
function msPerStep(progress: readonly { ms: number; done: number }[]): number | undefined {
  const first = progress[0];
  const last = progress.at(-1);
  if (first === undefined || last === undefined || first === last) return undefined;
  return (last.ms - first.ms) / (last.done - first.done);
}

void main(process.argv.slice(2));
