import { ModelFormatError } from '../errors.js';

const mark = 'version https://git-lfs';

/** Bytes that tell a pointer of Git LFS from the file that it stands for. */
export const lfsMarkBytes = mark.length;

/**
 * Refuses what a clone without Git LFS has in place of a large file.
 *
 * @param start - The first bytes of the file, `lfsMarkBytes` or more where it has them.
 * @throws ModelFormatError that says how to get the file.
 */
export function refuseLfsPointer(file: string, start: string): void {
  if (!start.startsWith(mark)) return;
  throw new ModelFormatError(
    `${file} is a pointer of Git LFS, not the file itself; fetch it with: git lfs install && git lfs pull`,
  );
}
