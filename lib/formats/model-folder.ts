import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative, sep } from 'node:path';
import { InvalidArgumentError, IoError, messageOf, ModelFormatError, systemCode, UnsupportedError } from '../errors.js';
import { native, type NativeTable } from '../native/index.js';
import { plainPooling, type PoolingSettings } from '../pooling.js';
import { similarityFunctions } from '../similarity-functions.js';
import { JsonFields, parseJson } from './json-fields.js';
import {
  legacySource,
  model2vecTableName,
  modulesFile,
  poolingChecksum,
  poolingFile,
  scalesName,
  settingsChecksum,
  settingsFile,
  tableFile,
  tableName,
  tokenizerChecksum,
  tokenizerFile,
  weightedTableName,
} from './model-files.js';
import type { ModelReader } from './model-reader.js';
import type { ModelSettings } from './model-settings.js';
import { parsePooling } from './pooling-file.js';
import { weightedModuleType } from './python-module.js';
import {
  checkBytes,
  checkData,
  readSafetensorsHeader,
  type SafetensorsDtype,
  type SafetensorsHeader,
  type TensorInfo,
} from './safetensors.js';
import { readTokenRows, tokenRowTensors, type TokenRows, type TokenRowTensors } from './token-rows.js';
import { loadTokenizer, type LoadedTokenizer, type TokenRules } from './tokenizer/load-tokenizer.js';

/** Dtypes that a table may have. */
export type FileDtype = Extract<SafetensorsDtype, 'F64' | 'F32' | 'F16' | 'BF16' | 'I8'>;

const fileDtypes: readonly FileDtype[] = ['F64', 'F32', 'F16', 'BF16', 'I8'];

/** Where the token vectors lie: `rows` x `dim` values from `byteOffset` of `file` on. */
export interface TableLocation {
  readonly file: string;
  /** Its name: Sentence Transformers', Model2Vec's or that of a weighted pooling. */
  readonly tensor: string;
  readonly byteOffset: number;
  readonly dtype: FileDtype;
  readonly rows: number;
  readonly dim: number;
  /** Where the f32 scales of an I8 table's rows begin; null for scales of 1. */
  readonly scalesOffset: number | null;
  /** Which row a token has, and how much of it, where that is not row `id` as it is: see `readTokenRows`. */
  readonly tokenRows: TokenRowTensors | null;
}

export interface ModelFolder extends ModelSettings {
  readonly folder: string;
  readonly table: TableLocation;
  readonly tokenizer: LoadedTokenizer;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The bytes of a file, or undefined when there is none. */
async function readBytes(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new IoError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The value of a JSON file, or undefined when there is none. */
async function readJson(file: string): Promise<unknown> {
  const bytes = await readBytes(file);
  return bytes === undefined ? undefined : parseJson(file, bytes.toString());
}

async function readFields(file: string): Promise<JsonFields | undefined> {
  const value = await readJson(file);
  return value === undefined ? undefined : new JsonFields(file, '', value);
}

type ModuleClass = 'StaticEmbedding' | 'WeightedStaticEmbedding' | 'Normalize';

/** The class that a module's type names; the package path before it has changed from version to version. */
function moduleClass(module: JsonFields): ModuleClass {
  const type = module.string('type');
  if (type === weightedModuleType) return 'WeightedStaticEmbedding';
  const name = /^sentence_transformers\.(?:\w+\.)*(\w+)$/.exec(type)?.[1];
  if (name === 'StaticEmbedding' || name === 'Normalize') return name;
  throw new UnsupportedError(
    `${module.file}: expected modules of type StaticEmbedding and Normalize but ${module.path} is ${type}`,
  );
}

interface Modules {
  /** Folder of the table and the tokenizer. */
  readonly source: string;
  readonly normalize: boolean;
  /** Whether its pooling is another than the mean of all tokens. */
  readonly isWeighted: boolean;
  /** Whether it has settings but no modules.json: then only Model2Vec reads the folder. */
  readonly isModel2Vec: boolean;
}

function readModules(folder: string, file: string, value: unknown): Modules {
  const modules = new JsonFields(file, '', { modules: value }).objects('modules');
  const [first, ...rest] = modules;
  if (first === undefined) throw new ModelFormatError(`${file}: lists no modules`);
  for (const [i, module] of modules.entries()) {
    const name = moduleClass(module);
    if ((name === 'Normalize') !== i > 0) {
      throw new UnsupportedError(
        `${file}: expected one StaticEmbedding, then Normalize, but ${module.path} is ${module.string('type')}`,
      );
    }
  }
  const path = normalize(join(first.string('path'), '.'));
  if (path.startsWith('..') || path.startsWith(sep)) throw first.invalid('path', 'a path inside the model folder');
  const isWeighted = moduleClass(first) === 'WeightedStaticEmbedding';
  return { source: join(folder, path), normalize: rest.length > 0, isWeighted, isModel2Vec: false };
}

/** Whether a subfolder lies in the folder; one that is a link may lead anywhere. */
async function isInside(folder: string, subfolder: string): Promise<boolean> {
  const path = relative(await realpath(folder), await realpath(subfolder));
  return path.split(sep)[0] !== '..' && !isAbsolute(path);
}

/** Where the table is and whether a Normalize module follows, in a folder of any layout. */
async function findModules(folder: string): Promise<Modules> {
  const file = join(folder, modulesFile);
  const modules = await readJson(file);
  if (modules !== undefined) return readModules(folder, file, modules);

  // Model2Vec writes either of the two files of settings, and no modules.json in its older versions.
  const model2vec = await readFields(join(folder, 'config.json'));
  const modelType = model2vec?.optionalString('model_type') ?? 'model2vec';
  if (modelType !== 'model2vec') {
    throw new UnsupportedError(`${folder} holds a model of type ${modelType}, and no static embedding model`);
  }
  const subfolder = join(folder, legacySource);
  const inRoot = await exists(join(folder, tableFile));
  const settings = model2vec ?? (await readFields(join(folder, settingsFile)));
  return {
    source: !inRoot && (await exists(subfolder)) ? subfolder : folder,
    normalize: settings?.optionalBoolean('normalize') ?? false,
    isWeighted: false,
    isModel2Vec: settings !== undefined,
  };
}

type SavedSettings = Omit<ModelSettings, 'normalize' | 'tokenRules' | keyof PoolingSettings>;

function readSettings(config: JsonFields | undefined): SavedSettings {
  if (config === undefined) {
    const prompts = { query: '', document: '' };
    return { prompts, defaultPromptName: null, similarityFnName: 'cosine', truncateDim: null };
  }
  const modelType = config.optionalString('model_type') ?? 'SentenceTransformer';
  if (modelType !== 'SentenceTransformer' && modelType !== 'model2vec') {
    throw new UnsupportedError(`${config.file}: expected a SentenceTransformer but model_type is ${modelType}`);
  }
  const saved = config.optionalObject('prompts');
  // From entries, since an assignment to the name __proto__ would make no prompt.
  const prompts: Record<string, string> = Object.fromEntries([
    ['query', ''] as const,
    ['document', ''] as const,
    ...(saved?.entries() ?? []).map(([name]) => [name, saved?.string(name) ?? ''] as const),
  ]);
  const defaultPromptName = config.optionalString('default_prompt_name') ?? null;
  if (defaultPromptName !== null && !Object.hasOwn(prompts, defaultPromptName)) {
    throw config.invalid('default_prompt_name', `one of the prompts ${Object.keys(prompts).join(', ')}`);
  }
  const savedSimilarity = config.optionalString('similarity_fn_name') ?? 'cosine';
  const similarityFnName = similarityFunctions.find((name) => name === savedSimilarity);
  if (similarityFnName === undefined) {
    throw config.invalid('similarity_fn_name', `one of ${similarityFunctions.join(', ')}`);
  }
  const truncateDim = config.has('truncate_dim') ? config.integer('truncate_dim', 1) : null;
  return { prompts, defaultPromptName, similarityFnName, truncateDim };
}

const tokenRules: readonly TokenRules[] = ['sentence-transformers', 'model2vec'];

/** Those that the folder names, as `save` does; else Model2Vec's where only Model2Vec writes such a folder. */
function readTokenRules(config: JsonFields | undefined, modules: Modules, table: TableLocation): TokenRules {
  const saved = config?.optionalString('token_rules');
  if (config !== undefined && saved !== undefined) {
    const rules = tokenRules.find((name) => name === saved);
    if (rules === undefined) throw config.invalid('token_rules', `one of ${tokenRules.join(', ')}`);
    return rules;
  }
  return modules.isModel2Vec || table.tensor === model2vecTableName ? 'model2vec' : 'sentence-transformers';
}

/** Finds the table, which has one of these names, among the tensors of a file. */
function locateTable(file: string, { tensors }: SafetensorsHeader, names: readonly string[]): TableLocation {
  const named = (name: string): TensorInfo | undefined => tensors.find((tensor) => tensor.name === name);
  const tensor = names.map(named).find((found) => found !== undefined);
  if (tensor === undefined) {
    const found = tensors.map(({ name }) => name).join(', ');
    throw new ModelFormatError(
      `${file}: expected a tensor ${names.join(' or ')} but found ${found === '' ? 'none' : found}`,
    );
  }
  const dtype = fileDtypes.find((candidate) => candidate === tensor.dtype);
  if (dtype === undefined) {
    throw new UnsupportedError(
      `${file}: expected one of ${fileDtypes.join(', ')} for the dtype of ${tensor.name} but received ${tensor.dtype}`,
    );
  }
  const [rows, dim, ...rest] = tensor.shape;
  if (rows === undefined || dim === undefined || rest.length > 0 || rows === 0 || dim === 0) {
    throw new ModelFormatError(
      `${file}: expected [rows, dim] for the shape of ${tensor.name} but received [${tensor.shape.join(', ')}]`,
    );
  }
  return {
    file,
    tensor: tensor.name,
    byteOffset: tensor.byteOffset,
    dtype,
    rows,
    dim,
    scalesOffset: locateScales(file, named(scalesName), rows),
    tokenRows: tokenRowTensors(file, named('mapping'), named('weights')),
  };
}

function locateScales(file: string, scales: TensorInfo | undefined, rows: number): number | null {
  if (scales === undefined) return null;
  if (scales.dtype !== 'F32' || scales.shape.length !== 1 || scales.shape[0] !== rows) {
    throw new ModelFormatError(
      `${file}: expected F32 [${rows}] for ${scales.name} but received ${scales.dtype} [${scales.shape.join(', ')}]`,
    );
  }
  return scales.byteOffset;
}

/** The settings: beside the table where it replaced another one, else in the root. */
async function readSettingsFile(folder: string, source: string): Promise<{ file: string; bytes: Buffer | undefined }> {
  const [beside, inRoot] = [source, folder].map((place) => join(place, settingsFile)) as [string, string];
  const bytes = await readBytes(beside);
  return bytes === undefined ? { file: inRoot, bytes: await readBytes(inRoot) } : { file: beside, bytes };
}

/** @param header - Of the table, which has the file's checksum; undefined to take the file as it is. */
async function readPooling(
  source: string,
  header: SafetensorsHeader | undefined,
  { description }: LoadedTokenizer,
): Promise<PoolingSettings> {
  const file = join(source, poolingFile);
  const bytes = await readBytes(file);
  if (bytes !== undefined) checkBytes(file, bytes, header?.metadata[poolingChecksum]);
  return parsePooling(file, bytes?.toString(), description);
}

export interface ReadOptions {
  /** Compare the files with the checksums that a model which was saved here has of them. */
  readonly verify?: boolean;
}

/**
 * Reads a model folder in any of the layouts of Sentence Transformers (files in the root or in `0_StaticEmbedding`) and
 * Model2Vec. The table itself is not read, only located.
 *
 * @throws ModelFormatError `ERR_MODEL_NOT_FOUND` when the folder or one of its files is missing; `ERR_MODEL_CORRUPT` when
 * a file contradicts its format or the others.
 * @throws UnsupportedError for modules other than StaticEmbedding, the one that `save` writes, and Normalize, and for
 * PyTorch's own file format.
 */
export async function readModelFolder(folder: string, { verify = true }: ReadOptions = {}): Promise<ModelFolder> {
  if (!(await exists(folder))) {
    throw new ModelFormatError(`${folder}: no such model folder`, { code: 'ERR_MODEL_NOT_FOUND' });
  }
  const modules = await findModules(folder);
  if ((await exists(modules.source)) && !(await isInside(folder, modules.source))) {
    throw new ModelFormatError(`${modules.source} is a link that leads out of the model folder; put the files into it`);
  }
  const file = join(modules.source, tableFile);
  if (!(await exists(file)) && (await exists(join(modules.source, 'pytorch_model.bin')))) {
    throw new UnsupportedError(
      `${modules.source} has only pytorch_model.bin, a Python pickle; load the model with Sentence Transformers and ` +
        'save it again to get model.safetensors',
    );
  }
  const header = await readSafetensorsHeader(file);
  const { isWeighted } = modules;
  const table = locateTable(file, header, isWeighted ? [weightedTableName] : [tableName, model2vecTableName]);
  const { file: configFile, bytes } = await readSettingsFile(folder, modules.source);
  if (verify) checkBytes(configFile, bytes, header.metadata[settingsChecksum]);
  const config = bytes && new JsonFields(configFile, '', parseJson(configFile, bytes.toString()));
  const settings = readSettings(config);
  const rules = readTokenRules(config, modules, table);

  const tokenizerPath = join(modules.source, tokenizerFile);
  const loading = loadTokenizer(tokenizerPath, rules, (vocabSize, json) => {
    if (verify) checkBytes(tokenizerPath, json, header.metadata[tokenizerChecksum]);
    const rows = table.tokenRows?.tokens ?? table.rows;
    if (rows === vocabSize) return;
    throw new ModelFormatError(
      `${file}: the table has ${rows} rows, but ${tokenizerPath} has a vocabulary of ${vocabSize}`,
    );
  });
  // The threads of the pool read the table while this one reads the tokenizer.
  const [tokenizer] = await Promise.all([loading, verify ? checkData(file, header) : undefined]);
  const pooling = isWeighted ? await readPooling(modules.source, verify ? header : undefined, tokenizer) : plainPooling;
  return { ...settings, ...pooling, normalize: modules.normalize, tokenRules: rules, folder, table, tokenizer };
}

/** A folder of Sentence Transformers or Model2Vec. */
export const modelFolderReader: ModelReader = {
  async matches(place) {
    return (await stat(place).catch(() => undefined))?.isDirectory() ?? false;
  },

  async read(folder, { mmap, verify, limit, tokenizer }) {
    if (limit !== undefined || tokenizer !== undefined) {
      const name = limit === undefined ? 'tokenizer' : 'limit';
      throw new InvalidArgumentError(`expected a file of word vectors with ${name}, but ${folder} is a model folder`);
    }
    const model = await readModelFolder(folder, { verify });
    return { settings: model, tokenizer: model.tokenizer, loadTable: () => loadTable(model.table, mmap) };
  },
};

async function loadTable(
  { file, byteOffset, dtype, rows, dim, scalesOffset, tokenRows }: TableLocation,
  mmap: boolean,
): Promise<NativeTable> {
  const stored = await native.Table.load(file, byteOffset, dtype, rows, dim, scalesOffset, mmap);
  return tokenRows === null ? stored : expand(stored, await readTokenRows(tokenRows, rows));
}

/** A row for each token, so that encoding need not look it up. */
async function expand(stored: NativeTable, { rows, factors }: TokenRows): Promise<NativeTable> {
  const table = await stored.gatherRows(rows, factors);
  stored.release();
  return table;
}
