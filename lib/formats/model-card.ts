import type { ModelSettings } from './model-folder.js';

/** Tells a card that was written here from one of a person. */
export const modelCardMark = '<!-- Card written by stillvec; remove this line to keep your own text. -->';

/** What a card says of a model. */
export interface DescribedModel extends ModelSettings {
  readonly table: { readonly dtype: string; readonly rows: number; readonly dim: number };
}

/** The README.md of a saved model: what it is, and how to use it from JavaScript and from Python. */
export function modelCard({ table, normalize, prompts, similarityFnName, truncateDim }: DescribedModel): string {
  const promptRows = Object.entries(prompts)
    .filter(([, prompt]) => prompt !== '')
    .map(([name, prompt]) => `| prompt \`${name}\` | \`${JSON.stringify(prompt)}\` |\n`);
  return `---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
  - sentence-transformers
  - static-embeddings
  - feature-extraction
  - stillvec
---

${modelCardMark}

# Static embedding model

A text's embedding is the mean of the vectors of its tokens: no transformer runs, so it takes microseconds on a CPU.

| | |
|---|---|
| tokens | ${table.rows.toLocaleString('en-US')} |
| dimensions | ${truncateDim === null ? table.dim : `${Math.min(truncateDim, table.dim)} of ${table.dim}`} |
| table | ${table.dtype} |
| similarity | ${similarityFnName} |
| normalized | ${normalize ? 'yes' : 'no'} |
${promptRows.join('')}
## Use

In Node.js (\`npm install stillvec\`):

\`\`\`js
import { SentenceTransformer } from 'stillvec';

const model = await SentenceTransformer.load('path/to/this/folder');
const queries = await model.encodeQuery(['What is a static embedding?']);
const documents = await model.encodeDocument(['A table of token vectors.', 'A kind of cheese.']);
console.log(model.similarity(queries, documents).toArray());
\`\`\`

In Python (\`pip install sentence-transformers\`):

\`\`\`python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder")
queries = model.encode_query(["What is a static embedding?"])
documents = model.encode_document(["A table of token vectors.", "A kind of cheese."])
print(model.similarity(queries, documents))
\`\`\`
`;
}
