import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, describe, expect, test } from '@jest/globals';
import { MultipleNegativesRankingLoss, SentenceTransformer } from 'stillvec';

import { writeTinyTokenizer } from './support/tiny-tokenizer';

/** A Python that has Sentence Transformers: $STILLVEC_PYTHON, or the first one on the path. */
const python = process.env['STILLVEC_PYTHON'] ?? 'python3';
const version = spawnSync(python, ['-c', 'import sentence_transformers; print(sentence_transformers.__version__)'], {
  encoding: 'utf8',
});

const folder = mkdtempSync(path.join(tmpdir(), 'stillvec-interop-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const texts = ['the red fox', 'a blue dog jumps over the sea', '', 'number 42, again.', 'unknowñ wörds 狐'];

/** What Sentence Transformers gives for a folder, as rows. */
function encodeInPython(model: string, options = ''): number[][] {
  const program = path.join(folder, 'encode.py');
  writeFileSync(
    program,
    `import json, sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
texts = json.load(open(sys.argv[2]))
rows = model.encode(texts${options}).tolist()
json.dump({"rows": rows, "similarity": model.similarity_fn_name, "prompts": model.prompts}, open(sys.argv[3], "w"))
`,
  );
  const [input, output] = [path.join(folder, 'texts.json'), path.join(folder, 'rows.json')];
  writeFileSync(input, JSON.stringify(texts));
  const { status, stderr } = spawnSync(python, [program, model, input, output], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return (JSON.parse(readFileSync(output, 'utf8')) as { rows: number[][] }).rows;
}

function expectEqualRows(actual: number[][], expected: number[][]): void {
  for (const [i, row] of expected.entries()) {
    const scale = Math.hypot(...row) || 1;
    for (const [c, value] of row.entries()) expect(Math.abs(actual[i]![c]! - value) / scale).toBeLessThan(1e-5);
  }
}

const describeWithPython = version.status === 0 ? describe : describe.skip;
const name =
  version.status === 0
    ? `Sentence Transformers ${version.stdout.trim()}`
    : `Sentence Transformers (skipped: ${python} cannot import sentence_transformers)`;

describeWithPython(name, () => {
  test('loads a trained and saved folder and gives equal embeddings', async () => {
    const model = await SentenceTransformer.create({
      tokenizer: writeTinyTokenizer(folder),
      dim: 24,
      prompts: { query: 'red ' },
      similarity: 'dot',
    });
    await model.fit({
      trainDataset: { anchor: ['the fox', 'a dog', 'sea'], positive: ['red fox', 'blue dog', 'green sea'] },
      loss: new MultipleNegativesRankingLoss(),
      batchSize: 3,
      epochs: 5,
    });
    const saved = path.join(folder, 'saved');
    await model.save(saved);
    expectEqualRows((await model.encode(texts)).toArray(), encodeInPython(saved));
    const normalized = await model.encode(texts, { normalizeEmbeddings: true, promptName: 'query', truncateDim: 8 });
    expectEqualRows(
      normalized.toArray(),
      encodeInPython(saved, ', normalize_embeddings=True, prompt_name="query", truncate_dim=8'),
    );
  }, 120_000);
});
