import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InformationRetrievalEvaluator, NanoBEIREvaluator } from 'stillvec';
import { writeParquet } from '../support/parquet-file';
import { LatticeModel } from './lattice-model';

const root = mkdtempSync(path.join(tmpdir(), 'stillvec-nano-beir-'));
const environment = { ...process.env };
afterEach(() => {
  process.env = environment;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Row = Record<string, unknown>;

/** What a dataset of this test holds: the greater the salt, the later its texts. */
const queriesOf = (salt: number): Row[] =>
  Array.from({ length: 6 }, (_, i) => ({ _id: `q${i}`, text: `q${i + salt}` }));
const corpusOf = (salt: number): Row[] =>
  Array.from({ length: 20 }, (_, i) => ({ _id: `d${i}`, text: `d${i + salt}` }));
const qrelsOf = (salt: number): Row[] =>
  Array.from({ length: 10 }, (_, i) => ({ 'query-id': `q${i % 5}`, 'corpus-id': `d${(i * 3 + salt) % 20}` }));

const folder = path.join(root, 'NanoBEIR');
for (const subset of ['corpus', 'queries', 'qrels']) mkdirSync(path.join(folder, subset), { recursive: true });
const file = (name: string): string => path.join(folder, name);

// As the hub has them; in two parts, with an empty text; and in other kinds of files.
writeParquet(file('corpus/NanoMSMARCO-00000-of-00001.parquet'), corpusOf(0));
writeParquet(file('queries/NanoMSMARCO-00000-of-00001.parquet'), queriesOf(0));
writeParquet(file('qrels/NanoMSMARCO-00000-of-00001.parquet'), qrelsOf(0));
writeParquet(file('corpus/NanoNQ-00000-of-00002.parquet'), [...corpusOf(7).slice(0, 9), { _id: 'empty', text: '' }]);
writeParquet(file('corpus/NanoNQ-00001-of-00002.parquet'), corpusOf(7).slice(9));
const lines = (rows: readonly Row[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
writeFileSync(file('queries/NanoNQ.jsonl'), lines(queriesOf(7)));
const grouped = ['q0', 'q1', 'q2', 'q3', 'q4'].map((id) => ({
  'query-id': id,
  'corpus-id': qrelsOf(7)
    .filter((row) => row['query-id'] === id)
    .map((row) => row['corpus-id']),
}));
writeFileSync(file('qrels/NanoNQ.jsonl'), lines(grouped));

/** The evaluator that one dataset comes down to. */
function retrieval(salt: number, name: string, options: object = {}): InformationRetrievalEvaluator {
  const texts = (rows: readonly Row[]): Map<string, string> =>
    new Map(rows.map((row) => [row['_id'] as string, row['text'] as string]));
  const relevantDocs = new Map<string, string[]>();
  for (const row of qrelsOf(salt)) {
    const id = row['query-id'] as string;
    relevantDocs.set(id, [...(relevantDocs.get(id) ?? []), row['corpus-id'] as string]);
  }
  const [queries, corpus] = [texts(queriesOf(salt)), texts(corpusOf(salt))];
  return new InformationRetrievalEvaluator({ queries, corpus, relevantDocs, name, ...options });
}

const model = new LatticeModel();
const both = { datasetId: folder, datasetNames: ['MSMARCO', 'nq'] };

describe('NanoBEIREvaluator', () => {
  test('measures each dataset, and the mean over them', async () => {
    const evaluator = new NanoBEIREvaluator(both);
    expect(evaluator.name).toBe('NanoBEIR_mean');
    const metrics = await evaluator.evaluate(model);
    const [first, second] = [
      await retrieval(0, 'NanoMSMARCO').evaluate(model),
      await retrieval(7, 'NanoNQ').evaluate(model),
    ];
    const means = Object.entries(first).map(([title, value]) => {
      const metric = title.replace('NanoMSMARCO_', '');
      return [`NanoBEIR_mean_${metric}`, (value + second[`NanoNQ_${metric}`]!) / 2];
    });
    expect(Object.entries(metrics)).toEqual([...Object.entries(first), ...Object.entries(second), ...means]);
    expect(evaluator.primaryMetric).toBe('NanoBEIR_mean_cosine_ndcg@10');
    expect(metrics).toHaveProperty([evaluator.primaryMetric]);
    expect(evaluator.csvFile).toBe('NanoBEIR_evaluation_mean_results.csv');
    expect(await evaluator.evaluate(model)).toEqual(metrics);
  });

  test('takes the options of the search and of the mean', async () => {
    const lattice = new LatticeModel();
    const progress: unknown[] = [];
    const evaluator = new NanoBEIREvaluator({
      ...both,
      truncateDim: 4,
      ndcgAtK: [3],
      mrrAtK: [3],
      accuracyAtK: [1],
      precisionRecallAtK: [2],
      mapAtK: [5],
      queryPrompts: { msmarco: 'search: ', NQ: 'find: ' },
      corpusPrompts: 'passage: ',
      aggregateFn: (values) => Math.max(...values),
      aggregateKey: 'max',
    });
    const metrics = await evaluator.evaluate(lattice, { onProgress: (state) => progress.push(state) });
    expect(evaluator.primaryMetric).toBe('NanoBEIR_max_4_cosine_ndcg@3');
    expect(Object.keys(metrics)).toHaveLength(3 * 6);
    expect(metrics['NanoBEIR_max_4_cosine_map@5']).toBe(
      Math.max(metrics['NanoMSMARCO_4_cosine_map@5']!, metrics['NanoNQ_4_cosine_map@5']!),
    );
    expect(lattice.calls).toEqual([
      { role: 'query', texts: 5, prompt: 'search: ', truncateDim: 4 },
      { role: 'document', texts: 20, prompt: 'passage: ', truncateDim: 4 },
      { role: 'query', texts: 5, prompt: 'find: ', truncateDim: 4 },
      { role: 'document', texts: 20, prompt: 'passage: ', truncateDim: 4 },
    ]);
    expect(progress).toEqual([5, 25, 30, 50].map((done) => ({ done, total: 50 })));
  });

  test('finds the datasets in the cache of the hub', async () => {
    const commit = '0123456789abcdef0123456789abcdef01234567';
    const repository = path.join(root, 'hub', 'datasets--org--NanoBEIR-xx');
    cpSync(folder, path.join(repository, 'snapshots', commit), { recursive: true });
    mkdirSync(path.join(repository, 'refs'));
    writeFileSync(path.join(repository, 'refs', 'main'), commit);
    process.env = { ...environment, HF_HUB_CACHE: path.join(root, 'hub'), HF_HUB_OFFLINE: '1' };
    const datasetId = 'org/NanoBEIR-xx';
    const metrics = await new NanoBEIREvaluator({ ...both, datasetId }).evaluate(model);
    expect(metrics).toEqual(await new NanoBEIREvaluator(both).evaluate(model));
    // Of all thirteen there are only two.
    await expect(new NanoBEIREvaluator({ datasetId }).evaluate(model)).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining(`${datasetId} is neither a folder nor (revision main) in the cache`),
    });
  });

  test('names the files that a folder lacks', async () => {
    await expect(new NanoBEIREvaluator({ ...both, datasetNames: ['scifact'] }).evaluate(model)).rejects.toMatchObject({
      code: 'ERR_IO',
      message: `expected a file qrels/NanoSciFact.parquet, or all parts of it, in ${folder} but found none`,
    });
    const half = path.join(root, 'half');
    cpSync(folder, half, { recursive: true });
    rmSync(path.join(half, 'corpus/NanoNQ-00000-of-00002.parquet'));
    await expect(new NanoBEIREvaluator({ ...both, datasetId: half }).evaluate(model)).rejects.toThrow(
      'expected a file corpus/NanoNQ.parquet, or all parts of it',
    );
    await expect(new NanoBEIREvaluator({ datasetId: path.join(root, 'none') }).evaluate(model)).rejects.toThrow(
      'none: no such dataset folder',
    );
  });

  test.each<[string, string]>([
    ['{"id": "q1", "text": "q1"}', 'line 1: expected a column "_id" but found id, text'],
    ['{"_id": "q1", "text": null}', 'expected a string for FILE, line 1, column "text" but received null'],
    ['{"_id": {}, "text": "q1"}', 'expected an id for FILE, line 1, column "_id" but received an object'],
    ['[]', 'expected a row for FILE, line 1 but received an array of length 0'],
    ['{"_id": "q1"', 'NanoNQ.jsonl, line 1: '],
  ])('names the row of a file that holds %p', async (line, message) => {
    const damaged = mkdtempSync(path.join(root, 'damaged-'));
    cpSync(folder, damaged, { recursive: true });
    const queries = path.join(damaged, 'queries/NanoNQ.jsonl');
    writeFileSync(queries, line);
    await expect(new NanoBEIREvaluator({ ...both, datasetId: damaged }).evaluate(model)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(message.replace('FILE', queries)),
    });
  });

  test('rejects with the reason of the signal, and measures again after it', async () => {
    const evaluator = new NanoBEIREvaluator(both);
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopped = evaluator.evaluate(model, { signal: controller.signal });
    controller.abort(reason);
    await expect(stopped).rejects.toBe(reason);
    expect(Object.keys(await evaluator.evaluate(model))).toHaveLength(3 * 15);
  });

  test('goes by default over all thirteen datasets of the hub', () => {
    expect(new NanoBEIREvaluator().primaryMetric).toBe('NanoBEIR_mean_cosine_ndcg@10');
  });

  test.each<[object, string]>([
    [{ datasetNames: [] }, 'expected a non-empty array of names for datasetNames but received an array of length 0'],
    [{ datasetNames: 'nq' }, 'expected an array of strings for datasetNames but received "nq"'],
    [{ datasetNames: ['nq', 'trec'] }, "expected one of 'climatefever', 'dbpedia', 'fever', 'fiqa2018', 'hotpotqa'"],
    [{ datasetId: '' }, 'expected a non-empty string for datasetId but received ""'],
    [{ ndcgAtK: [] }, 'expected a non-empty array of integers for ndcgAtK but received an array of length 0'],
    [
      { datasetNames: ['NQ'], queryPrompts: { msmarco: 'x' } },
      'expected a string for queryPrompts.nq but received und',
    ],
    [{ corpusPrompts: 7 }, 'expected a string or an object of strings by dataset for corpusPrompts but received 7'],
    [{ aggregateFn: 'max' }, 'expected a function for aggregateFn but received "max"'],
    [{ aggregateKey: 1 }, 'expected a non-empty string for aggregateKey but received 1'],
    [{ truncateDim: 1.5 }, 'expected an integer at least 1 for truncateDim but received 1.5'],
    [{ write_csv: true }, 'unknown option write_csv for NanoBEIREvaluator: fit writes a CSV file an evaluator'],
    [{ name: 'x' }, 'unknown option name for NanoBEIREvaluator'],
  ])('refuses %p', (options, message) => {
    expect(() => new NanoBEIREvaluator(options)).toThrow(message);
  });
});
