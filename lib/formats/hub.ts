import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type * as HubModule from '@huggingface/hub';
import {
  IoError,
  messageOf,
  MissingDependencyError,
  ModelFormatError,
  systemCode,
  UnsupportedError,
} from '../errors.js';

type Hub = typeof HubModule;

/** Where a model comes from when it is named by an id of the Hugging Face Hub. */
export interface HubOptions {
  /** Never use the network; `HF_HUB_OFFLINE=1` does the same. Default false. */
  readonly localFilesOnly?: boolean | undefined;
  /** A branch, tag or commit. Default 'main'. */
  readonly revision?: string | undefined;
  /** Default `HF_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
  readonly cacheFolder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The files of a repository that a static model consists of. */
const modelFile =
  /^(?:README\.md|modules\.json|config\.json|config_sentence_transformers\.json|(?:0_StaticEmbedding\/)?(?:tokenizer\.json|model\.safetensors)|1_Normalize\/config\.json)$/;

const commitHash = /^[0-9a-f]{40}$/;

const installAdvice =
  'To download models, install the package @huggingface/hub: npm install @huggingface/hub. ' +
  'Or download the files yourself and load their folder';

function cacheRoot(options: HubOptions): string {
  const { HF_HUB_CACHE: cache, HF_HOME: home, XDG_CACHE_HOME: xdg } = process.env;
  return options.cacheFolder ?? cache ?? join(home ?? join(xdg ?? join(homedir(), '.cache'), 'huggingface'), 'hub');
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Whether a snapshot has a table and a tokenizer; a broken download lacks one of them. */
async function isComplete(snapshot: string): Promise<boolean> {
  for (const folder of [snapshot, join(snapshot, '0_StaticEmbedding')]) {
    const files = await Promise.all(['tokenizer.json', 'model.safetensors'].map((name) => isFile(join(folder, name))));
    if (files.every(Boolean)) return true;
  }
  return false;
}

/** The folder of a complete snapshot in the cache, or undefined. */
async function findCached(repository: string, revision: string): Promise<string | undefined> {
  const named = await readFile(join(repository, 'refs', revision), 'utf8').catch(() => undefined);
  const snapshot = join(repository, 'snapshots', named?.trim() ?? revision);
  return (await isComplete(snapshot)) ? snapshot : undefined;
}

async function importHub(id: string): Promise<Hub> {
  try {
    return await import('@huggingface/hub');
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new MissingDependencyError(`${id} is neither a folder nor in the local cache. ${installAdvice}`, {
      cause: error,
    });
  }
}

function downloadError(id: string, error: unknown): unknown {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 401 || status === 403 || status === 404) {
    return new ModelFormatError(
      `${id}: the hub has no such model, or shows it to others only (status ${status}); set HF_TOKEN to use yours`,
      { code: 'ERR_MODEL_NOT_FOUND', cause: error },
    );
  }
  return new IoError(`${id} cannot be downloaded: ${messageOf(error)}`, { cause: error });
}

/** Downloads the model's files into the cache, in the layout that Hugging Face's own libraries share. */
async function download(id: string, repository: string, revision: string, signal?: AbortSignal): Promise<string> {
  const { listFiles, modelInfo, downloadFile } = await importHub(id);
  const { HF_TOKEN: accessToken, HF_ENDPOINT: hubUrl } = process.env;
  const common = {
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      fetch(input, signal === undefined ? init : { ...init, signal }),
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(hubUrl === undefined ? {} : { hubUrl }),
  };
  const repo = { type: 'model', name: id } as const;
  // One commit for all files, whatever is pushed meanwhile.
  const { sha } = await modelInfo({ name: id, revision, additionalFields: ['sha'], ...common });
  const snapshot = join(repository, 'snapshots', sha);
  const paths: string[] = [];
  for await (const { type, path } of listFiles({ repo, revision: sha, recursive: true, ...common })) {
    if (type === 'file' && modelFile.test(path)) paths.push(path);
  }
  if (!paths.some((path) => path.endsWith('model.safetensors'))) {
    throw new UnsupportedError(`${id} has no model.safetensors, so it is no static embedding model that can be loaded`);
  }
  for (const path of paths) {
    const file = join(snapshot, path);
    if (await isFile(file)) continue;
    const blob = await downloadFile({ repo, path, revision: sha, ...common });
    if (blob === null) throw new Error(`${path} is listed, but not there`);
    await mkdir(dirname(file), { recursive: true });
    const incomplete = `${file}.${process.pid}.incomplete`;
    try {
      await pipeline(Readable.fromWeb(blob.stream()), createWriteStream(incomplete), { ...(signal && { signal }) });
      await rename(incomplete, file);
    } finally {
      await rm(incomplete, { force: true });
    }
  }
  if (!commitHash.test(revision)) {
    const reference = join(repository, 'refs', revision);
    await mkdir(dirname(reference), { recursive: true });
    await writeFile(reference, sha);
  }
  return snapshot;
}

/**
 * The folder of a model: `model` itself where it is one; else the snapshot of that Hub id (`organisation/name`) in the
 * local Hugging Face cache; else, unless `localFilesOnly`, a download into that cache.
 *
 * @throws ModelFormatError `ERR_MODEL_NOT_FOUND` when there is neither folder nor model.
 * @throws MissingDependencyError when it would have to be downloaded and `@huggingface/hub` is not installed.
 * @throws IoError when the download fails.
 */
export async function resolveModelFolder(model: string, options: HubOptions = {}): Promise<string> {
  const { revision = 'main', signal } = options;
  signal?.throwIfAborted();
  if ((await stat(model).catch(() => undefined))?.isDirectory() === true) return model;
  if (!/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)?$/.test(model)) {
    throw new ModelFormatError(`${model}: no such model folder`, { code: 'ERR_MODEL_NOT_FOUND' });
  }
  const root = cacheRoot(options);
  const repository = join(root, `models--${model.replace('/', '--')}`);
  const cached = await findCached(repository, revision);
  if (cached !== undefined) return cached;
  const offline = options.localFilesOnly ?? ['1', 'true', 'yes', 'on'].includes(process.env['HF_HUB_OFFLINE'] ?? '');
  if (offline) {
    throw new ModelFormatError(
      `${model} is neither a folder nor (revision ${revision}) in the cache ${root}, and downloads are off`,
      { code: 'ERR_MODEL_NOT_FOUND' },
    );
  }
  try {
    return await download(model, repository, revision, signal);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (error instanceof MissingDependencyError || error instanceof UnsupportedError) throw error;
    throw downloadError(model, error);
  }
}
