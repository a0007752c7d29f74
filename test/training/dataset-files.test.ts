import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MultipleNegativesRankingLoss, readDatasetFile, SentenceTransformer } from 'stillvec';

import { writeTinyTokenizer } from '../support/tiny-tokenizer';

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-dataset-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const packageFolder = path.resolve(__dirname, '../..');

const rows = [
  { anchor: 'red, "quoted"', positive: 'línea\u2028one', score: 0.5 },
  { anchor: '', positive: 'blue', score: 1 },
];
const jsonLines = rows.map((row) => JSON.stringify(row)).join('\r\n') + '\n\n';
const csv = '\ufeffanchor,positive,score\n"red, ""quoted""",línea\u2028one,0.5\n,blue,1\n';
const tsv = 'anchor\tpositive\tscore\nred, "quoted"\tlínea\u2028one\t0.5\n\tblue\t1\n';

function file(name: string, content: string | Uint8Array): string {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
}

/** What the reader gives or throws, in a process where packages can be imported (jest's context refuses that). */
function read(name: string, options = {}): unknown {
  const script = `
    (async () => {
      const { readDatasetFile } = require(${JSON.stringify(packageFolder)});
      const rows = [];
      try {
        for await (const row of readDatasetFile(${JSON.stringify(name)}, ${JSON.stringify(options)})) rows.push(row);
        console.log(JSON.stringify(rows));
      } catch ({ code, message }) { console.log(JSON.stringify({ code, message, rows: rows.length })); }
    })();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

beforeAll(() => {
  const script = `
    import('hyparquet-writer').then(({ parquetWriteBuffer }) => {
      const rows = ${JSON.stringify(rows)};
      const columnData = Object.keys(rows[0]).map((name) => ({ name, data: rows.map((row) => row[name]) }));
      require('node:fs').writeFileSync(${JSON.stringify(path.join(folder, 'rows.parquet'))}, Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 1 })));
    });`;
  const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: packageFolder });
  expect(stderr).toBe('');
});

describe('readDatasetFile', () => {
  test.each([
    ['rows.jsonl', jsonLines],
    ['rows.jsonl.gz', gzipSync(jsonLines)],
    ['rows.csv', csv],
    ['rows.csv.gz', gzipSync(csv)],
    ['rows.tsv', tsv],
  ])('%s', (name, content) => {
    expect(read(file(name, content))).toEqual(rows);
  });

  test('rows.parquet', () => {
    expect(read(path.join(folder, 'rows.parquet'))).toEqual(rows);
  });

  test('takes the columns that are asked for, in that order', () => {
    const name = file('rows.jsonl', jsonLines);
    const chosen = read(name, { columns: ['positive', 'anchor'] }) as Record<string, unknown>[];
    expect(chosen.map((row) => Object.keys(row))).toEqual([
      ['positive', 'anchor'],
      ['positive', 'anchor'],
    ]);
  });

  test('feeds fit, which never holds the file', async () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `{"anchor":"fox ${i}","positive":"dog ${i}"}\n`).join('');
    const trainDataset = readDatasetFile(file('many.jsonl.gz', gzipSync(lines)));
    const model = await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 8 });
    const run = await model.fit({ trainDataset, loss: new MultipleNegativesRankingLoss(), batchSize: 1000 });
    expect(run.rows).toBe(20_000);
  });

  test.each<[string, () => string, object]>([
    ['a missing file', () => path.join(folder, 'none.jsonl'), { code: 'ERR_IO' }],
    [
      'a broken line',
      () => file('broken.jsonl', '{"a":"b"}\n{"a":'),
      { message: expect.stringMatching(/broken\.jsonl, line 2: /) as unknown },
    ],
    [
      'a truncated gzip',
      () => file('cut.jsonl.gz', gzipSync(jsonLines).subarray(0, 40)),
      { code: 'ERR_INVALID_ARGUMENT' },
    ],
    [
      'a row with too many cells',
      () => file('wide.csv', 'a,b\n1,2,3\n'),
      { message: expect.stringMatching(/wide\.csv, line 2: /) as unknown },
    ],
    [
      'a Parquet file that is none',
      () => file('no.parquet', 'hello parquet, or not'),
      { code: 'ERR_INVALID_ARGUMENT' },
    ],
    [
      'another kind of file',
      () => file('rows.txt', 'a'),
      { message: expect.stringMatching(/\.jsonl, \.csv/) as unknown },
    ],
  ])('refuses %s', (_, make, expected) => {
    expect(read(make())).toMatchObject(expected);
  });
});
