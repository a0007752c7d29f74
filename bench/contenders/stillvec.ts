// This library. Argument: the dtype of the table.
import { readFileSync } from 'node:fs';

import { SentenceTransformer, type TableDtype, type Utf8Column } from '../../lib/index.js';
import type { Input } from '../support/contender.js';
import { repeat, serve } from '../support/serve.js';
import { asColumn } from '../support/texts.js';

const tableDtype = (process.argv[2] ?? 'float32') as TableDtype;
const model = { current: undefined as SentenceTransformer | undefined };
const texts: { strings: readonly string[]; columns: Utf8Column } = { strings: [], columns: asColumn([]) };

function loaded(): SentenceTransformer {
  if (model.current === undefined) throw new Error('prepare comes first');
  return model.current;
}

function textsAs(input: Input): readonly string[] | Utf8Column {
  return texts[input];
}

void serve({
  async prepare(request) {
    model.current ??= await SentenceTransformer.load(request.model, { tableDtype });
    texts.strings = JSON.parse(readFileSync(request.texts, 'utf8')) as string[];
    texts.columns = asColumn(texts.strings);
    return { version: model.current.info().isa };
  },
  async sample({ texts: count, dim }) {
    const embeddings = await loaded().encode(texts.strings.slice(0, count), { truncateDim: dim });
    return { embeddings: Array.from({ length: count }, (_, i) => Array.from(embeddings.row(i))) };
  },
  async encode({ dim, seconds, threads, input }) {
    const options = { truncateDim: dim, ...(threads > 0 && { threads }) };
    return repeat(texts.strings.length, seconds, () => loaded().encode(textsAs(input), options));
  },
  async tokenize({ seconds, input }) {
    return repeat(texts.strings.length, seconds, () => loaded().tokenize(textsAs(input)));
  },
});
