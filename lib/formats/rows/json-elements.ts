import { InvalidArgumentError } from '../../errors.js';
import { Pieces } from './pieces.js';

const byte = {
  quote: 0x22,
  comma: 0x2c,
  open: 0x5b,
  backslash: 0x5c,
  close: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
};
const byteOrderMark = Buffer.from('\ufeff');

function isSpace(value: number): boolean {
  return value === 0x20 || value === 0x0a || value === 0x0d || value === 0x09;
}

/**
 * The texts of the elements of a JSON array, one after the other: the array may be larger than memory. What stands
 * between them is checked here, each element by whoever parses it.
 *
 * @throws InvalidArgumentError for what is no array, one that does not end, text after its end, and an element that is
 * too long, before it is held.
 */
export async function* readJsonElements(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  const pieces = new Pieces('an element');
  let hasBegun = false;
  let hasEnded = false;
  let elements = 0;
  let depth = 0; // of brackets within an element
  let isInString = false;
  let isEscaped = false;
  for await (const bytes of withoutMark(chunks)) {
    let begin = 0;
    for (let i = 0; i < bytes.length; ++i) {
      const value = bytes[i] ?? 0;
      if (isEscaped) {
        isEscaped = false;
      } else if (isInString) {
        if (value === byte.backslash) isEscaped = true;
        else if (value === byte.quote) isInString = false;
      } else if (!hasBegun || hasEnded) {
        if (isSpace(value)) continue;
        if (hasEnded) throw new InvalidArgumentError('expected nothing after the end of the array');
        if (value !== byte.open) throw noArray(value);
        hasBegun = true;
        begin = i + 1;
      } else if (value === byte.quote) {
        isInString = true;
      } else if (value === byte.open || value === byte.openObject) {
        ++depth;
      } else if (depth > 0) {
        if (value === byte.close || value === byte.closeObject) --depth;
      } else if (value === byte.comma || value === byte.close) {
        const text = pieces.take(bytes.subarray(begin, i)).toString('utf8');
        hasEnded = value === byte.close;
        if (!hasEnded || elements > 0 || text.trim() !== '') yield text; // [] has none
        ++elements;
        begin = i + 1;
      }
    }
    if (hasBegun && !hasEnded) pieces.add(bytes.subarray(begin));
  }
  if (!hasEnded) throw new InvalidArgumentError('expected a ] that ends the array but the file ends before');
}

function noArray(value: number): InvalidArgumentError {
  const found = JSON.stringify(String.fromCharCode(value));
  return new InvalidArgumentError(
    `expected an array of rows, [{...}, {...}], but the file begins with ${found}. ` +
      'If each of its lines is a row, it is JSON Lines: name it .jsonl',
  );
}

async function* withoutMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let isFirst = true;
  for await (const chunk of chunks) {
    const hasMark = isFirst && chunk.subarray(0, byteOrderMark.length).equals(byteOrderMark);
    isFirst = false;
    yield hasMark ? chunk.subarray(byteOrderMark.length) : chunk;
  }
}
