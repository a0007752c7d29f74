import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IoError, messageOf } from '../errors.js';

/**
 * Files that replace those of a folder together. Each is first written in full beside its place, under a name of its
 * own, and flushed to the disk; only then are all of them renamed, so that a failure, an abort or a crash while writing
 * leaves the old files as they were.
 */
export class StagedFiles {
  private readonly staged: { path: string; temporary: string }[] = [];

  constructor(private readonly folder: string) {}

  /** Writes one file; `name` is its path in the folder, below which folders are made as needed. */
  async stage(name: string, write: (handle: FileHandle) => Promise<void>): Promise<void> {
    const path = join(this.folder, name);
    const temporary = `${path}.${randomUUID()}.tmp`;
    await this.io(() => mkdir(dirname(path), { recursive: true }));
    const handle = await this.io(() => open(temporary, 'wx'));
    this.staged.push({ path, temporary });
    try {
      await this.io(async () => {
        await write(handle);
        await handle.sync();
      });
    } finally {
      await handle.close();
    }
  }

  /** As `stage` for a file whose content is at hand; a file that already has that content is left alone. */
  async stageContent(name: string, content: string | Uint8Array): Promise<void> {
    const bytes = Buffer.from(content);
    const present = await readFile(join(this.folder, name)).catch(() => undefined);
    if (present?.equals(bytes) !== true) await this.stage(name, (handle) => handle.writeFile(bytes));
  }

  /** Puts the files into their places, in the order in which they were staged. */
  async commit(): Promise<void> {
    await this.io(async () => {
      const folders = new Set([dirname(this.folder), this.folder]);
      for (let next = this.staged[0]; next !== undefined; next = this.staged[0]) {
        await rename(next.temporary, next.path);
        folders.add(dirname(next.path));
        this.staged.shift();
      }
      for (const folder of folders) await syncFolder(folder);
    });
  }

  /** Removes what was staged and not committed. */
  async discard(): Promise<void> {
    for (const { temporary } of this.staged.splice(0)) await rm(temporary, { force: true });
  }

  /** Names the folder in errors of the file system; others, such as the reason of an abort, pass. */
  private async io<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      throw new IoError(`${this.folder} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** Makes renames in a folder last through a crash, where the system can open folders. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}
