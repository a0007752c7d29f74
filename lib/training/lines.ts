import { InvalidArgumentError } from '../errors.js';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const byteOrderMark = '\ufeff';

/** The longest line: far from where V8's strings end, and more than a row of texts ever needs. */
const mostLineBytes = 64 * 2 ** 20;

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

  let pieces: Buffer[] = [];
  let pieceBytes = 0;
  for await (const chunk of chunks) {
    let begin = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, begin)) {
      const rest = chunk.subarray(begin, end);
      yield decode(pieceBytes === 0 ? rest : Buffer.concat([...pieces, rest]));
      pieces = [];
      pieceBytes = 0;
      begin = end + 1;
    }
    if (begin === chunk.length) continue;
    pieces.push(chunk.subarray(begin));
    pieceBytes += chunk.length - begin;
    if (pieceBytes > mostLineBytes) {
      throw new InvalidArgumentError(`expected a line of at most ${mostLineBytes} bytes but received a longer one`);
    }
  }
  if (pieceBytes > 0) yield decode(Buffer.concat(pieces));
}
