import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { invalidArgument } from '../validate.js';
import { commitHash, download } from './hub-download.js';
import type { HubRepository } from './hub-repository.js';

/** Where a repository comes from when it is named by an id of the Hugging Face Hub. */
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

/** The folder of a complete snapshot in the cache, or undefined. */
async function findCached(kind: HubRepository, repository: string, revision: string): Promise<string | undefined> {
  const named = await readFile(join(repository, 'refs', revision), 'utf8').catch(() => revision);
  if (!commitHash.test(named.trim())) return undefined;
  const snapshot = join(repository, 'snapshots', named.trim());
  return (await kind.isComplete(snapshot)) ? snapshot : undefined;
}

/**
 * The folder of a repository: `name` itself where that is one; else the snapshot of that Hub id (`organisation/name`) in
 * the local Hugging Face cache; else, unless `localFilesOnly`, a download into that cache.
 *
 * @throws What the kind says of one that is not there.
 * @throws MissingDependencyError when it would have to be downloaded and `@huggingface/hub` is not installed.
 * @throws IoError when the download fails.
 */
export async function resolveFolder(kind: HubRepository, name: string, options: HubOptions = {}): Promise<string> {
  const { revision = 'main', signal } = options;
  signal?.throwIfAborted();
  if ((await stat(name).catch(() => undefined))?.isDirectory() === true) return name;
  if (!/^[\w-][\w.-]*(?:\/[\w-][\w.-]*)?$/.test(name)) throw kind.notFound(`${name}: no such ${kind.type} folder`);
  if (!revisionName.test(revision)) throw invalidArgument('revision', 'a branch, tag or commit', revision);
  const root = cacheRoot(options);
  const repository = join(root, `${kind.type}s--${name.replace('/', '--')}`);
  const cached = await findCached(kind, repository, revision);
  if (cached !== undefined) return cached;
  const offline = options.localFilesOnly ?? ['1', 'true', 'yes', 'on'].includes(process.env['HF_HUB_OFFLINE'] ?? '');
  if (offline) {
    throw kind.notFound(
      `${name} is neither a folder nor (revision ${revision}) in the cache ${root}, and downloads are off`,
    );
  }
  return download(kind, name, repository, revision, signal);
}
