import { describe, expect, test } from '@jest/globals';
import MarkdownIt from 'markdown-it';
import { parse } from 'yaml';

import type { TrainingCardData } from '../../lib/formats/card-data.js';
import { modelCard, modelCardMark, type DescribedModel } from '../../lib/formats/model-card.js';

const model: DescribedModel = {
  table: { dtype: 'F32', rows: 30_522, dim: 256 },
  normalize: false,
  prompts: { query: 'query: ', document: '' },
  defaultPromptName: null,
  similarityFnName: 'cosine',
  truncateDim: 128,
  tokenRules: 'sentence-transformers',
  pooling: 'mean',
  excludeTokens: [],
};

const training: TrainingCardData = {
  baseModel: 'sentence-transformers/static-retrieval-mrl-en-v1',
  trainDatasets: [
    {
      name: 'qa',
      rows: 1500,
      describedRows: 100,
      columns: [
        {
          name: 'question',
          type: 'string',
          details: { min: '3 tokens', mean: '7.5 tokens', max: '19 tokens' },
          samples: ['what is 2 | 3?', '<b>*bold*</b> `x`\nor [not](a)'],
        },
        { name: 'answer_1', type: 'string', details: { min: '1 tokens' }, samples: ['an_or', '_no_'] },
        { name: 'label', type: 'float', details: { min: '0', mean: '0.51', max: '1' }, samples: ['0.5', '1'] },
      ],
      loss: { name: 'MatryoshkaLoss(CoSENTLoss)', settings: { scale: 20, dims: [256, 128] } },
    },
  ],
  evalDatasets: [],
  hyperparameters: { epochs: 2, batchSize: 32, learningRate: 0.2, betas: [0.9, 0.999], maxSteps: null },
  changedHyperparameters: ['epochs', 'batchSize'],
  evaluator: { kind: 'EmbeddingSimilarityEvaluator', name: 'sts-dev', primaryMetric: 'sts-dev_spearman_cosine' },
  evaluations: [
    { epoch: 1, step: 47, metrics: { 'sts-dev_pearson_cosine': 0.5, 'sts-dev_spearman_cosine': 0.61234567 } },
    { epoch: 2, step: 94, metrics: { 'sts-dev_pearson_cosine': 0.75, 'sts-dev_spearman_cosine': 0.5 } },
  ],
  log: [
    { epoch: 0.0213, step: 1, values: { 'Training Loss': 4.123456 } },
    { epoch: 1, step: 47, values: { 'Training Loss': 3, 'sts-dev_spearman_cosine': 0.61234567 } },
    { epoch: 2, step: 94, values: { 'Training Loss': 2.5, 'sts-dev_spearman_cosine': 0.5 } },
  ],
  bestStep: 47,
  trainingSeconds: 75,
  evaluationSeconds: 1.25,
  citations: [{ losses: ['MatryoshkaLoss'], bibtex: '@misc{key,\n    title={Title}\n}' }],
  versions: { 'Node.js': '20.0.0', stillvec: '0.1.0' },
};

const usage = `## Use

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

/** What the hub reads. */
function frontMatterOf(card: string): unknown {
  const [, yaml = ''] = /^---\n(.*?)^---$/ms.exec(card) ?? [];
  return parse(yaml);
}

function parseEntities(html: string): string {
  const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return html.replace(/&(?:#(\d+)|(\w+));/g, (_, code: string | undefined, name: string) =>
    code === undefined ? named[name]! : String.fromCharCode(Number(code)),
  );
}

describe('the model card', () => {
  test('of a model that was not trained here', () => {
    expect(modelCard(model, null)).toBe(`---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
  - sentence-transformers
  - sentence-similarity
  - feature-extraction
  - static-embeddings
  - stillvec
---

${modelCardMark}

# Static embedding model

A text's embedding is the mean of the vectors of its tokens: no transformer runs, so it takes microseconds on a CPU.

|  |  |
| :-- | :-- |
| tokens | 30,522 |
| dimensions | 128 of 256 |
| table | F32 |
| similarity | cosine |
| normalized | no |
| prompt <code>query</code> | <code>"query: "</code> |

${usage}
`);
  });

  test('says how a model pools that others cannot pool alike, and how Python does', () => {
    const excludeTokens = ['.', '|', ...Array.from({ length: 1500 }, (_, i) => `token${i}`)];
    const card = modelCard({ ...model, pooling: 'sqrt', excludeTokens }, null);
    expect(card).toContain('each by the square root of its count');
    expect(card).toContain(
      '| pooling | sqrt |\n| excluded tokens | <code>.</code>, <code>&#124;</code>, <code>token0</code>',
    );
    expect(card).toContain('<code>token37</code> and 1,462 more |\n');
    expect(card).toContain('model = SentenceTransformer("path/to/this/folder", trust_remote_code=True)');
    expect(card).toContain('`stillvec_pooling.py`');

    const excluding = modelCard({ ...model, excludeTokens: ['.'] }, null);
    expect(excluding).toContain("A text's embedding is the mean of the vectors of its tokens:");
    expect(excluding).toContain('| pooling | mean |\n| excluded tokens | <code>.</code> |\n');
    expect(excluding).toContain('trust_remote_code=True');
    expect(modelCard({ ...model, pooling: 'sqrt' }, null)).not.toContain('excluded tokens');
  });

  test('of a trained model', () => {
    expect(modelCard(model, training)).toBe(`---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
  - sentence-transformers
  - sentence-similarity
  - feature-extraction
  - static-embeddings
  - stillvec
  - generated_from_trainer
  - dataset_size:1500
  - loss:MatryoshkaLoss
  - loss:CoSENTLoss
base_model: sentence-transformers/static-retrieval-mrl-en-v1
metrics:
  - pearson_cosine
  - spearman_cosine
model-index:
  - name: "Static embedding model"
    results:
      - task:
          type: semantic-similarity
          name: "Semantic Similarity"
        dataset:
          name: sts-dev
          type: sts-dev
        metrics:
          - type: pearson_cosine
            value: 0.5
            name: "Pearson Cosine"
          - type: spearman_cosine
            value: 0.61234567
            name: "Spearman Cosine"
---

${modelCardMark}

# Static embedding model

A text's embedding is the mean of the vectors of its tokens: no transformer runs, so it takes microseconds on a CPU.

|  |  |
| :-- | :-- |
| base model | [sentence-transformers/static-retrieval-mrl-en-v1](https://huggingface.co/sentence-transformers/static-retrieval-mrl-en-v1) |
| tokens | 30,522 |
| dimensions | 128 of 256 |
| table | F32 |
| similarity | cosine |
| normalized | no |
| prompt <code>query</code> | <code>"query: "</code> |

${usage}

## Evaluation

### Semantic Similarity

- Dataset: <code>sts-dev</code>
- Evaluated with <code>EmbeddingSimilarityEvaluator</code>, after step 47

| Metric | Value |
| :-- | :-- |
| pearson_cosine | 0.5 |
| **spearman_cosine** | **0.6123** |

<details><summary>All 2 evaluations</summary>

| Epoch | Step | pearson_cosine | **spearman_cosine** |
| :-- | :-- | :-- | :-- |
| 1 | 47 | 0.5 | **0.6123** |
| 2 | 94 | 0.75 | **0.5** |

</details>

## Training

### Training dataset

#### qa

- Size: 1,500 training samples
- Columns: <code>question</code>, <code>answer_1</code> and <code>label</code>

Statistics of the first 100 samples:

|  | question | answer_1 | label |
| :-- | :-- | :-- | :-- |
| type | string | string | float |
| details | <ul><li>min: 3 tokens</li><li>mean: 7.5 tokens</li><li>max: 19 tokens</li></ul> | <ul><li>min: 1 tokens</li></ul> | <ul><li>min: 0</li><li>mean: 0.51</li><li>max: 1</li></ul> |

Samples:

| question | answer_1 | label |
| :-- | :-- | :-- |
| <code>what is 2 &#124; 3?</code> | <code>an_or</code> | <code>0.5</code> |
| <code>&#60;b&#62;&#42;bold&#42;&#60;/b&#62; &#96;x&#96;<br>or &#91;not&#93;(a)</code> | <code>&#95;no&#95;</code> | <code>1</code> |

Loss: <code>MatryoshkaLoss(CoSENTLoss)</code> with these settings:

\`\`\`json
{
  "scale": 20,
  "dims": [
    256,
    128
  ]
}
\`\`\`

### Hyperparameters

Those that differ from the defaults:

- \`epochs\`: <code>2</code>
- \`batchSize\`: <code>32</code>

<details><summary>All hyperparameters</summary>

- \`epochs\`: <code>2</code>
- \`batchSize\`: <code>32</code>
- \`learningRate\`: <code>0.2</code>
- \`betas\`: <code>&#91;0.9,0.999&#93;</code>
- \`maxSteps\`: <code>null</code>

</details>

### Log

| Epoch | Step | Training Loss | sts-dev_spearman_cosine |
| :-- | :-- | :-- | :-- |
| 0.0213 | 1 | 4.1235 | - |
| **1** | **47** | **3** | **0.6123** |
| 2 | 94 | 2.5 | 0.5 |

The bold row is the saved model.

### Time

- Training: 1.3 minutes
- Evaluation: 1.3 seconds
- Total: 1.3 minutes

### Versions

- Node.js: 20.0.0
- stillvec: 0.1.0

## Citation

### MatryoshkaLoss

\`\`\`bibtex
@misc{key,
    title={Title}
}
\`\`\`
`);
  });

  test('has the front matter that the hub reads', () => {
    expect(frontMatterOf(modelCard(model, null))).toEqual({
      library_name: 'sentence-transformers',
      pipeline_tag: 'sentence-similarity',
      tags: ['sentence-transformers', 'sentence-similarity', 'feature-extraction', 'static-embeddings', 'stillvec'],
    });
    expect(frontMatterOf(modelCard(model, training))).toMatchObject({
      tags: expect.arrayContaining(['dataset_size:1500', 'loss:MatryoshkaLoss', 'loss:CoSENTLoss']) as unknown,
      base_model: training.baseModel,
      metrics: ['pearson_cosine', 'spearman_cosine'],
      'model-index': [
        {
          name: 'Static embedding model',
          results: [
            {
              task: { type: 'semantic-similarity', name: 'Semantic Similarity' },
              dataset: { type: 'sts-dev', name: 'sts-dev' },
              metrics: [
                { type: 'pearson_cosine', name: 'Pearson Cosine', value: 0.5 },
                { type: 'spearman_cosine', name: 'Spearman Cosine', value: 0.61234567 },
              ],
            },
          ],
        },
      ],
    });
  });

  test.each([
    'no',
    'null',
    '~',
    '1e3',
    '0x1f',
    '2020-01-01',
    'a: b\n- c',
    '---',
    '"',
    "'",
    '&a',
    '*a',
    '# a',
    '日本',
    '{a}',
    ' a ',
  ])('keeps %j as the name of what was measured on', (name) => {
    const card = modelCard(model, {
      ...training,
      evaluator: { kind: 'TripletEvaluator', name, primaryMetric: 'accuracy' },
      evaluations: [{ epoch: 1, step: 5, metrics: { [`${name}_accuracy`]: 1, lost: NaN, endless: Infinity } }],
    });
    expect(frontMatterOf(card)).toMatchObject({
      metrics: ['accuracy'],
      'model-index': [{ results: [{ dataset: { name }, metrics: [{ type: 'accuracy', value: 1 }] }] }],
    });
  });

  test('shows samples, names and prompts as they stand', () => {
    const texts = ['a | b', '<script>x</script>', '**bold** _it_ `code`', '[x](http://y)', '&amp; \\| \\', '~~gone~~'];
    const [dataset] = training.trainDatasets;
    const card = modelCard(
      { ...model, prompts: { '<i>': '</code>' } },
      {
        ...training,
        trainDatasets: texts.map((text) => ({
          ...dataset!,
          name: text,
          columns: [{ name: text, type: 'string', details: { min: text }, samples: [text] }],
        })),
      },
    );
    const html = new MarkdownIt({ html: true }).render(card);
    const shown = (tag: string): string[] =>
      [...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'g'))].map(([, inner = '']) => parseEntities(inner));
    expect(shown('code')).toEqual(expect.arrayContaining([...texts, '<i>', '"</code>"']));
    expect(shown('summary')).toEqual(expect.arrayContaining(texts));
    expect(html).not.toMatch(/<script>|<strong>bold|<s>|<i>|href="http:/);
  });

  test('ends no block by what stands in it', () => {
    const bibtex = '@misc{a,\n```\n# Not a heading\n````\n}';
    const html = new MarkdownIt().render(
      modelCard(model, { ...training, citations: [{ losses: ['A', 'B'], bibtex }] }),
    );
    expect(html).toContain('<h3>A and B</h3>');
    expect(html).not.toContain('<h1>Not a heading</h1>');
  });

  test('folds away many datasets and long logs, and thins those without end', () => {
    const [dataset] = training.trainDatasets;
    const log = Array.from({ length: 4001 }, (_, step) => ({
      epoch: step / 4001,
      step,
      values: { 'Training Loss': 1 },
    }));
    const card = modelCard(model, {
      ...training,
      trainDatasets: Array.from({ length: 30 }, (_, i) => ({ ...dataset!, name: `set ${i}` })),
      evalDatasets: [{ ...dataset!, name: '' }],
      evaluator: null,
      evaluations: [],
      log,
      bestStep: 3,
    });
    expect(card).toContain('  - dataset_size:45000\n');
    expect(card.match(/<details><summary>set \d+<\/summary>/g)).toHaveLength(30);
    expect(card).toContain('### Training datasets\n');
    expect(card).toContain('### Evaluation dataset\n\n#### Unnamed dataset\n\n- Size: 1,500 evaluation samples');
    expect(card).not.toContain('## Evaluation\n');
    expect(card).toContain('<summary>802 rows</summary>');
    expect(card).toContain('One row in 5 is shown.');
    expect(card).toContain('| **0.0007** | **3** | **1** |');
    expect(card).toContain('| 0.9998 | 4000 | 1 |');
  });
});
