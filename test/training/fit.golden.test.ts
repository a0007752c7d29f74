import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import {
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  SentenceTransformer,
  type DatasetRow,
  type Loss,
} from 'stillvec';

import { readSafetensorsHeader, writeSafetensors } from '../../lib/formats/safetensors.js';
import { native } from '../../lib/native/index.js';
import { describeWithShared, readGzippedJson } from '../support/shared';

interface Case {
  readonly name: string;
  readonly columns: string[];
  readonly optimizer: 'adamw' | 'sparse_adam';
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly maxGradNorm: number | null;
  readonly weightDecay: number;
  readonly firstBatch: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly trace: { step: number; lr: number; loss: number; gradNorm: number }[];
  readonly firstGradient: string;
  readonly finalTable: string;
}

interface Traces {
  readonly vocabSize: number;
  readonly dim: number;
  readonly initialTable: string;
  readonly rows: DatasetRow[];
  readonly matryoshkaDims: number[];
  readonly cases: Case[];
}

function floats(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** Frobenius norm of a - b. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));
}

function lossOf({ name }: Case, dims: number[]): Loss {
  const ranking = new MultipleNegativesRankingLoss(
    name.includes('symmetric')
      ? { directions: ['query_to_doc', 'doc_to_query'], partitionMode: 'per_direction' }
      : name.includes('all directions joint')
        ? { directions: ['query_to_doc', 'query_to_query', 'doc_to_query', 'doc_to_doc'] }
        : {},
  );
  if (!name.startsWith('matryoshka')) return ranking;
  return new MatryoshkaLoss(ranking, name.includes('weights') ? { dims, weights: [1, 0.5, 0.25, 2] } : { dims });
}

describeWithShared('training traces of torch', (shared) => {
  const traces = readGzippedJson('goldens', 'train', 'traces.json.gz') as Traces;
  const { vocabSize, dim, matryoshkaDims } = traces;
  const initialTable = floats(traces.initialTable);
  const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-fit-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A model that starts from the golden table, by way of a folder that holds it. */
  async function initialModel(): Promise<SentenceTransformer> {
    const tokenizer = path.join(shared, 'goldens/train/tokenizer.json');
    await (await SentenceTransformer.create({ tokenizer, dim })).save(folder);
    await writeTable(path.join(folder, 'model.safetensors'), initialTable);
    return SentenceTransformer.load(folder);
  }

  async function writeTable(file: string, table: Float32Array): Promise<void> {
    const handle = await open(file, 'w');
    const chunks = [new Uint8Array(table.buffer)];
    const shape = [vocabSize, dim];
    await writeSafetensors(handle, file, [{ name: 'embedding.weight', dtype: 'F32', shape, chunks }]);
    await handle.close();
  }

  async function savedTable(model: SentenceTransformer): Promise<Float32Array> {
    const saved = path.join(folder, 'trained');
    await model.save(saved);
    const file = path.join(saved, 'model.safetensors');
    const { tensors } = await readSafetensorsHeader(file);
    const { byteOffset, byteLength } = tensors.find((tensor) => tensor.name === 'embedding.weight')!;
    return new Float32Array(new Uint8Array(readFileSync(file)).slice(byteOffset, byteOffset + byteLength).buffer);
  }

  const cases = traces.cases.filter(({ name }) => name.includes('mnrl'));

  test.each(cases)('$name', async (golden) => {
    const first = golden.firstBatch * golden.batchSize;
    const rows = traces.rows.slice(first, first + golden.steps * golden.batchSize);
    const model = await initialModel();
    const run = await model.fit({
      trainDataset: Object.fromEntries(golden.columns.map((name) => [name, rows.map((row) => String(row[name]))])),
      loss: lossOf(golden, matryoshkaDims),
      epochs: 1,
      batchSize: golden.batchSize,
      batchSampler: 'sequential',
      learningRate: golden.learningRate,
      warmupSteps: golden.warmupSteps,
      scheduler: 'linear',
      optimizer: golden.optimizer,
      maxGradNorm: golden.maxGradNorm,
      weightDecay: golden.weightDecay,
    });
    expect(run.history.length).toBe(golden.steps);
    for (const [i, { step, learningRate, loss, gradNorm }] of run.history.entries()) {
      const expected = golden.trace[i]!;
      expect(step).toBe(expected.step);
      expect(learningRate).toBeCloseTo(expected.lr, 12);
      expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(1e-4);
      expect(Math.abs(gradNorm - expected.gradNorm) / expected.gradNorm).toBeLessThan(1e-3);
    }
    const finalTable = floats(golden.finalTable);
    const moved = distance(finalTable, initialTable);
    expect(distance(await savedTable(model), finalTable) / moved).toBeLessThan(2e-3);
  });

  describe('first gradient', () => {
    test.each(cases)('$name', async (golden) => {
      const rows = traces.rows.slice(golden.firstBatch * golden.batchSize).slice(0, golden.batchSize);
      const model = await initialModel();
      const columns = golden.columns.map((name) => {
        const { ids, offsets } = model.tokenize(rows.map((row) => String(row[name])));
        const column = new native.TokenColumn();
        column.appendIds(ids, offsets);
        return column;
      });
      const table = await native.Table.load(...(await tableLocation()), 'F32', vocabSize, dim, null, true);
      const run = new native.TrainingRun(table, columns, {
        loss: lossOf(golden, matryoshkaDims).lower(dim),
        seed: 1,
        batchSize: golden.batchSize,
        batchSampler: 'sequential',
        dropLast: false,
        precision: 'float32',
        optimizer: 'adamw',
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weightDecay: 0,
        maxGradNorm: null,
      });
      await run.build();
      const gradient = new Float32Array(vocabSize * dim);
      const loss = run.gradient(
        Uint32Array.from(rows, (_, i) => i),
        gradient,
      );
      const expected = floats(golden.firstGradient);
      expect(Math.abs(loss - golden.trace[0]!.loss) / golden.trace[0]!.loss).toBeLessThan(1e-4);
      expect(distance(gradient, expected) / distance(expected, new Float32Array(expected.length))).toBeLessThan(1e-5);
    });
  });

  async function tableLocation(): Promise<[string, number]> {
    const file = path.join(folder, 'model.safetensors');
    const { tensors } = await readSafetensorsHeader(file);
    return [file, tensors[0]!.byteOffset];
  }
});
