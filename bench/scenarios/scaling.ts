// Microseconds that encoding a text takes. Arguments: a model folder, a JSON file of texts.
import { readFileSync } from 'node:fs';

import { SentenceTransformer } from '../../lib/index.js';
import { repeat } from '../support/serve.js';
import { asColumn } from '../support/texts.js';

async function main([folder = '', file = '']: readonly string[]): Promise<void> {
  const model = await SentenceTransformer.load(folder);
  const texts = JSON.parse(readFileSync(file, 'utf8')) as string[];
  // Enough that each thread has some.
  const column = asColumn(Array.from({ length: 40 }, () => texts).flat());
  await model.encode(column); // the first call finds the table's pages
  const count = column.offsets.length - 1;
  const { texts: done, seconds } = await repeat(count, 2, () => model.encode(column));
  process.stdout.write(JSON.stringify((1e6 * seconds) / done));
}

void main(process.argv.slice(2));
