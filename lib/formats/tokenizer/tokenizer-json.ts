import { ModelFormatError, UnsupportedError } from '../../errors.js';
import type { NativePreTokenizer, NativeTokenizerConfig } from '../../native/index.js';
import { describe } from '../../validate.js';
import { JsonFields, parseJson } from '../json-fields.js';
import { models, modelType } from './models.js';
import { normalizers } from './normalizers.js';
import { preTokenizers } from './pre-tokenizers.js';
import { readStep } from './steps.js';

/** An entry of `added_tokens`: text that is one token wherever it stands. */
type AddedToken = NativeTokenizerConfig['addedTokens'][number];

/** Keep at most `maxLength` ids: the first ones, or with `fromLeft` (direction "Left") the last ones. */
type Truncation = NativeTokenizerConfig['truncation'];

/** The steps that make ids of a text, in order, and the model at their end. */
type TokenizerPipeline = Pick<NativeTokenizerConfig, 'normalizers' | 'preTokenizers' | 'model'>;

export interface TokenizerDescription {
  /** Token by id; '' where the file has no token of that id. */
  readonly vocabulary: readonly string[];
  /** One more than the greatest id, added tokens included. */
  readonly vocabSize: number;
  /** What stands for words that cannot be written with the vocabulary; null where the model names none. */
  readonly unkToken: string | null;
  readonly addedTokens: readonly AddedToken[];
  readonly pipeline: TokenizerPipeline;
  readonly truncation: Truncation;
}

/** @param bytes - Size of the file: no token takes less than a byte, so a greater id is a mistake, and costs memory. */
function readVocabulary(model: JsonFields, bytes: number): readonly string[] {
  const vocabulary = Array.isArray(model.get('vocab')) ? readPieces(model) : readTokens(model, bytes);
  if (vocabulary.length === 0) throw new ModelFormatError(`${model.file}: model.vocab is empty`);
  return vocabulary;
}

/** A vocabulary as `{ token: id }`. */
function readTokens(model: JsonFields, bytes: number): readonly string[] {
  const { file } = model;
  const vocabulary: string[] = [];
  const ids = model.record('vocab');
  for (const token of Object.keys(ids)) {
    const id = ids[token];
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0 || id >= bytes) {
      throw new ModelFormatError(
        `${file}: expected an id of 0 to ${bytes - 1} for model.vocab[${describe(token)}] but received ${describe(id)}; ` +
          'ids number the tokens',
      );
    }
    while (vocabulary.length < id) vocabulary.push('');
    const other = vocabulary[id] ?? '';
    if (other !== '') {
      throw new ModelFormatError(
        `${file}: model.vocab gives ${describe(other)} and ${describe(token)} the same id ${id}`,
      );
    }
    vocabulary[id] = token;
  }
  return vocabulary;
}

/** A Unigram vocabulary: `[piece, score]` by id. */
function readPieces(model: JsonFields): readonly string[] {
  return model.array('vocab').map((entry, id) => {
    const [piece, score, ...rest] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    if (typeof piece === 'string' && typeof score === 'number' && rest.length === 0) return piece;
    throw new ModelFormatError(
      `${model.file}: expected [piece, score] for model.vocab[${id}] but received ${describe(entry)}`,
    );
  });
}

function readAddedTokens(root: JsonFields, bytes: number): AddedToken[] {
  if (!root.has('added_tokens')) return [];
  return root.objects('added_tokens').map((token) => {
    const id = token.integer('id');
    if (id >= bytes) throw token.invalid('id', `an id of 0 to ${bytes - 1}`);
    return {
      content: token.string('content'),
      id,
      singleWord: token.boolean('single_word'),
      lstrip: token.boolean('lstrip'),
      rstrip: token.boolean('rstrip'),
      normalized: token.boolean('normalized'),
      special: token.boolean('special'),
    };
  });
}

/** An added token may repeat a token of the vocabulary, but then under the same id. */
function checkAddedTokens(file: string, added: readonly AddedToken[], vocabulary: readonly string[]): void {
  const byContent = new Map<string, number>();
  const byId = new Map<number, string>();
  for (const { content, id } of added) {
    const otherId = byContent.get(content);
    if (otherId !== undefined && otherId !== id) {
      throw new ModelFormatError(`${file}: added_tokens gives ${describe(content)} the ids ${otherId} and ${id}`);
    }
    const other = byId.get(id) ?? vocabulary[id] ?? '';
    if (other !== '' && other !== content) {
      throw new ModelFormatError(`${file}: added token ${describe(content)} has the id ${id} of ${describe(other)}`);
    }
    byContent.set(content, id);
    byId.set(id, content);
  }
  for (let id = 0; id < vocabulary.length; ++id) {
    const addedId = byContent.get(vocabulary[id] ?? '');
    if (addedId !== undefined && addedId !== id && vocabulary[id] !== '') {
      throw new ModelFormatError(
        `${file}: added token ${describe(vocabulary[id])} has the id ${addedId}, but ${id} in model.vocab`,
      );
    }
  }
}

function readTruncation(root: JsonFields): Truncation {
  const truncation = root.optionalObject('truncation');
  if (truncation === undefined) return null;
  const direction = truncation.optionalString('direction') ?? 'Right';
  if (direction !== 'Right' && direction !== 'Left') throw truncation.invalid('direction', `"Right" or "Left"`);
  const strategy = truncation.optionalString('strategy') ?? 'LongestFirst';
  if (strategy === 'OnlySecond') {
    throw new UnsupportedError(`${root.file}: truncation.strategy OnlySecond applies to pairs of texts only`);
  }
  if (strategy !== 'LongestFirst' && strategy !== 'OnlyFirst') {
    throw truncation.invalid('strategy', `"LongestFirst" or "OnlyFirst"`);
  }
  return { maxLength: truncation.integer('max_length'), fromLeft: direction === 'Left' };
}

function readPipeline(root: JsonFields, vocabulary: readonly string[]): TokenizerPipeline {
  const model = root.object('model');
  const type = modelType(model);
  const readModel = Object.hasOwn(models, type) ? models[type] : undefined;
  if (readModel === undefined) {
    const known = Object.keys(models).join(', ');
    throw new UnsupportedError(`${root.file}: expected one of ${known} for model.type but received ${describe(type)}`);
  }
  const pipeline = {
    normalizers: readStep(root.optionalObject('normalizer'), normalizers),
    preTokenizers: readStep(root.optionalObject('pre_tokenizer'), preTokenizers),
    model: readModel(model, vocabulary),
  };
  checkPrepending(root.file, pipeline);
  return pipeline;
}

/**
 * A Metaspace that prepends to the first piece only must know where a piece lay in the text. That is lost once a step
 * before it has changed the text, or once a normalizer has and a step before it has split what the normalizer made.
 */
function checkPrepending(file: string, { normalizers: changes, preTokenizers: steps }: TokenizerPipeline): void {
  const last = steps.findLastIndex((step) => step.type === 'Metaspace' && step.prependScheme === 'first');
  const before = steps.slice(0, Math.max(last, 0));
  if (before.length === 0) return;
  if (changes.length === 0 && !before.some(({ type }) => changingSteps.includes(type))) return;
  throw new UnsupportedError(
    `${file}: pre_tokenizer has a Metaspace with the prepend_scheme "first" after steps that leave no first piece`,
  );
}

const changingSteps: readonly NativePreTokenizer['type'][] = ['ByteLevelPrefix', 'ByteLevelAlphabet', 'Metaspace'];

/**
 * Parses a Hugging Face tokenizer.json. `padding` and `post_processor` are ignored: a static model pads nothing and
 * adds no special tokens.
 *
 * @param file - Path of the file, for errors.
 * @throws ModelFormatError naming file, field and value.
 * @throws UnsupportedError naming the part that is not known here, or another version of the format.
 */
export function parseTokenizerJson(file: string, text: string): TokenizerDescription {
  const root = new JsonFields(file, '', parseJson(file, text));
  const version = root.optionalString('version') ?? '1.0';
  if (version !== '1.0') throw new UnsupportedError(`${file}: expected "1.0" for version but received "${version}"`);
  const model = root.object('model');
  const vocabulary = readVocabulary(model, text.length);
  const addedTokens = readAddedTokens(root, text.length);
  checkAddedTokens(file, addedTokens, vocabulary);
  const vocabSize = addedTokens.reduce((size, { id }) => Math.max(size, id + 1), vocabulary.length);
  const pipeline = readPipeline(root, vocabulary);
  const unkToken = 'unkToken' in pipeline.model ? pipeline.model.unkToken : null;
  return { vocabulary, vocabSize, unkToken, addedTokens, pipeline, truncation: readTruncation(root) };
}
