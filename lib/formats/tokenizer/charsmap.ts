import { isUtf8 } from 'node:buffer';

/** Characters of a double array come in blocks of as many units: a step within a block stays in it. */
const blockUnits = 256;

/**
 * Whether a Precompiled normalizer's map can be followed for any text without leaving its bounds.
 *
 * The map is the size of a double array in bytes, the array (u32 units: bits 0-7 and 31 the label, 8 a leaf, 9-30 the
 * offset to the children), and after it NUL-terminated strings in UTF-8, to whose beginnings the leaves point.
 *
 * @param base64 - As tokenizer.json has it.
 */
export function isWholeCharsmap(base64: string): boolean {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length < 4 || bytes.toString('base64').length !== base64.length) return false;
  const arrayBytes = bytes.readUInt32LE(0);
  const units = arrayBytes / 4;
  const strings = bytes.subarray(4 + arrayBytes);
  if (arrayBytes === 0 || units % blockUnits !== 0 || 4 + arrayBytes > bytes.length) return false;
  if (strings.length > 0 && strings.at(-1) !== 0) return false;
  if (!isUtf8(strings)) return false;
  const isBeginning = (at: number): boolean => at < strings.length && ((strings[at] ?? 0) & 0xc0) !== 0x80;
  for (let i = 0; i < units; ++i) {
    const unit = bytes.readUInt32LE(4 + 4 * i);
    // A value, which no label leads to.
    if (unit >>> 31 === 1) continue;
    const children = (i ^ ((unit >>> 10) << ((unit & 0x200) >>> 6))) >>> 0;
    if (children >= units) return false;
    const isLeaf = (unit & 0x100) !== 0;
    if (isLeaf && !isBeginning(bytes.readUInt32LE(4 + 4 * children) & 0x7fffffff)) return false;
  }
  return true;
}
