import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SentenceTransformer, type DatasetColumns } from 'stillvec';

import { readSafetensorsHeader, writeSafetensors } from '../../lib/formats/safetensors.js';
import { native, type NativeRowValues, type NativeSource } from '../../lib/native/index.js';
import { describeWithShared } from '../support/shared';
import { datasetOf, floats, lossOf, readTraces, type GoldenCase, type Traces } from './golden-cases';

/** Frobenius norm of a - b. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));
}

describeWithShared('training traces of torch', (shared) => {
  describe.each([
    ['train', readTraces('train', 'traces.json.gz')],
    ['losses', readTraces('losses', 'losses.json.gz')],
  ])('%s', (name, traces) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-fit-'));
    const initial = path.join(folder, 'initial');
    const { vocabSize, dim, matryoshkaDims, cases } = traces;
    const initialTable = floats(traces.initialTable);
    let guide: SentenceTransformer;

    beforeAll(async () => {
      const tokenizer = path.join(shared, `goldens/${name}/tokenizer.json`);
      await writeModel(initial, tokenizer, traces, initialTable);
      const guideFolder = path.join(folder, 'guide');
      await writeModel(guideFolder, tokenizer, traces, floats(traces.guideTable ?? traces.initialTable));
      guide = await SentenceTransformer.load(guideFolder);
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    test.each(cases.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
      const { trace, batchSize, steps, optimizer = 'adamw', warmupSteps } = golden;
      const model = await SentenceTransformer.load(initial);
      const run = await model.fit({
        trainDataset: datasetOf(traces, golden, steps * batchSize) as DatasetColumns,
        loss: lossOf(golden, matryoshkaDims, guide),
        batchSize,
        batchSampler: 'sequential',
        learningRate: golden.learningRate,
        warmupSteps: warmupSteps ?? 0,
        scheduler: warmupSteps === undefined ? 'constant' : 'linear',
        optimizer,
        maxGradNorm: golden.maxGradNorm ?? null,
        weightDecay: golden.weightDecay ?? 0,
      });
      expect(run.history.length).toBe(steps);
      for (const [i, { step, learningRate, loss, gradNorm }] of run.history.entries()) {
        const expected = trace[i]!;
        expect(step).toBe(expected.step);
        expect(learningRate).toBeCloseTo(expected.lr ?? golden.learningRate, 12);
        expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(1e-4);
        expect(Math.abs(gradNorm - expected.gradNorm) / expected.gradNorm).toBeLessThan(1e-3);
      }
      const finalTable = floats(golden.finalTable);
      const trained = path.join(folder, 'trained');
      await model.save(trained);
      const moved = distance(finalTable, initialTable);
      expect(distance(await readTable(trained), finalTable) / moved).toBeLessThan(2e-3);
    });

    describe('first gradient', () => {
      test.each(cases.map((golden) => [golden.name, golden] as const))('%s', async (_, golden) => {
        const loss = lossOf(golden, matryoshkaDims, guide);
        const run = new native.TrainingRun(
          await nativeTable(initial, traces),
          [await firstBatch(golden)],
          [loss.lower(dim)],
          {
            seed: 1,
            batchSize: golden.batchSize,
            batchSampler: 'sequential',
            multiDatasetBatchSampler: 'proportional',
            dropLast: false,
            precision: 'float32',
            optimizer: 'adamw',
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weightDecay: 0,
            maxGradNorm: null,
            pooling: { weighting: 'mean', excludedIds: new Uint32Array() },
          },
        );
        await run.build();
        const gradient = new Float32Array(vocabSize * dim);
        const rows = Uint32Array.from({ length: golden.batchSize }, (_, i) => i);
        const firstLoss = run.gradient(rows, gradient);
        const expected = floats(golden.firstGradient);
        expect(Math.abs(firstLoss - golden.trace[0]!.loss) / golden.trace[0]!.loss).toBeLessThan(1e-4);
        const size = distance(expected, new Float32Array(expected.length));
        expect(distance(gradient, expected) / size).toBeLessThan(1e-5);
      });
    });

    /** What `fit` would hand over of the first batch. */
    async function firstBatch(golden: GoldenCase): Promise<NativeSource> {
      const { label, ...texts } = datasetOf(traces, golden, golden.batchSize);
      const { guides = [] } = lossOf(golden, matryoshkaDims, guide);
      const columns = Object.values(texts).map((column) => {
        const { ids, offsets } = guide.tokenize(column as string[]);
        const made = new native.TokenColumn();
        made.appendIds(ids, offsets);
        return made;
      });
      const guideValues = guides.map(async (asked): Promise<NativeRowValues[]> => {
        if (asked === undefined) return [];
        return Promise.all(
          Object.values(texts).map(async (column) => {
            const { data } = await guide.encode(column as string[]);
            return rowValues([...data], golden.batchSize);
          }),
        );
      });
      const labels = label === undefined ? null : rowValues(flatten(label), golden.batchSize);
      return { name: '', columns, labels, guides: await Promise.all(guideValues), loss: 0 };
    }
  });
});

/** A folder with a model of that table. */
async function writeModel(
  folder: string,
  tokenizer: string,
  { vocabSize, dim }: Traces,
  table: Float32Array,
): Promise<void> {
  await (await SentenceTransformer.create({ tokenizer, dim })).save(folder);
  const file = path.join(folder, 'model.safetensors');
  const handle = await open(file, 'w');
  const chunks = [new Uint8Array(table.buffer)];
  await writeSafetensors(handle, file, [{ name: 'embedding.weight', dtype: 'F32', shape: [vocabSize, dim], chunks }]);
  await handle.close();
}

async function readTable(folder: string): Promise<Float32Array> {
  const file = path.join(folder, 'model.safetensors');
  const { tensors } = await readSafetensorsHeader(file);
  const { byteOffset, byteLength } = tensors.find((tensor) => tensor.name === 'embedding.weight')!;
  return new Float32Array(new Uint8Array(readFileSync(file)).slice(byteOffset, byteOffset + byteLength).buffer);
}

async function nativeTable(folder: string, { vocabSize, dim }: Traces): ReturnType<typeof native.Table.load> {
  const file = path.join(folder, 'model.safetensors');
  const { tensors } = await readSafetensorsHeader(file);
  return native.Table.load(file, tensors[0]!.byteOffset, 'F32', vocabSize, dim, null, true);
}

function flatten(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return Array.from(value as ArrayLike<unknown>).flatMap(flatten);
}

function rowValues(numbers: readonly number[], rows: number): NativeRowValues {
  const width = numbers.length / rows;
  const values = new native.RowBuffer(rows, width * Float32Array.BYTES_PER_ELEMENT);
  values.write(0, Float32Array.from(numbers));
  return { values, width };
}
