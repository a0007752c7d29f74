import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { SentenceTransformer } from 'stillvec';

import { Random } from './support/random';
import { referenceIds } from './support/reference-tokenizer';
import { describeWithShared, readGzippedJsonLines } from './support/shared';

const count = 20_000;

/** STILLVEC_SEED repeats a run; without it every run draws other texts. */
const seed = Number(process.env['STILLVEC_SEED'] ?? Date.now() % 1_000_000);

/** Real texts, cut, glued and sprinkled with what tokenizers stumble over. */
function generateTexts(real: readonly string[]): string[] {
  const random = new Random(seed);
  const below = (bound: number): number => random.below(bound);
  const pick = <T>(values: readonly T[]): T => random.pick(values);
  const ranges: readonly (readonly [number, number])[] = [
    [0x00, 0x7f],
    [0x20, 0x7e],
    [0x80, 0x2ff],
    [0x300, 0x36f],
    [0x370, 0x1fff],
    [0x2000, 0x206f],
    [0x2e80, 0x9fff],
    [0xac00, 0xd7a3],
    [0xd800, 0xdfff],
    [0xe000, 0xffff],
    [0x10000, 0x10ffff],
  ];
  const specials = [
    '[SEP]',
    '[CLS]',
    '[MASK]',
    '[UNK]',
    '[PAD]',
    '[sep]',
    '##',
    "n't",
    '\u200d',
    '\ufeff',
    'ı',
    'ΟΣ',
    'ß',
  ];
  const piece = (): string => {
    const kind = below(10);
    if (kind < 5) {
      const text = pick(real);
      const start = below(text.length + 1);
      return text.slice(start, start + below(80));
    }
    if (kind < 6) return pick(specials);
    if (kind < 7) return ' '.repeat(below(4)) + pick(['\t', '\n', '\r\n', '\u00a0', '\u3000', '']);
    if (kind < 8) return 'x'.repeat(below(130));
    const [low, high] = pick(ranges);
    return Array.from({ length: below(12) }, () => String.fromCodePoint(low + below(high - low + 1))).join('');
  };
  return Array.from({ length: count }, () => Array.from({ length: 1 + below(6) }, piece).join(''));
}

describeWithShared(`${count} generated texts (STILLVEC_SEED=${seed})`, (shared) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-differential-'));
  const textsFile = path.join(folder, 'texts.json');
  let texts: string[];
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeAll(() => {
    const rows = readGzippedJsonLines('goldens', 'tokenizer', 'gpt2.jsonl.gz') as { text: string }[];
    texts = generateTexts(rows.map(({ text }) => text).filter((text) => text !== ''));
    writeFileSync(textsFile, JSON.stringify(texts));
  });

  /** The ids that a process with STILLVEC_MAX_ISA gives, and the ISA that it ran on. */
  function idsUnder(maxIsa: string, tokenizer: string): { isa: string; ids: Uint32Array } {
    const output = path.join(folder, `${maxIsa}.bin`);
    const program = `
      const { SentenceTransformer } = require(${JSON.stringify(path.resolve(__dirname, '..'))});
      const fs = require('node:fs');
      SentenceTransformer.create({ tokenizer: ${JSON.stringify(tokenizer)}, dim: 1 }).then((model) => {
        const { ids, offsets } = model.tokenize(JSON.parse(fs.readFileSync(${JSON.stringify(textsFile)}, 'utf8')));
        fs.writeFileSync(${JSON.stringify(output)}, Buffer.concat([offsets, ids].map((a) => Buffer.from(a.buffer))));
        console.log(model.info().isa);
      });`;
    const env = { ...process.env, STILLVEC_MAX_ISA: maxIsa };
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', env });
    if (status !== 0 || !existsSync(output)) throw new Error(stderr);
    return { isa: stdout.trim(), ids: new Uint32Array(new Uint8Array(readFileSync(output)).buffer) };
  }

  test.each(['static-retrieval-mrl-en-v1', 'bert-base-multilingual-cased'])(
    '%s',
    async (name) => {
      const file = `${shared}/data/tokenizers/${name}.json`;
      const model = await SentenceTransformer.create({ tokenizer: file, dim: 1 });
      const { ids, offsets } = model.tokenize(texts);
      // The package's border turns lone surrogates into U+FFFD, too.
      const expected = await referenceIds(readFileSync(file, 'utf8'), texts);
      const wrong = texts.filter((_, i) => ids.subarray(offsets[i], offsets[i + 1]).join() !== expected[i]?.join());
      expect(wrong).toEqual([]);

      const all = Uint32Array.from([...offsets, ...ids]);
      for (const maxIsa of ['scalar', 'avx2', 'avx512', 'neon']) {
        const capped = idsUnder(maxIsa, file);
        if (capped.isa !== maxIsa) console.log(`skipped: this machine has no ${maxIsa}`);
        expect(Buffer.from(capped.ids.buffer).equals(Buffer.from(all.buffer))).toBe(true);
      }
    },
    120_000,
  );
});
