import { expectTypeOf } from 'expect-type';
import {
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  readDatasetFile,
  type Dataset,
  type Embeddings,
  type FitResult,
  type SentenceTransformer,
} from 'stillvec';

declare const model: SentenceTransformer;
const loss = new MatryoshkaLoss(new MultipleNegativesRankingLoss({ scale: 20 }), { dims: [64, 32] });

interface Row {
  anchor: string;
  positive: string;
}
declare const rows: Row[];
declare const frozen: readonly Readonly<Row>[];
declare const iterable: Iterable<Row>;
declare const embeddings: Embeddings;
declare const stream: AsyncIterable<Row>;

// Rows of an interface, of a literal, of columns, and as they come.
expectTypeOf(model.fit({ trainDataset: rows, loss })).resolves.toEqualTypeOf<FitResult>();
expectTypeOf(frozen).toExtend<Dataset>();
expectTypeOf(iterable).toExtend<Dataset>();
expectTypeOf(stream).toExtend<Dataset>();
expectTypeOf([{ anchor: 'a', positive: 'b', score: 0.5 }]).toExtend<Dataset>();
expectTypeOf({ anchor: ['a'], positive: ['b'], score: Float32Array.of(1) }).toExtend<Dataset>();
expectTypeOf({ anchor: ['a'], positive: ['b'] } as const).toExtend<Dataset>();
expectTypeOf(readDatasetFile('pairs.jsonl')).toExtend<Dataset>();
expectTypeOf(readDatasetFile(['pairs.jsonl', 'more/*.csv'], { delimiter: ';' })).toExtend<Dataset>();

expectTypeOf([{ text: 'a', label: [0.5, 1] }]).toExtend<Dataset>();
expectTypeOf({ text: ['a'], label: [Float32Array.of(1)] }).toExtend<Dataset>();
expectTypeOf({ text: ['a'], label: embeddings }).toExtend<Dataset>();

// Several datasets, with one loss or one each.
expectTypeOf(model.fit({ trainDataset: { a: rows, b: stream }, loss })).resolves.toEqualTypeOf<FitResult>();
void model.fit({ trainDataset: { a: rows, b: { anchor: ['a'], positive: ['b'] } }, loss: { a: loss, b: loss } });

// @ts-expect-error -- a loss is an object
void model.fit({ trainDataset: rows, loss: 'MultipleNegativesRankingLoss' });
// @ts-expect-error -- a promise is to be awaited first
void model.fit({ trainDataset: Promise.resolve(rows), loss });
// @ts-expect-error -- a path is for readDatasetFile
void model.fit({ trainDataset: 'pairs.jsonl', loss });
// @ts-expect-error -- rows have names for their texts
void model.fit({ trainDataset: ['a', 'b'], loss });
// @ts-expect-error -- nothing to train on
void model.fit({ loss });
void model.fit({ trainDataset: rows, loss, scheduler: 'polynomial', schedulerOptions: { power: 2, lrEnd: 0.01 } });
// @ts-expect-error -- no such scheduler
void model.fit({ trainDataset: rows, loss, scheduler: 'reduce_lr_on_plateau' });
// @ts-expect-error -- its name is numCycles
void model.fit({ trainDataset: rows, loss, schedulerOptions: { num_cycles: 2 } });
// @ts-expect-error -- no such optimizer
void model.fit({ trainDataset: rows, loss, optimizer: 'sgd' });
// @ts-expect-error -- no such direction
new MultipleNegativesRankingLoss({ directions: ['query_to_passage'] });
