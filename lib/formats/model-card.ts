import type { TrainingCardData } from './card-data.js';
import { frontMatter } from './front-matter.js';
import { codeText, formatCount, markdownTable } from './markdown.js';
import type { ModelSettings } from './model-folder.js';
import { trainingFrontMatter, trainingSections } from './training-card.js';

/** Tells a card that was written here from one of a person. */
export const modelCardMark = '<!-- Card written by stillvec; remove this line to keep your own text. -->';

/** What a card says of a model. */
export interface DescribedModel extends ModelSettings {
  readonly table: { readonly dtype: string; readonly rows: number; readonly dim: number };
}

const cardTitle = 'Static embedding model';

const tags = ['sentence-transformers', 'sentence-similarity', 'feature-extraction', 'static-embeddings', 'stillvec'];

/**
 * The README.md of a saved model: what it is, how to use it from JavaScript and from Python, and how it came about. The
 * parts are those of the cards that Sentence Transformers writes.
 *
 * @param training - Of the run that trained it; null for a model that no run of this process has.
 */
export function modelCard(model: DescribedModel, training: TrainingCardData | null): string {
  const added = training === null ? { tags: [], fields: {} } : trainingFrontMatter(training, cardTitle);
  const head = frontMatter({
    library_name: 'sentence-transformers',
    pipeline_tag: 'sentence-similarity',
    tags: [...tags, ...added.tags],
    ...added.fields,
  });
  return [head, modelCardMark, descriptionSection(model, training), usageSection]
    .concat(training === null ? [] : trainingSections(training))
    .join('\n\n')
    .concat('\n');
}

function descriptionSection(
  { table, normalize, prompts, similarityFnName, truncateDim }: DescribedModel,
  training: TrainingCardData | null,
): string {
  const facts = [
    ['base model', training?.baseModel === undefined || training.baseModel === null ? '' : link(training.baseModel)],
    ['tokens', formatCount(table.rows)],
    ['dimensions', truncateDim === null ? `${table.dim}` : `${Math.min(truncateDim, table.dim)} of ${table.dim}`],
    ['table', table.dtype],
    ['similarity', similarityFnName],
    ['normalized', normalize ? 'yes' : 'no'],
    ...Object.entries(prompts).map(([name, prompt]) => [
      `prompt ${codeText(name)}`,
      prompt === '' ? '' : codeText(JSON.stringify(prompt)),
    ]),
  ].filter(([, fact]) => fact !== '');
  return [
    `# ${cardTitle}`,
    "A text's embedding is the mean of the vectors of its tokens: no transformer runs, so it takes microseconds on a CPU.",
    markdownTable(['', ''], facts),
  ].join('\n\n');
}

function link(hubId: string): string {
  return `[${hubId}](https://huggingface.co/${hubId})`;
}

const usageSection = `## Use

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
\`\`\``;
