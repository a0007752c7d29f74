import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CoSENTLoss,
  EmbeddingSimilarityEvaluator,
  MatryoshkaLoss,
  MultipleNegativesRankingLoss,
  readDatasetFile,
  SentenceTransformer,
} from 'stillvec';
import { parse } from 'yaml';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-card-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let tokenizer: string;
beforeAll(() => {
  tokenizer = writeTinyTokenizer(folder);
});

const newModel = (): Promise<SentenceTransformer> => SentenceTransformer.create({ tokenizer, dim: 16, seed: 1 });

const pairs = Array.from({ length: 40 }, (_, i) => ({ anchor: `fox ${i}`, positive: `dog | ${i} <b>` }));
const scored = Array.from({ length: 30 }, (_, i) => ({ text1: `red ${i}`, text2: `blue ${i}`, score: (i % 4) / 4 }));
const evaluator = new EmbeddingSimilarityEvaluator({
  name: 'sts-dev',
  sentences1: ['fox 1', 'fox 2', 'red 3'],
  sentences2: ['dog 1', 'dog 2', 'blue 8'],
  scores: [1, 0.5, 0],
});

async function cardOf(model: SentenceTransformer, name: string): Promise<string> {
  const where = path.join(folder, name);
  await model.save(where);
  return readFileSync(path.join(where, 'README.md'), 'utf8');
}

function frontMatterOf(card: string): Record<string, unknown> {
  return parse(/^---\n(.*?)^---$/ms.exec(card)?.[1] ?? '') as Record<string, unknown>;
}

describe('the card of a saved model', () => {
  test('tells of no training where there was none', async () => {
    const card = await cardOf(await newModel(), 'new');
    expect(card).not.toMatch(/## Training|generated_from_trainer/);
  });

  test('tells of the data, the losses, the settings, the metrics and the papers', async () => {
    const model = await newModel();
    const { evaluations } = await model.fit({
      trainDataset: { pairs, scored },
      loss: {
        pairs: new MatryoshkaLoss(new MultipleNegativesRankingLoss({ scale: 10 }), { dims: [16, 8] }),
        scored: new CoSENTLoss(),
      },
      evaluator,
      evalSteps: 4,
      batchSize: 10,
      epochs: 2,
      learningRate: 0.05,
      scheduler: 'cosine',
    });
    const card = await cardOf(model, 'trained');
    const head = frontMatterOf(card);
    expect(head['tags']).toEqual([
      ...['sentence-transformers', 'sentence-similarity', 'feature-extraction', 'static-embeddings', 'stillvec'],
      ...['generated_from_trainer', 'dataset_size:70'],
      ...['loss:MatryoshkaLoss', 'loss:MultipleNegativesRankingLoss', 'loss:CoSENTLoss'],
    ]);
    expect(head).not.toHaveProperty('base_model');
    const metrics = evaluations.at(-1)!.metrics;
    expect(head).toMatchObject({
      library_name: 'sentence-transformers',
      pipeline_tag: 'sentence-similarity',
      'model-index': [
        {
          results: [
            {
              task: { name: 'Semantic Similarity' },
              dataset: { name: 'sts-dev' },
              metrics: expect.arrayContaining([
                expect.objectContaining({ type: 'spearman_cosine', value: metrics['sts-dev_spearman_cosine'] }),
              ]) as unknown,
            },
          ],
        },
      ],
    });
    expect(card).toContain('- Size: 40 training samples\n- Columns: <code>anchor</code> and <code>positive</code>');
    expect(card).toContain('- Columns: <code>text1</code>, <code>text2</code> and <code>score</code>');
    expect(card).toContain('| <code>fox 0</code> | <code>dog &#124; 0 &#60;b&#62;</code> |');
    expect(card).toContain('<code>red 1</code> | <code>blue 1</code> | <code>0.25</code> |');
    expect(card).toContain('Statistics of the first 30 samples:');
    expect(card).toMatch(
      /\| details \| <ul><li>min: \d tokens<\/li><li>mean: [\d.]+ tokens<\/li><li>max: \d tokens<\/li><\/ul>/,
    );
    expect(card).toContain('<ul><li>min: 0</li><li>mean: 0.3583</li><li>max: 0.75</li></ul>');
    expect(card).toContain('Loss: <code>MatryoshkaLoss(MultipleNegativesRankingLoss)</code> with these settings:');
    expect(card).toContain('"scale": 10,');
    const changed = /Those that differ from the defaults:\n\n(.*?)\n\n/s.exec(card)?.[1];
    expect(changed).toContain(
      '- `epochs`: <code>2</code>\n- `batchSize`: <code>10</code>\n- `learningRate`: <code>0.05</code>',
    );
    expect(changed).toContain('- `scheduler`: <code>"cosine"</code>');
    expect(changed).not.toMatch(/optimizer|seed|trainDataset/);
    expect(card).toContain('- `optimizer`: <code>"adamw"</code>');
    expect(card).toContain('- Evaluated with <code>EmbeddingSimilarityEvaluator</code>, after step 14');
    expect(card).toContain(`<summary>All ${evaluations.length} evaluations</summary>`);
    expect(card).toContain('### Log');
    expect(card).toContain('Training Loss');
    expect(card).toMatch(/- Training: \d+\.\d seconds/);
    expect(card).toMatch(/- stillvec: \d+\.\d+\.\d+/);
    expect(card).toContain('@misc{kusupati2022matryoshka,');
    expect(card).toContain('@article{huang2024cosent,');
    expect(card).not.toContain('hermans2017');
    expect(card).not.toContain(folder);
  });

  test('names the classes of labels, vectors, and a dataset file', async () => {
    const file = path.join(folder, 'classes.jsonl');
    writeFileSync(
      file,
      scored.map(({ text1, text2 }, i) => JSON.stringify({ text1, text2, label: i % 3 ? 1 : 0 })).join('\n'),
    );
    for (const name of ['read', 'cached']) {
      const model = await newModel();
      const trainDataset = readDatasetFile(file, { tokenCache: true });
      await model.fit({ trainDataset, loss: new CoSENTLoss(), batchSize: 10 });
      const card = await cardOf(model, name);
      expect(card).toContain('#### classes.jsonl');
      expect(card).toContain('<li>0: 33.33%</li><li>1: 66.67%</li>');
      expect(card).toContain('| <code>red 0</code> | <code>blue 0</code> | <code>0</code> |');
    }
  });

  test('keeps the card that a person wrote', async () => {
    const model = await newModel();
    await model.fit({ trainDataset: pairs, loss: new MultipleNegativesRankingLoss(), batchSize: 10 });
    const where = path.join(folder, 'mine');
    mkdirSync(where);
    writeFileSync(path.join(where, 'README.md'), '# Mine');
    expect(await cardOf(model, 'mine')).toBe('# Mine');
  });

  test('tells of an aborted run what it has done, and of a checkpoint what came before it', async () => {
    const model = await newModel();
    const controller = new AbortController();
    const run = model.fit({
      trainDataset: pairs,
      loss: new MultipleNegativesRankingLoss(),
      batchSize: 10,
      epochs: 1000,
      outputDir: path.join(folder, 'run'),
      saveSteps: 2,
      signal: controller.signal,
      onProgress: ({ phase, done }) => {
        if (phase === 'train' && done >= 4) controller.abort();
      },
    });
    await expect(run).rejects.toThrow();
    expect(await cardOf(model, 'aborted')).toContain('dataset_size:40');
    const { length } = model.lastFit!.history;
    const checkpoint = readFileSync(path.join(folder, 'run', `checkpoint-${length}`, 'README.md'), 'utf8');
    expect(checkpoint).toContain('dataset_size:40');
  });

  test('names the base model where it came from the hub', async () => {
    const cache = path.join(folder, 'hub');
    const commit = '0123456789abcdef0123456789abcdef01234567';
    const snapshot = path.join(cache, 'models--somebody--tiny', 'snapshots', commit);
    const made = path.join(folder, 'made');
    await (await newModel()).save(made);
    cpSync(made, snapshot, { recursive: true });
    mkdirSync(path.join(cache, 'models--somebody--tiny', 'refs'));
    writeFileSync(path.join(cache, 'models--somebody--tiny', 'refs', 'main'), commit);
    const before = process.env['HF_HUB_CACHE'];
    process.env['HF_HUB_CACHE'] = cache;
    try {
      const model = await SentenceTransformer.load('somebody/tiny', { localFilesOnly: true });
      await model.fit({ trainDataset: pairs, loss: new MultipleNegativesRankingLoss(), batchSize: 10 });
      const card = await cardOf(model, 'finetuned');
      expect(frontMatterOf(card)['base_model']).toBe('somebody/tiny');
      expect(card).toContain('| base model | [somebody/tiny](https://huggingface.co/somebody/tiny) |');
    } finally {
      if (before === undefined) delete process.env['HF_HUB_CACHE'];
      else process.env['HF_HUB_CACHE'] = before;
    }
  });
});
