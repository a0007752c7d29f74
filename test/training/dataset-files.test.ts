import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';

import { afterAll, describe, expect, test } from '@jest/globals';
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

/** Writes a Parquet file of a row a group, in a process of its own. */
function parquet(name: string, data: readonly Record<string, unknown>[], damage = ''): string {
  const where = path.join(folder, name);
  const script = `
    import('hyparquet-writer').then(({ parquetWriteBuffer }) => {
      const rows = ${JSON.stringify(data)};
      const columnData = Object.keys(rows[0]).map((name) => ({ name, data: rows.map((row) => row[name]) }));
      const bytes = Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 1000, codec: 'UNCOMPRESSED' }));
      ${damage}
      require('node:fs').writeFileSync(${JSON.stringify(where)}, bytes);
    });`;
  const { stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: packageFolder });
  expect(stderr).toBe('');
  return where;
}

/** A file with a line of `megabytes`, its second one. */
async function longLine(name: string, begin: string, megabytes: number): Promise<string> {
  const where = path.join(folder, name);
  const piece = Buffer.alloc(2 ** 20, 'a');
  await pipeline(
    function* () {
      yield Buffer.from(begin);
      for (let i = 0; i < megabytes; ++i) yield piece;
    },
    createGzip({ level: 1 }),
    createWriteStream(where),
  );
  return where;
}

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
    expect(read(parquet('rows.parquet', rows))).toEqual(rows);
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

  // The first two ended the process, in spite of a try around the loop.
  test('refuses a line that is longer than a string can be', async () => {
    const name = await longLine('long.jsonl.gz', '{"a":"b"}\n{"a":"', 520);
    const message = expect.stringMatching(/long\.jsonl\.gz, line 2: expected a line of at most \d+ bytes/) as unknown;
    expect(read(name)).toEqual({ code: 'ERR_INVALID_ARGUMENT', message, rows: 1 });
  });

  test('refuses a Parquet page that asks for a run of 2^31 values', () => {
    const data = Array.from({ length: 1000 }, (_, i) => ({ anchor: `word ${i >> 9}`, positive: 'word' }));
    // The indices into the dictionary: a bit each, 512 times 0, 488 times 1.
    const damage = `
      const at = bytes.indexOf(Buffer.from('01800800d00701', 'hex'));
      if (at < 0) throw new Error('the page is written otherwise');
      Buffer.from('01feffffff0f00', 'hex').copy(bytes, at);`;
    const message = expect.stringMatching(/run\.parquet, row 1 or after: /) as unknown;
    expect(read(parquet('run.parquet', data, damage))).toEqual({ code: 'ERR_INVALID_ARGUMENT', message, rows: 0 });
  }, 120_000);

  test('refuses a quote that is never closed before it holds the file', async () => {
    const name = await longLine('quote.csv.gz', 'a,b\n1,2\n"', 80);
    const message = expect.stringMatching(/quote\.csv\.gz, line \d+: .*Max Record Size/) as unknown;
    expect(read(name)).toEqual({ code: 'ERR_INVALID_ARGUMENT', message, rows: 1 });
  });

  test('reads a row group of many parts in order', () => {
    const data = Array.from({ length: 2500 }, (_, i) => ({ anchor: `word ${i}`, score: i }));
    expect(read(parquet('parts.parquet', data))).toEqual(data);
  });

  test.each([
    ['a byte order mark', Buffer.from('\ufeff{"a":"b"}\n'), [{ a: 'b' }]],
    ['a last line without end', Buffer.from('{"a":"b"}\r\n{"a":"c"}'), [{ a: 'b' }, { a: 'c' }]],
    ['bytes that are no UTF-8', Buffer.from('{"a":"\xff"}', 'latin1'), [{ a: '\ufffd' }]],
    ['a line of many chunks', Buffer.from(`{"a":"${'ä'.repeat(200_000)}"}\n`), [{ a: 'ä'.repeat(200_000) }]],
  ])('reads JSON Lines with %s', (_, content, expected) => {
    expect(read(file('odd.jsonl', content))).toEqual(expected);
  });

  test.each<[string, () => string, object, RegExp]>([
    [
      'a column that is not there',
      () => file('rows.jsonl', jsonLines),
      { columns: ['anchor', 'answer'] },
      /rows\.jsonl, line 1: expected a column "answer", .* anchor, positive, score$/,
    ],
    [
      'a column of a line that is not there',
      () => file('gap.jsonl', '{"a":"b","c":"d"}\n\n{"a":"b"}\n'),
      { columns: ['c'] },
      /gap\.jsonl, line 3: expected a column "c"/,
    ],
    [
      'null',
      () => file('null.jsonl', '{"a":"b"}\n{"a":null}\n'),
      {},
      /null\.jsonl, line 2: expected a string or a finite number for "a" but received null\. Mend/,
    ],
    [
      'a row that is none',
      () => file('array.jsonl', '["a"]\n'),
      {},
      /a row such as .* for .*array\.jsonl, line 1 but received an array/,
    ],
    ['an empty label', () => file('label.csv', 'a,label\nb,1\nc,\n'), {}, /label\.csv, line 3: .* "label"/],
    [
      'an empty Parquet cell',
      () => parquet('null.parquet', [{ a: 'b' }, { a: null }]),
      {},
      /null\.parquet, row 2: .* for "a" but received null/,
    ],
  ])('names file, line and column of %s', (_, make, options, message) => {
    expect(read(make(), options)).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message) as unknown,
    });
  });

  test.each([
    ['JSON Lines', () => file('many.jsonl.gz', gzipSync('{"a":"b"}\n'.repeat(500_000)))],
    ['CSV', () => file('many.csv.gz', gzipSync('a\n' + 'b\n'.repeat(500_000)))],
    ['Parquet', () => parquet('left.parquet', rows)],
  ])('closes a %s file that is left early', (_, make) => {
    const script = `
      (async () => {
        const { readdirSync, readlinkSync } = require('node:fs');
        const { readDatasetFile } = require(${JSON.stringify(packageFolder)});
        const name = ${JSON.stringify(make())};
        for await (const _ of readDatasetFile(name)) break;
        await require('node:timers/promises').setTimeout(100);
        const targets = readdirSync('/proc/self/fd').map((fd) => {
          try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; }
        });
        console.log(targets.includes(name), process.getActiveResourcesInfo().includes('ProcessWrap'));
      })();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toBe('false false\n');
  });
});
