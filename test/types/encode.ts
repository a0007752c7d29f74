import { expectTypeOf } from 'expect-type';
import {
  SentenceTransformer,
  type EmbeddingArray,
  type Embeddings,
  type Matrix,
  type Precision,
  type PreparedEncoder,
  type TextInput,
  type Utf8Column,
} from 'stillvec';

declare const model: SentenceTransformer;
declare const either: string | string[];
declare const column: Utf8Column;
declare const precision: Precision;
declare const input: TextInput;

// What goes in decides what comes out.
for (const method of ['encode', 'encodeQuery', 'encodeDocument'] as const) {
  expectTypeOf(model[method]('a text')).resolves.toEqualTypeOf<Float32Array>();
  expectTypeOf(model[method](['a text'])).resolves.toEqualTypeOf<Embeddings>();
  expectTypeOf(model[method](['a', 'b'] as const)).resolves.toEqualTypeOf<Embeddings>();
  expectTypeOf(model[method](column)).resolves.toEqualTypeOf<Embeddings>();
  expectTypeOf(model[method](either)).resolves.toEqualTypeOf<Float32Array | Embeddings>();
  expectTypeOf(model[method](input, { precision: 'int8' })).resolves.toEqualTypeOf<Int8Array | Embeddings<'int8'>>();
}
expectTypeOf(model.encodeSync('a text')).toEqualTypeOf<Float32Array>();
expectTypeOf(model.encodeSync(['a text'])).toEqualTypeOf<Embeddings>();
expectTypeOf(model.encodeSync(either)).toEqualTypeOf<Float32Array | Embeddings>();

const prepared = model.prepare({ truncateDim: 8, precision: 'ubinary', out: new Uint8Array(1) });
expectTypeOf(prepared).toEqualTypeOf<PreparedEncoder<'ubinary'>>();
expectTypeOf(prepared.encodeSync('a text')).toEqualTypeOf<Uint8Array>();
expectTypeOf(prepared.encode('a text')).resolves.toEqualTypeOf<Uint8Array>();
expectTypeOf(prepared.encodeSync(['a text'])).toEqualTypeOf<Embeddings<'ubinary'>>();
expectTypeOf(prepared.encode(column)).resolves.toEqualTypeOf<Embeddings<'ubinary'>>();
expectTypeOf(model.prepare().encodeSync(either)).toEqualTypeOf<Float32Array | Embeddings>();

// The precision decides the array.
expectTypeOf<EmbeddingArray<'float32'>>().toEqualTypeOf<Float32Array>();
expectTypeOf<EmbeddingArray<'int8' | 'binary'>>().toEqualTypeOf<Int8Array>();
expectTypeOf<EmbeddingArray<'uint8' | 'ubinary'>>().toEqualTypeOf<Uint8Array>();
expectTypeOf(model.encode('a text', { precision: 'ubinary' })).resolves.toEqualTypeOf<Uint8Array>();
expectTypeOf(model.encodeSync(['a'], { precision: 'uint8' }).data).toEqualTypeOf<Uint8Array>();
expectTypeOf(model.encode('a text', { precision })).resolves.toEqualTypeOf<Float32Array | Int8Array | Uint8Array>();
expectTypeOf(model.encodeStream(['a'], { precision: 'binary' })).toEqualTypeOf<
  AsyncGenerator<Embeddings<'binary'>, void, undefined>
>();

// Rows are what the matrix holds.
declare const embeddings: Embeddings<'int8'>;
expectTypeOf(embeddings).toExtend<Matrix<Int8Array>>();
expectTypeOf([...embeddings]).toEqualTypeOf<Int8Array[]>();
expectTypeOf(embeddings.row(0)).toEqualTypeOf<Int8Array>();
expectTypeOf(embeddings.toArray()).toEqualTypeOf<number[][]>();
expectTypeOf(embeddings.shape).toEqualTypeOf<readonly [rows: number, columns: number]>();

void model.encode(['a'], { out: new Float32Array(8), truncateDim: 8, onProgress: ({ done, total }) => done < total });
void model.encode(['a'], { precision: 'int8', out: new Int8Array(8) });
void SentenceTransformer.create({ tokenizer: 'tokenizer.json', prompts: { query: 'q: ' }, similarity: 'dot' });

// @ts-expect-error -- the constructor is not for users: load and create are
new SentenceTransformer('models/search-docs');
// @ts-expect-error -- a number is no text
void model.encode(3);
// @ts-expect-error -- a generator is for encodeStream
void model.encode(new Set(['a']).values());
// @ts-expect-error -- a promise is to be awaited first
void model.encode(Promise.resolve(['a']));
// @ts-expect-error -- no such precision
void model.encode('a', { precision: 'int4' });
// @ts-expect-error -- no such option
void model.encode('a', { batchSize: 32 });
// @ts-expect-error -- `out` is of the precision's type
void model.encode('a', { precision: 'int8', out: new Float32Array(8) });
// @ts-expect-error -- nothing can be aborted or shared out in a call that blocks
model.encodeSync('a', { threads: 1 });
// @ts-expect-error -- a signal belongs to one call
model.prepare({ signal: AbortSignal.abort() });
// @ts-expect-error -- the options were given
prepared.encodeSync('a', { truncateDim: 8 });
// @ts-expect-error -- ranges are known only at the end of a stream
model.encodeStream(['a'], { precision: 'int8' });
// @ts-expect-error -- a stream makes memory of its own
model.encodeStream(['a'], { out: new Float32Array(8) });
// @ts-expect-error -- a signal is an AbortSignal
void model.encode('a', { signal: 'stop' });
// @ts-expect-error -- every model is made for a tokenizer
void SentenceTransformer.create({ dim: 64 });
// @ts-expect-error -- not a function that stillvec has
void SentenceTransformer.load('models/search-docs', { similarity: 'hamming' });
