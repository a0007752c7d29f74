import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip, gzipSync } from 'node:zlib';

import { afterAll, describe, expect, test } from '@jest/globals';
import { MultipleNegativesRankingLoss, readDatasetFile, SentenceTransformer } from 'stillvec';

import { writeParquet } from '../support/parquet-file';
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
const json = `\ufeff ${JSON.stringify(rows, undefined, 2)}\n`;
const tsv = 'anchor\tpositive\tscore\nred, "quoted"\tlínea\u2028one\t0.5\n\tblue\t1\n';

function file(name: string, content: string | Uint8Array): string {
  const where = path.join(folder, name);
  writeFileSync(where, content);
  return where;
}

/** What the reader gives or throws, in a process where packages can be imported (jest's context refuses that). */
function read(name: string | readonly string[], options = {}): unknown {
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

function parquet(name: string, data: readonly Record<string, unknown>[], damage = ''): string {
  return writeParquet(path.join(folder, name), data, damage);
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
    ['rows.json', json],
    ['rows.json.gz', gzipSync(json)],
    ['rows.csv', csv],
    ['rows.csv.gz', gzipSync(csv)],
    ['rows.tsv', tsv],
  ])('%s', (name, content) => {
    expect(read(file(name, content))).toEqual(rows);
  });

  test('rows.parquet', () => {
    expect(read(parquet('rows.parquet', rows))).toEqual(rows);
  });

  test('rows of numbers for labels, from JSON and Parquet', () => {
    const labelled = [
      { anchor: 'a', label: [1, 0.5] },
      { anchor: 'b', label: [0, -2] },
    ];
    expect(read(file('vectors.json', JSON.stringify(labelled)))).toEqual(labelled);
    expect(read(parquet('vectors.parquet', labelled))).toEqual(labelled);
  });

  test('CSV and TSV with another delimiter', () => {
    const semicolons = 'anchor;positive;score\n"red; ""quoted""";blue, green;0,5\n';
    const [row] = read(file('semicolon.csv', semicolons), { delimiter: ';', columns: ['anchor', 'positive'] }) as [
      object,
    ];
    expect(row).toEqual({ anchor: 'red; "quoted"', positive: 'blue, green' });
    expect(read(file('bars.tsv', 'a||b\n"c||d\n'), { delimiter: '||' })).toEqual([{ a: '"c', b: 'd' }]);
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
      { message: expect.stringMatching(/\.jsonl, \.json, \.csv/) as unknown },
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

  test.each<[string, string, RegExp]>([
    ['nothing', '', /none\.json, row 1: expected a \] that ends the array/],
    ['an object', '{"rows":[]}', /row 1: expected an array of rows, .* begins with "\{"\. .* name it \.jsonl/],
    ['an array that does not end', '[{"a":"b"},{"a":"c"}', /row 2: expected a \]/],
    ['a string that does not end', '[{"a":"b"},{"a":"c}]', /row 2: expected a \]/],
    ['text after its end', '[{"a":"b"}] x', /row 2: expected nothing after the end/],
    ['a second array', '[{"a":"b"}][]', /row 2: expected nothing after the end/],
    ['a comma at its end', '[{"a":"b"},]', /row 2: /],
    ['a comma alone', '[,]', /row 1: /],
    ['two elements without a comma', '[{"a":"b"}{"a":"c"}]', /row 1: /],
    ['brackets that do not match', '[{"a":"b"]}]', /row 1: /],
    ['a stray bracket', '[}]', /row 1: /],
    ['a row that is none', '[{"a":"b"}, 7]', /row such as .* for .*row 2 but received 7/],
    ['a null', '[{"a":null}]', /row 1: expected a string or a finite number for "a"/],
    ['lists within a label', '[{"a":"b","label":[[[1]]]}]', /row 1: .* for "label" but received an array/],
    ['an empty label', '[{"a":"b","label":[]}]', /row 1: .* for "label" but received an array of length 0/],
    ['a list as a text', '[{"a":["b"]}]', /row 1: .* for "a" but received an array/],
    ['a million open brackets', '['.repeat(1e6), /row 1: expected a \]/],
    ['a million brackets', '['.repeat(1e6) + ']'.repeat(1e6), /a row such as .*row 1 but received an array/],
  ])('refuses a JSON file with %s', (_, content, message) => {
    expect(read(file('none.json', content))).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message) as unknown,
    });
  });

  test.each([
    ['no rows', ' [ ] ', []],
    [
      'brackets, quotes and commas in its strings',
      '[{"a":"],[\\"}{\\\\"},{"]":"\\u005d"}]',
      [{ a: '],["}{\\' }, { ']': ']' }],
    ],
    [
      'elements of many chunks',
      `[{"a":"${'ä,'.repeat(200_000)}"},{"a":"b"}]`,
      [{ a: 'ä,'.repeat(200_000) }, { a: 'b' }],
    ],
  ])('reads a JSON file with %s', (_, content, expected) => {
    expect(read(file('odd.json', content))).toEqual(expected);
  });

  test('refuses an element that is longer than a string can be', async () => {
    const name = await longLine('long.json.gz', '[{"a":"b"},{"a":"', 520);
    const message = expect.stringMatching(/long\.json\.gz, row 2: expected an element of at most \d+ bytes/) as unknown;
    expect(read(name)).toEqual({ code: 'ERR_INVALID_ARGUMENT', message, rows: 1 });
  });

  test.each([
    ['JSON Lines', () => file('many.jsonl.gz', gzipSync('{"a":"b"}\n'.repeat(500_000)))],
    ['JSON', () => file('many.json.gz', gzipSync(`[${'{"a":"b"},'.repeat(500_000)}{"a":"c"}]`))],
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

describe('readDatasetFile of several files', () => {
  const several = path.join(folder, 'several');
  const row = (text: string, positive = `${text}+`): object => ({ anchor: text, positive });
  const anchors = (result: unknown): string[] => (result as { anchor: string }[]).map(({ anchor }) => anchor);
  for (const inner of ['deep/er', '.hidden']) mkdirSync(path.join(several, inner), { recursive: true });
  file('several/b.jsonl', `${JSON.stringify(row('b'))}\n`);
  file('several/a.json', JSON.stringify([row('a1'), row('a2')]));
  file('several/c.csv', 'positive,anchor\nc+,c\n');
  file('several/deep/d.jsonl', JSON.stringify(row('d')));
  file('several/deep/er/e.jsonl', JSON.stringify(row('e')));
  file('several/.hidden/f.jsonl', JSON.stringify(row('f')));
  file('several/.g.jsonl', JSON.stringify(row('g')));
  file('several/b.jsonl.stillvec-tokens', 'a cache');

  test.each<[string, string[], string[]]>([
    ['a list, in its order', ['b.jsonl', 'a.json', 'c.csv'], ['b', 'a1', 'a2', 'c']],
    ['a pattern, in the order of the names', ['*'], ['a1', 'a2', 'b', 'c']],
    ['a pattern of an end', ['*.jsonl'], ['b']],
    ['a pattern of a letter', ['?.json{l,}'], ['a1', 'a2', 'b']],
    ['a pattern of folders', ['*/*.jsonl'], ['d']],
    ['a pattern of any depth', ['**/*.jsonl'], ['b', 'd', 'e']],
    ['all of a folder', ['deep/**'], ['d', 'e']],
    ['hidden files that are named', ['.*.jsonl', '.hidden/*.jsonl'], ['g', 'f']],
    ['a file once, however often it is named', ['b.jsonl', '*.{jsonl,csv}'], ['b', 'c']],
  ])('reads %s', (_, names, expected) => {
    expect(anchors(read(names.map((name) => path.join(several, name))))).toEqual(expected);
  });

  test('reads a pattern that is relative', () => {
    const relative = path.relative(process.cwd(), several);
    expect(anchors(read(path.join(relative, '?.jsonl')))).toEqual(['b']);
  });

  test.each<[string, unknown, object, RegExp]>([
    [
      'a pattern without files',
      path.join(folder, 'no*where', '*.jsonl'),
      {},
      /a pattern that matches a file for files but/,
    ],
    ['an empty list', [], {}, /expected a file or several for files but received an array of length 0/],
    ['a list with a hole', ['a.jsonl', 1], {}, /expected a string for files\[1\] but received 1/],
    ['a list with a file of another kind', ['a.jsonl', 'b.txt'], {}, /received b\.txt$/],
    [
      'a delimiter for JSON',
      'a.jsonl',
      { delimiter: ';' },
      /expected a \.csv or \.tsv file beside the option delimiter/,
    ],
    [
      'a delimiter that is a quote',
      'a.csv',
      { delimiter: '"' },
      /expected a string without quotes and line ends for delimiter/,
    ],
    ['an empty delimiter', 'a.csv', { delimiter: '' }, /expected a non-empty string for delimiter/],
    ['an unknown option', 'a.csv', { separator: ';' }, /unknown option separator/],
  ])('refuses %s', (_, names, options, message) => {
    expect(read(names as string, options)).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message) as unknown,
    });
  });

  test('refuses a file with other columns than the first', () => {
    const names = [path.join(several, 'b.jsonl'), file('other.jsonl', '{"anchor":"a","negative":"b"}\n')];
    expect(read(names)).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(
        /other\.jsonl, line 1: expected the columns of .*b\.jsonl, anchor, positive, but found anchor, negative\. Name/,
      ) as unknown,
    });
    expect(anchors(read(names, { columns: ['anchor'] }))).toEqual(['b', 'a']);
  });

  test('names the file that cannot be read', () => {
    const message = expect.stringMatching(/lost\.jsonl cannot be read: ENOENT/) as unknown;
    expect(read([path.join(several, 'b.jsonl'), path.join(several, 'lost.jsonl')])).toEqual({
      code: 'ERR_IO',
      message,
      rows: 1,
    });
  });
});
