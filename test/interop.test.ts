import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

const texts = ['the red fox', 'a blue dog, a red dog jumps over the sea', '', 'number 42, again.', 'unknowñ wörds 狐'];

/** What Python does with a model folder. */
interface Job {
  readonly model: string;
  /** Arguments of `encode`. */
  readonly encode?: Readonly<Record<string, unknown>>;
  /** Whether code in the folder may run. */
  readonly trust?: boolean;
  /** Where it saves the model again. */
  readonly save?: string;
}

interface Outcome {
  readonly rows: number[][];
  readonly error: string;
}

const program = `import json, sys
from sentence_transformers import SentenceTransformer

def run(texts, job):
    model = SentenceTransformer(job["model"], device="cpu", trust_remote_code=job.get("trust", False))
    rows = model.encode(texts, **job.get("encode", {})).tolist()
    model.train()
    model(model.preprocess(texts))["sentence_embedding"].sum().backward()
    assert model[0].embedding.weight.grad.abs().sum() > 0
    if "save" in job:
        model.save(job["save"])
    return rows

def outcome(texts, job):
    try:
        return {"rows": run(texts, job), "error": ""}
    except Exception as error:
        return {"rows": [], "error": f"{type(error).__name__}: {error}"}

with open(sys.argv[1]) as file:
    given = json.load(file)
with open(sys.argv[2], "w") as file:
    json.dump([outcome(given["texts"], job) for job in given["jobs"]], file)
`;

/** What Sentence Transformers gives for the jobs, done one after the other by one process. */
function runInPython(jobs: readonly Job[]): Outcome[] {
  const [file, input, output] = ['run.py', 'jobs.json', 'outcomes.json'].map((name) => path.join(folder, name));
  writeFileSync(file!, program);
  writeFileSync(input!, JSON.stringify({ texts, jobs }));
  const env = { ...process.env, HF_MODULES_CACHE: path.join(folder, 'modules') };
  const { status, stderr } = spawnSync(python, [file!, input!, output!], { encoding: 'utf8', env });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(readFileSync(output!, 'utf8')) as Outcome[];
}

function expectEqualRows(outcome: Outcome | undefined, expected: number[][]): void {
  expect(outcome?.error).toBe('');
  for (const [i, row] of expected.entries()) {
    const scale = Math.hypot(...row) || 1;
    for (const [c, value] of row.entries()) {
      expect(Math.abs(outcome!.rows[i]![c]! - value) / scale).toBeLessThan(1e-5);
    }
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
    const [plain, finished] = runInPython([
      { model: saved },
      { model: saved, encode: { normalize_embeddings: true, prompt_name: 'query', truncate_dim: 8 } },
    ]);
    expectEqualRows(plain, (await model.encode(texts)).toArray());
    const options = { normalizeEmbeddings: true, promptName: 'query', truncateDim: 8 };
    expectEqualRows(finished, (await model.encode(texts, options)).toArray());
  }, 120_000);

  test('gives equal embeddings of any pooling by the code in the folder, trains the model and saves it', async () => {
    const plain = path.join(folder, 'plain');
    await (await SentenceTransformer.create({ tokenizer: writeTinyTokenizer(folder), dim: 24 })).save(plain);
    const models = await Promise.all([
      SentenceTransformer.load(plain, { pooling: 'sqrt' }),
      SentenceTransformer.load(plain, { excludeTokens: ['the', 1] }),
      SentenceTransformer.load(plain, { pooling: 'sqrt', excludeTokens: 'punctuation', tableDtype: 'int8' }),
      SentenceTransformer.load(plain, { pooling: 'sqrt', tableDtype: 'bfloat16' }),
    ]);
    const jobs: Job[] = [];
    for (const [i, model] of models.entries()) {
      const [saved, resaved] = [path.join(folder, `saved-${i}`), path.join(folder, `resaved-${i}`)];
      await model.save(saved);
      // Over another one: modules.json then names a folder.
      await (await SentenceTransformer.load(saved, { prompts: { query: 'the sea ' } })).save(saved);
      const common = { encode: { prompt_name: 'query' }, trust: true };
      jobs.push({ ...common, model: saved, save: resaved }, { ...common, model: resaved });
    }
    const outcomes = runInPython(jobs);
    for (const [i, model] of models.entries()) {
      const rows = (await model.encode(texts, { prompt: 'the sea ' })).toArray();
      expectEqualRows(outcomes[2 * i], rows);
      expectEqualRows(outcomes[2 * i + 1], rows);
      const again = await SentenceTransformer.load(path.join(folder, `resaved-${i}`));
      expect([again.pooling, again.excludeTokens]).toEqual([model.pooling, model.excludeTokens]);
      expectEqualRows({ rows: (await again.encodeQuery(texts)).toArray(), error: '' }, rows);
    }
  }, 120_000);

  test('does not load such a folder where its code is not trusted, or its settings are lost', async () => {
    const spoils: Record<string, string | undefined> = {
      'another-pooling': JSON.stringify({ pooling: 'max', excluded_tokens: [] }),
      'another-token': JSON.stringify({ pooling: 'mean', excluded_tokens: ['unknown'] }),
      'no-settings': undefined,
    };
    const whole = path.join(folder, 'whole');
    const tokenizer = writeTinyTokenizer(folder);
    await (await SentenceTransformer.create({ tokenizer, dim: 8, pooling: 'sqrt' })).save(whole);
    const jobs: Job[] = [{ model: whole }];
    for (const [name, content] of Object.entries(spoils)) {
      const model = path.join(folder, name);
      cpSync(whole, model, { recursive: true });
      rmSync(path.join(model, 'pooling.json'));
      if (content !== undefined) writeFileSync(path.join(model, 'pooling.json'), content);
      jobs.push({ model, trust: true });
    }
    const errors = runInPython(jobs).map(({ error }) => error);
    expect(errors[0]).toMatch(/trust_remote_code=True/);
    expect(errors[1]).toMatch(/pooling.json: expected pooling mean or sqrt/);
    expect(errors[2]).toMatch(/excluded_tokens of tokenizer.json/);
    expect(errors[3]).toMatch(/pooling/);
  }, 120_000);
});
