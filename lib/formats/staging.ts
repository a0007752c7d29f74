import { createHash, randomBytes } from 'node:crypto';
import { fsync } from 'node:fs';
import { link, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { IoError, messageOf, systemCode } from '../errors.js';

/**
 * Files on their way to their places. They come to be in a folder of their own beside these, whole and on the disk,
 * before one of them takes a place by a rename: whoever is killed in between leaves what was there, and the folder,
 * which the next one who writes there removes.
 */
export class Staging {
  readonly #folders = new Set<string>();
  #isKept = false;

  private constructor(
    /** Path of the folder. */
    readonly folder: string,
    /** What its files are for, named in errors. */
    private readonly what: string,
  ) {}

  /**
   * Makes the folder `parent/prefix…`, whose name says who writes there.
   *
   * @throws IoError naming `what`.
   */
  static async begin(parent: string, prefix: string, what = parent): Promise<Staging> {
    const staging = new Staging(join(parent, `${prefix}${newId()}`), what);
    await staging.#io(async () => {
      const made = await mkdir(parent, { recursive: true });
      const shortest = made?.length ?? Infinity;
      for (let path = resolve(parent); path.length >= shortest; path = dirname(path)) await syncFolder(dirname(path));
      await staging.#makeFolder(staging.folder);
    });
    return staging;
  }

  /** Path of a file of the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file; `name` is its path in the folder, below which folders are made as needed. */
  async write(name: string, write: (handle: FileHandle, path: string) => Promise<void>): Promise<void> {
    const path = this.path(name);
    await this.#io(async () => {
      if (dirname(path) !== this.folder) await this.#makeFolder(dirname(path));
      const handle = await open(path, 'w');
      try {
        await write(handle, path);
        await flush(handle);
      } finally {
        await handle.close();
      }
    });
  }

  /** As `write` for a file whose content is at hand. */
  async writeContent(name: string, content: string | Uint8Array): Promise<void> {
    await this.write(name, (handle) => handle.writeFile(content));
  }

  /** Makes the files last through a crash under the names that they have here. */
  async sync(): Promise<void> {
    await this.#io(async () => {
      for (const folder of this.#folders) await syncFolder(folder);
      await syncFolder(dirname(this.folder));
    });
  }

  /** Gives a file, or all of them with '', its place, where it replaces what is there. */
  async place(name: string, target: string): Promise<void> {
    await this.#io(async () => {
      await mkdir(dirname(target), { recursive: true });
      await rename(this.path(name), target);
      await syncFolder(dirname(target));
    });
  }

  /** As `place`, but false, and nothing done, where there is something. */
  async placeNew(name: string, target: string): Promise<boolean> {
    return this.#io(async () => {
      try {
        await link(this.path(name), target);
      } catch (error) {
        if (systemCode(error) === 'EEXIST') return false;
        await rename(this.path(name), target); // a file system without links
      }
      await syncFolder(dirname(target));
      return true;
    });
  }

  /** Has the folder stay, where it is what is read from now on. */
  keep(): void {
    this.#isKept = true;
  }

  /** Removes what has not found a place. */
  async discard(): Promise<void> {
    if (!this.#isKept) await rm(this.folder, { recursive: true, force: true });
  }

  async #makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true });
    this.#folders.add(path);
  }

  /** Names what is written in errors of the file system; others, such as the reason of an abort, pass. */
  async #io<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      throw new IoError(`${this.what} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Tells machines and containers that share a disk apart; a hash, since names of folders are published with models. */
const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Says who writes. */
function newId(): string {
  return `${host}-${process.pid}-${randomBytes(6).toString('hex')}`;
}

const idPattern = /^([0-9a-f]{8})-(\d+)-[0-9a-f]{12}$/;

/** No one takes as long to write. */
const longestWriteMs = 24 * 3600 * 1000;

/** The folders `prefix…` of all writers, and whether no one writes there any more, as where one was killed. */
export async function stagings(
  parent: string,
  prefix: string,
): Promise<{ readonly name: string; readonly isAbandoned: boolean }[]> {
  const found = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const writer = name.startsWith(prefix) ? idPattern.exec(name.slice(prefix.length)) : null;
    if (writer !== null) found.push({ name, isAbandoned: await isAbandoned(join(parent, name), writer) });
  }
  return found;
}

/** Removes the folders `prefix…` that no one writes any more. */
export async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  for (const { name, isAbandoned } of await stagings(parent, prefix)) {
    if (isAbandoned) await rm(join(parent, name), { recursive: true, force: true });
  }
}

/** Removes a folder that readers may know: it disappears at once, and the rest can be left to the next writer. */
export async function removeWhole(parent: string, name: string, prefix: string): Promise<void> {
  const removed = join(parent, `${prefix}${newId()}`);
  await rename(join(parent, name), removed);
  await rm(removed, { recursive: true, force: true });
}

async function isAbandoned(folder: string, [, writerHost, writer]: readonly string[]): Promise<boolean> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats === undefined) return false;
  const age = Date.now() - stats.mtimeMs;
  if (age > longestWriteMs) return true;
  if (writerHost !== host) return false;
  // In a container that starts again, the numbers of processes repeat: an older folder is not of this process.
  if (Number(writer) === process.pid) return age > process.uptime() * 1000 + 1000;
  return !isRunning(Number(writer));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** Makes renames in a folder last through a crash, where the system can open folders. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    if (handle !== undefined) await flush(handle).catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

/** By the descriptor: the handles that Yarn's Plug'n'Play puts in the place of Node's cannot flush. */
function flush(handle: FileHandle): Promise<void> {
  return promisify(fsync)(handle.fd);
}
