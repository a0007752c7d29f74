import { isWeighted } from '../pooling.js';
import type { TrainingCardData } from './card-data.js';
import { frontMatter } from './front-matter.js';
import { codeText, enumeration, formatCount, markdownTable } from './markdown.js';
import type { ModelSettings } from './model-settings.js';
import { pythonFile } from './python-module.js';
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
  return [head, modelCardMark, descriptionSection(model, training), usageSection(model)]
    .concat(training === null ? [] : trainingSections(training))
    .join('\n\n')
    .concat('\n');
}

function descriptionSection(model: DescribedModel, training: TrainingCardData | null): string {
  const { table, normalize, prompts, similarityFnName, truncateDim } = model;
  const facts = [
    ['base model', training?.baseModel === undefined || training.baseModel === null ? '' : link(training.baseModel)],
    ['tokens', formatCount(table.rows)],
    ['dimensions', truncateDim === null ? `${table.dim}` : `${Math.min(truncateDim, table.dim)} of ${table.dim}`],
    ['table', table.dtype],
    ['similarity', similarityFnName],
    ['normalized', normalize ? 'yes' : 'no'],
    ...poolingFacts(model),
    ...Object.entries(prompts).map(([name, prompt]) => [
      `prompt ${codeText(name)}`,
      prompt === '' ? '' : codeText(JSON.stringify(prompt)),
    ]),
  ].filter(([, fact]) => fact !== '');
  return [
    `# ${cardTitle}`,
    `A text's embedding is ${pooledText[model.pooling]}: no transformer runs, so it takes microseconds on a CPU.`,
    markdownTable(['', ''], facts),
  ].join('\n\n');
}

const pooledText = {
  mean: 'the mean of the vectors of its tokens',
  sqrt: 'the weighted mean of the vectors of its distinct tokens, each by the square root of its count',
};

/** What is worth a line only where others cannot pool alike. */
function poolingFacts(model: DescribedModel): [string, string][] {
  if (!isWeighted(model)) return [];
  const { pooling, excludeTokens } = model;
  const shown = excludeTokens.slice(0, mostTokensShown).map(codeText);
  const rest = excludeTokens.length - shown.length;
  if (rest > 0) shown.push(`${formatCount(rest)} more`);
  return [
    ['pooling', pooling],
    ['excluded tokens', enumeration(shown)],
  ];
}

/** All signs of ASCII, and a few more. */
const mostTokensShown = 40;

function link(hubId: string): string {
  return `[${hubId}](https://huggingface.co/${hubId})`;
}

function usageSection(model: DescribedModel): string {
  return `## Use

In Node.js (\`npm install stillvec\`):

\`\`\`js
import { SentenceTransformer } from 'stillvec';

const model = await SentenceTransformer.load('path/to/this/folder');
const queries = await model.encodeQuery(['What is a static embedding?']);
const documents = await model.encodeDocument(['A table of token vectors.', 'A kind of cheese.']);
console.log(model.similarity(queries, documents).toArray());
\`\`\`

In Python (\`pip install sentence-transformers\`)${isWeighted(model) ? pythonNote : ':'}

\`\`\`python
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder"${isWeighted(model) ? ', trust_remote_code=True' : ''})
queries = model.encode_query(["What is a static embedding?"])
documents = model.encode_document(["A table of token vectors.", "A kind of cheese."])
print(model.similarity(queries, documents))
\`\`\``;
}

const pythonNote = `, which takes this pooling from \`${pythonFile}\` in this folder:`;
