import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ModelFormatError } from '../errors.js';
import { invalidArgument } from '../validate.js';
import { commitHash, downloadModel } from './hub-download.js';
import { legacySource, tableFile, tokenizerFile } from './model-files.js';
import { sourceOf } from './model-version.js';

/** Where a model comes from when it is named by an id of the Hugging Face Hub. */
export interface HubOptions {
  /** Never use the network. Default: what `HF_HUB_OFFLINE` says, else false. */
  readonly localFilesOnly?: boolean | undefined;
  /** A branch, tag or commit. Default 'main'. */
  readonly revision?: string | undefined;
  /** Default `HF_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`. */
  readonly cacheFolder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Names separated by slashes, none of which is `.` or `..`: a path that stays in its folder. */
const revisionName = /^\w[\w.-]*(?:\/\w[\w.-]*)*$/;

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
  for (const source of new Set([(await sourceOf(snapshot)) ?? '.', '.', legacySource])) {
    const files = await Promise.all([tokenizerFile, tableFile].map((name) => isFile(join(snapshot, source, name))));
    if (files.every(Boolean)) return true;
  }
  return false;
}

/** The folder of a complete snapshot in the cache, or undefined. */
async function findCached(repository: string, revision: string): Promise<string | undefined> {
  const named = await readFile(join(repository, 'refs', revision), 'utf8').catch(() => revision);
  if (!commitHash.test(named.trim())) return undefined;
  const snapshot = join(repository, 'snapshots', named.trim());
  return (await isComplete(snapshot)) ? snapshot : undefined;
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
  if (!revisionName.test(revision)) throw invalidArgument('revision', 'a branch, tag or commit', revision);
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
  return downloadModel(model, repository, revision, signal);
}
