import { appendFile, readdir, rename } from 'node:fs/promises';
import path from 'node:path';

import { IoError, messageOf } from '../errors.js';
import { removeAbandoned, Staging } from './staging.js';

const stagingPrefix = '.lines-';

/**
 * A text file that grows by whole lines. Each is one write, so that whoever is killed leaves whole lines behind; the
 * first one comes by a rename, together with those that the file shall begin with.
 */
export class LineFile {
  #isBegun = false;

  /**
   * @param isContinued - Whether lines that are there belong to what is written, which may have lost or taken back some
   * of them. What else has the name gets a number behind it.
   */
  constructor(
    private readonly file: string,
    private readonly isContinued: boolean,
  ) {}

  /**
   * @param before - The lines that stand before it, asked for once.
   * @throws IoError naming the file.
   */
  async add(line: string, before: () => readonly string[]): Promise<void> {
    if (this.#isBegun) await this.#append(line);
    else await this.#begin([...before(), line]);
    this.#isBegun = true;
  }

  async #append(line: string): Promise<void> {
    try {
      await appendFile(this.file, `${line}\n`);
    } catch (error) {
      throw new IoError(`${this.file} cannot be written: ${messageOf(error)}`, { cause: error });
    }
  }

  async #begin(lines: readonly string[]): Promise<void> {
    const folder = path.dirname(this.file);
    await removeAbandoned(folder, stagingPrefix);
    const files = await Staging.begin(folder, stagingPrefix, this.file);
    try {
      const name = path.basename(this.file);
      await files.writeContent(name, lines.map((line) => `${line}\n`).join(''));
      await files.sync();
      if (!this.isContinued) await this.#makeWay();
      await files.place(name, this.file);
    } finally {
      await files.discard();
    }
  }

  async #makeWay(): Promise<void> {
    const { dir, name, ext, base } = path.parse(this.file);
    const taken = await readdir(dir);
    if (!taken.includes(base)) return;
    let number = 1;
    while (taken.includes(`${name}-${number}${ext}`)) ++number;
    await rename(this.file, path.join(dir, `${name}-${number}${ext}`));
  }
}
