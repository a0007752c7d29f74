import { Pieces } from './pieces.js';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = '\ufeff';

/**
 * The lines of a UTF-8 text, which end with LF or CR LF, the last one perhaps with neither. Bytes that are no UTF-8
 * become U+FFFD.
 *
 * @throws InvalidArgumentError for a line that is too long, before it is held.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let isFirst = true;
  const decode = (bytes: Buffer): string => {
    const text = bytes.toString('utf8', 0, bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length);
    const hasMark = isFirst && text.startsWith(byteOrderMark);
    isFirst = false;
    return hasMark ? text.slice(1) : text;
  };

  const pieces = new Pieces('a line');
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, begin)) {
      yield decode(pieces.take(chunk.subarray(begin, end)));
      begin = end + 1;
    }
    pieces.add(chunk.subarray(begin));
  }
  if (!pieces.isEmpty) yield decode(pieces.take(Buffer.alloc(0)));
}
