import type { StillvecError } from '../errors.js';

/** A kind of repository of the Hugging Face Hub, and what of one is needed here. */
export interface HubRepository {
  readonly type: 'model' | 'dataset';
  /** The files that are needed. No such path leads out of the folder that it is put in. */
  readonly files: RegExp;
  /** Whether a folder has what is needed; a download that broke off lacks some of it. */
  isComplete(folder: string): Promise<boolean>;
  /** @throws StillvecError where what the hub lists of `files` cannot be enough. */
  checkListed(id: string, paths: readonly string[]): void;
  /** The error for one that is not there. */
  notFound(message: string, options?: ErrorOptions): StillvecError;
}
