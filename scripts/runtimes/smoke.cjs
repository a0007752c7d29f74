// What a first program does with the installed package: `smoke.cjs FOLDER`, a folder that may be written to. Each part
// prints its name; scripts/check-runtimes.mjs expects these words, nothing else, and the exit code 0.
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');
const { MultipleNegativesRankingLoss, SentenceTransformer } = require('stillvec');

const folder = process.argv[2];
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
const vocabulary = ['[PAD]', '[UNK]', ...letters, ...letters.map((letter) => `##${letter}`)];
const texts = Array.from({ length: 400 }, (_, i) => `the red fox number ${i} jumps over a blue dog`);
const dim = 1024;

function check(holds, what) {
  if (!holds) throw new Error(`wrong: ${what}`);
}

/** Encodes until V8 has collected results several times: what a runtime is told of their memory shows only then. */
async function encodeThroughCollections(model) {
  let collected = 0;
  const registry = new FinalizationRegistry(() => (collected += 1));
  for (let call = 0; collected < 20 && call < 400; call += 1) {
    const embeddings = await model.encode(texts);
    check(embeddings.shape[0] === texts.length, 'rows of encode');
    registry.register(embeddings);
  }
}

async function main() {
  const tokenizer = join(folder, 'tokenizer.json');
  writeFileSync(tokenizer, JSON.stringify(tokenizerJson()));
  const model = await SentenceTransformer.create({ tokenizer, dim, seed: 7 });
  check(model.info().vocabSize === vocabulary.length, 'vocabulary of create');
  console.log('create');

  await encodeThroughCollections(model);
  console.log('encode');

  let streamed = 0;
  for await (const { shape } of model.encodeStream(texts)) streamed += shape[0];
  check(streamed === texts.length, 'rows of encodeStream');
  console.log('stream');

  const trainDataset = { anchor: texts, positive: texts.map((text) => `${text} again`) };
  const { history } = await model.fit({
    trainDataset,
    loss: new MultipleNegativesRankingLoss(),
    batchSize: 64,
    epochs: 1,
  });
  check(history.length > 0, 'steps of fit');
  console.log('fit');

  const saved = join(folder, 'model');
  await model.save(saved);
  const loaded = await SentenceTransformer.load(saved);
  check(loaded.info().vocabSize === vocabulary.length, 'vocabulary of load');
  const [before, after] = await Promise.all([model.encode('red fox'), loaded.encode('red fox')]);
  check(
    before.every((value, i) => value === after[i]),
    'embedding after load',
  );
  console.log('save');

  const ending = new Worker(__filename, { workerData: { saved, forever: false } });
  check((await exitOf(ending)) === 0, 'exit code of a worker');
  console.log('worker');

  const busy = new Worker(__filename, { workerData: { saved, forever: true } });
  await new Promise((resolve, reject) => busy.once('message', resolve).once('error', reject));
  await busy.terminate();
  check((await model.encode('alive')).length === dim, 'encode after terminate');
  console.log('terminate');
}

function exitOf(worker) {
  return new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
}

async function work({ saved, forever }) {
  const model = await SentenceTransformer.load(saved);
  await encodeThroughCollections(model);
  parentPort.postMessage('encoding');
  while (forever) await model.encode(texts);
}

function tokenizerJson() {
  const added = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: vocabulary.slice(0, 2).map((content, id) => ({ id, content, ...added })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
    },
  };
}

void (isMainThread ? main() : work(workerData));
