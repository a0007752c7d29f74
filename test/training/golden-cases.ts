import {
  AnglELoss,
  BatchAllTripletLoss,
  BatchHardSoftMarginTripletLoss,
  BatchHardTripletLoss,
  BatchSemiHardTripletLoss,
  CosineSimilarityLoss,
  CoSENTLoss,
  ContrastiveLoss,
  DistillKLDivLoss,
  EmbedDistillLoss,
  GISTEmbedLoss,
  GlobalOrthogonalRegularizationLoss,
  MarginMSELoss,
  MatryoshkaLoss,
  MegaBatchMarginLoss,
  MSELoss,
  MultipleNegativesRankingLoss,
  OnlineContrastiveLoss,
  SumLoss,
  TripletLoss,
  type Guide,
  type Loss,
} from 'stillvec';

import { readGzippedJson } from '../support/shared';

/** One run of torch, step by step. */
export interface GoldenCase {
  readonly name: string;
  readonly columns: string[];
  /** Names a field of the rows, or `teacher` or `teacherPerColumn` of the traces. */
  readonly label: string | null;
  readonly options?: object;
  readonly optimizer?: 'adamw' | 'sparse_adam';
  readonly learningRate: number;
  readonly warmupSteps?: number;
  readonly maxGradNorm?: number | null;
  readonly weightDecay?: number;
  readonly firstBatch?: number;
  readonly batchSize: number;
  readonly steps: number;
  readonly trace: readonly { step: number; lr?: number; loss: number; gradNorm: number }[];
  readonly firstGradient: string;
  readonly finalTable: string;
}

interface TraceFile {
  readonly vocabSize: number;
  readonly dim: number;
  readonly initialTable: string;
  readonly guideTable?: string;
  readonly rows: readonly Readonly<Record<string, string | number | number[]>>[];
  readonly teacher?: string;
  readonly teacherPerColumn?: string;
  readonly matryoshkaDims: readonly number[];
  readonly cases: readonly GoldenCase[];
}

/** A file of traces. */
export interface Traces extends TraceFile {
  /** Its folder among the goldens. */
  readonly folder: 'train' | 'losses';
}

export function readTraces(folder: Traces['folder'], file: string): Traces {
  return { folder, ...(readGzippedJson('goldens', folder, file) as TraceFile) };
}

export function floats(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** The rows of a case, column by column, the label as `label`. */
export function datasetOf(traces: Traces, golden: GoldenCase, rows: number): Record<string, string[] | unknown[]> {
  const first = (golden.firstBatch ?? 0) * golden.batchSize;
  const numbers = Array.from({ length: rows }, (_, i) => first + i);
  const cells = (name: string): unknown[] => numbers.map((row) => traces.rows[row]![name]);
  const dataset = Object.fromEntries(golden.columns.map((name) => [name, cells(name).map(String)]));
  const { label } = golden;
  if (label === null) return dataset;
  const { teacher, teacherPerColumn, dim } = traces;
  const vector = (values: Float32Array, at: number): Float32Array => values.subarray(at * dim, (at + 1) * dim);
  if (label === 'teacher') {
    const values = floats(teacher!);
    return { ...dataset, label: numbers.map((row) => vector(values, row)) };
  }
  if (label === 'teacherPerColumn') {
    const values = floats(teacherPerColumn!);
    return { ...dataset, label: numbers.map((row) => [vector(values, 2 * row), vector(values, 2 * row + 1)]) };
  }
  const scores = golden.columns.length - 1;
  return { ...dataset, label: cells(label).map((cell) => (Array.isArray(cell) ? cell.slice(0, scores) : cell)) };
}

/** The losses of the older traces, by what their names begin with. */
const byPrefix: readonly (readonly [prefix: string, make: () => Loss])[] = [
  ['mnrl', () => new MultipleNegativesRankingLoss()],
  ['cosent', () => new CoSENTLoss()],
  ['angle', () => new AnglELoss()],
  ['cosine similarity', () => new CosineSimilarityLoss()],
  ['contrastive', () => new ContrastiveLoss()],
  ['online contrastive', () => new OnlineContrastiveLoss()],
  ['triplet', () => new TripletLoss()],
];

const byClass = {
  AnglELoss,
  BatchAllTripletLoss,
  BatchHardSoftMarginTripletLoss,
  BatchHardTripletLoss,
  BatchSemiHardTripletLoss,
  ContrastiveLoss,
  CosineSimilarityLoss,
  DistillKLDivLoss,
  EmbedDistillLoss,
  GlobalOrthogonalRegularizationLoss,
  MarginMSELoss,
  MegaBatchMarginLoss,
  MSELoss,
  MultipleNegativesRankingLoss,
  OnlineContrastiveLoss,
  TripletLoss,
};

/** The loss that a case is named after. */
export function lossOf({ name, options }: GoldenCase, dims: readonly number[], guide: Guide): Loss {
  const [, inner] = /^MatryoshkaLoss\((.*)\)$/.exec(name) ?? [];
  if (inner !== undefined) return new MatryoshkaLoss(classOf(inner, options, guide), { dims });
  if (name.includes(' + ')) {
    return new SumLoss(name.split(' + ').map((part) => ({ loss: classOf(part, options, guide) })));
  }
  if (/^[A-Z]/.test(name)) return classOf(name, options, guide);
  const plain = olderLoss(name.replace(/^matryoshka /, ''));
  if (!name.startsWith('matryoshka')) return plain;
  return new MatryoshkaLoss(plain, name.includes('weights') ? { dims, weights: [1, 0.5, 0.25, 2] } : { dims });
}

function classOf(name: string, options: object | undefined, guide: Guide): Loss {
  const [className = ''] = name.split(/[ ,]/);
  if (className === 'GISTEmbedLoss') return new GISTEmbedLoss(guide, options);
  return new (byClass as unknown as Readonly<Record<string, new (options?: object) => Loss>>)[className]!(options);
}

function olderLoss(name: string): Loss {
  if (name === 'mnrl symmetric') {
    return new MultipleNegativesRankingLoss({
      directions: ['query_to_doc', 'doc_to_query'],
      partitionMode: 'per_direction',
    });
  }
  if (name === 'mnrl all directions joint') {
    const directions = ['query_to_doc', 'query_to_query', 'doc_to_query', 'doc_to_doc'] as const;
    return new MultipleNegativesRankingLoss({ directions });
  }
  return byPrefix.find(([prefix]) => name.startsWith(prefix))![1]();
}
