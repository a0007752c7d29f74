// How long a model takes to load, in milliseconds: in a new process, the first time and the times after it. Argument:
// model folder.
import { SentenceTransformer } from '../../lib/index.js';
import { median } from '../support/statistics.js';

export interface Loading {
  readonly bytes: number;
  readonly first: number;
  readonly later: number;
}

async function main([folder = '']: readonly string[]): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 12; ++i) {
    const begin = performance.now();
    const model = await SentenceTransformer.load(folder);
    times.push(performance.now() - begin);
    bytes = model.info().bytes;
  }
  const [first = NaN, ...later] = times;
  process.stdout.write(JSON.stringify({ bytes, first, later: median(later) } satisfies Loading));
}

void main(process.argv.slice(2));
