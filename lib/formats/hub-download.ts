import { createHash, randomUUID, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type * as HubModule from '@huggingface/hub';
import { IoError, messageOf, MissingDependencyError, StillvecError, systemCode } from '../errors.js';
import { invalidArgument } from '../validate.js';
import type { HubRepository } from './hub-repository.js';
import { StallGuard } from './stall-guard.js';

type Hub = typeof HubModule;

/** A file as the hub lists it. */
type ListedFile = Pick<HubModule.ListFileEntry, 'path' | 'size' | 'oid' | 'lfs'>;

/** Names a state of a repository for good, and a folder of the cache. */
export const commitHash = /^[0-9a-f]{40}$/;

async function importHub({ type }: HubRepository, id: string): Promise<Hub> {
  try {
    return await import('@huggingface/hub');
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw error;
    throw new MissingDependencyError(
      `${id} is neither a folder nor in the local cache. To download ${type}s, install the package @huggingface/hub: ` +
        'npm install @huggingface/hub. Or download the files yourself and name their folder',
      { cause: error },
    );
  }
}

function downloadError(kind: HubRepository, id: string, error: unknown): unknown {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 401 || status === 403 || status === 404) {
    return kind.notFound(
      `${id}: the hub has no such ${kind.type}, or shows it to others only (status ${status}); set HF_TOKEN to use yours`,
      { cause: error },
    );
  }
  return new IoError(`${id} cannot be downloaded: ${messageOf(error)}`, { cause: error });
}

/** Seconds without a byte from the hub after which a download is given up: `HF_HUB_DOWNLOAD_TIMEOUT`, else 30. */
function stallSeconds(): number {
  const { HF_HUB_DOWNLOAD_TIMEOUT: seconds = '30' } = process.env;
  if (/^\d+(?:\.\d+)?$/.test(seconds) && Number(seconds) > 0 && Number(seconds) < 1e6) return Number(seconds);
  throw invalidArgument('HF_HUB_DOWNLOAD_TIMEOUT', 'a number of seconds', seconds);
}

/** What the hub says of a file's content: the sha256 of a large one, else the id that Git gives it. */
function digestOf({ size, oid = '', lfs }: ListedFile): { hash: Hash; expected: string } | undefined {
  if (lfs !== undefined) return { hash: createHash('sha256'), expected: lfs.oid };
  const algorithm = { 40: 'sha1', 64: 'sha256' }[oid.length];
  if (algorithm === undefined) return undefined;
  return { hash: createHash(algorithm).update(`blob ${size}\0`), expected: oid };
}

/** Passes the bytes of a file on, and fails at the end unless they are those that the hub has listed. */
function verify(file: ListedFile, progress: () => void): Transform {
  const { path, size } = file;
  const digest = digestOf(file);
  let received = 0;
  return new Transform({
    transform(chunk: Uint8Array, _, done) {
      progress();
      received += chunk.byteLength;
      digest?.hash.update(chunk);
      done(received > size ? new Error(`${path} has more than the ${size} bytes that the hub lists`) : null, chunk);
    },
    flush(done) {
      const found = digest?.hash.digest('hex');
      if (received < size) done(new Error(`${path} ends after ${received} of ${size} bytes`));
      else if (found !== digest?.expected)
        done(new Error(`${path} has the hash ${found}, but the hub lists ${digest?.expected}`));
      else done();
    },
  });
}

/**
 * Downloads the files of a repository that are needed into the cache, in the layout that Hugging Face's own libraries
 * share. A file has its name there only when it is whole and as the hub lists it.
 *
 * @param repository - Its folder in the cache.
 * @returns The folder of the snapshot.
 * @throws MissingDependencyError, IoError, what the kind says of one that is not there or not enough; `signal.reason`.
 */
export async function download(
  kind: HubRepository,
  id: string,
  repository: string,
  revision: string,
  signal?: AbortSignal,
): Promise<string> {
  const hub = await importHub(kind, id);
  const seconds = stallSeconds();
  const guard = new StallGuard(seconds * 1000, new Error(`the hub has sent nothing for ${seconds} s`), signal);
  try {
    return await downloadSnapshot(hub, kind, id, repository, revision, guard);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (error instanceof StillvecError) throw error;
    throw downloadError(kind, id, guard.signal.aborted ? guard.signal.reason : error);
  } finally {
    guard.end();
  }
}

async function downloadSnapshot(
  { listFiles, modelInfo, datasetInfo, downloadFile }: Hub,
  kind: HubRepository,
  id: string,
  repository: string,
  revision: string,
  guard: StallGuard,
): Promise<string> {
  const { HF_TOKEN: accessToken, HF_ENDPOINT: hubUrl } = process.env;
  const { signal } = guard;
  const progress = (): void => {
    guard.progress();
  };
  const common = {
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const response = await fetch(input, { ...init, signal });
      progress();
      return response;
    },
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(hubUrl === undefined ? {} : { hubUrl }),
  };
  const repo = { type: kind.type, name: id } as const;
  // One commit for all files, whatever is pushed meanwhile.
  const asked = { name: id, revision, additionalFields: ['sha' as const], ...common };
  const { sha } = await (kind.type === 'model' ? modelInfo(asked) : datasetInfo(asked));
  if (!commitHash.test(sha)) throw new Error(`expected a commit hash for sha but received ${JSON.stringify(sha)}`);
  const snapshot = join(repository, 'snapshots', sha);
  const files: ListedFile[] = [];
  for await (const entry of listFiles({ repo, revision: sha, recursive: true, ...common })) {
    if (entry.type === 'file' && kind.files.test(entry.path)) files.push(entry);
  }
  kind.checkListed(
    id,
    files.map(({ path }) => path),
  );
  for (const listed of files) {
    const { path, size } = listed;
    const file = join(snapshot, path);
    if ((await stat(file).catch(() => undefined))?.size === size) continue;
    const blob = await downloadFile({ repo, path, revision: sha, ...common });
    if (blob === null) throw new Error(`${path} is listed, but not there`);
    await mkdir(dirname(file), { recursive: true });
    const incomplete = `${file}.${randomUUID()}.incomplete`;
    const target = createWriteStream(incomplete, { flush: true });
    try {
      await pipeline(Readable.fromWeb(blob.stream()), verify(listed, progress), target, { signal });
      await rename(incomplete, file);
    } finally {
      // A pipeline that fails does not wait for the file to be opened, which makes it.
      if (!target.closed)
        await new Promise<void>((resolve) =>
          target.once('close', () => {
            resolve();
          }),
        );
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
