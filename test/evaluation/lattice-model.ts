import type { MatrixLike, TopK } from 'stillvec';

import type { Encodes, EvaluationEncodeOptions } from '../../lib/evaluation/evaluator.js';

type Vector = readonly number[];

/** Six small integers by the number in the text ("q7", "d12") and a salt. */
function vector(text: string, salt: number): Vector {
  const i = Number(text.slice(1));
  return Array.from({ length: 6 }, (_, j) => ((i * 37 + salt * 11 + j * j * 7 + ((i * j) % 5) * 3) % 17) - 8);
}

function cosine(a: Vector, b: Vector): number {
  const dot = (x: Vector, y: Vector): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function rows({ data, shape }: MatrixLike): Vector[] {
  return Array.from({ length: shape[0] }, (_, i) => [...data.subarray(i * shape[1], (i + 1) * shape[1])]);
}

/** A model whose embeddings are known without any model: the expected metrics were computed from the same vectors. */
export class LatticeModel implements Encodes {
  readonly similarityFnName = 'cosine';
  readonly calls: (EvaluationEncodeOptions & { role: string; texts: number })[] = [];

  private embed(
    role: string,
    texts: readonly string[],
    options: EvaluationEncodeOptions,
    salt: (text: string) => number,
  ): Promise<MatrixLike> {
    this.calls.push({ role, texts: texts.length, ...options });
    const vectors = texts.map((text) => vector(text, salt(text)).slice(0, options.truncateDim));
    if (options.precision === 'binary' || options.precision === 'ubinary') {
      const offset = options.precision === 'binary' ? 128 : 0;
      const bytes = vectors.map((values) => values.reduce((byte, x, j) => byte | (x > 0 ? 128 >> j : 0), 0) - offset);
      const data = options.precision === 'binary' ? Int8Array.from(bytes) : Uint8Array.from(bytes);
      return Promise.resolve({ data, shape: [texts.length, 1] });
    }
    return Promise.resolve({
      data: Float32Array.from(vectors.flat()),
      shape: [texts.length, vectors[0]?.length ?? 0],
    });
  }

  encode(texts: readonly string[], options: EvaluationEncodeOptions = {}): Promise<MatrixLike> {
    return this.embed('encode', texts, options, (text) => (text.startsWith('a') ? 1 : 2));
  }

  encodeQuery(texts: readonly string[], options: EvaluationEncodeOptions = {}): Promise<MatrixLike> {
    return this.embed('query', texts, options, () => 1);
  }

  encodeDocument(texts: readonly string[], options: EvaluationEncodeOptions = {}): Promise<MatrixLike> {
    return this.embed('document', texts, options, () => 2);
  }

  searchTopK(queries: MatrixLike, corpus: MatrixLike, k: number): TopK {
    const documents = rows(corpus);
    const best = rows(queries).map((query) =>
      documents
        .map((document, index) => ({ index, score: cosine(query, document) }))
        .sort((a, b) => b.score - a.score || a.index - b.index)
        .slice(0, k),
    );
    return {
      indices: Uint32Array.from(best.flat(), ({ index }) => index),
      scores: Float32Array.from(best.flat(), ({ score }) => score),
      k,
    };
  }
}
