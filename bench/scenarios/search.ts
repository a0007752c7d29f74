// One search of this library. Argument: a file with a SearchTask.
import { readFileSync } from 'node:fs';

import { mineHardNegatives, semanticSearchAsync, SentenceTransformer } from '../../lib/index.js';
import { native } from '../../lib/native/index.js';
import {
  readFloats,
  sampleSize,
  type MiningTask,
  type SearchReply,
  type SearchTask,
  type SemanticSearchTask,
} from '../support/searching.js';
import { peakRss } from '../support/serve.js';

async function main([file = '']: readonly string[]): Promise<void> {
  const task = JSON.parse(readFileSync(file, 'utf8')) as SearchTask;
  const { seconds, sample } = await (task.op === 'search' ? search(task) : mine(task));
  const reply: SearchReply = { seconds, sample, peakRss: peakRss(), version: native.info().isa };
  process.stdout.write(JSON.stringify(reply));
}

async function search({
  queries,
  corpus,
  dim,
  topK,
}: SemanticSearchTask): Promise<Omit<SearchReply, 'peakRss' | 'version'>> {
  const [left, right] = [queries, corpus].map((file) => {
    const data = readFloats(file);
    return { data, shape: [data.length / dim, dim] as const };
  });
  if (left === undefined || right === undefined) throw new Error('expected two files');
  const begin = performance.now();
  const hits = await semanticSearchAsync(left, right, { topK });
  const seconds = (performance.now() - begin) / 1000;
  return { seconds, sample: hits.slice(0, sampleSize).map((found) => found.map(({ corpusId }) => corpusId)) };
}

async function mine({
  model: folder,
  data,
  numNegatives,
}: MiningTask): Promise<Omit<SearchReply, 'peakRss' | 'version'>> {
  const rows = JSON.parse(readFileSync(data, 'utf8')) as [string, string][];
  const dataset = rows.map(([anchor, positive]) => ({ anchor, positive }));
  const model = await SentenceTransformer.load(folder);
  const begin = performance.now();
  const mined = await mineHardNegatives(model, dataset, { numNegatives, outputFormat: 'n-tuple' });
  const seconds = (performance.now() - begin) / 1000;
  return { seconds, sample: mined.slice(0, sampleSize).map((row) => Object.values(row).slice(2).map(String)) };
}

void main(process.argv.slice(2));
