import { InvalidArgumentError } from '../../errors.js';

/** The longest row of a file: far from where V8's strings end, and more than a row of texts ever needs. */
export const mostRowBytes = 64 * 2 ** 20;

/** Bytes of a row that stands in several chunks. */
export class Pieces {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /** @param name - What they are pieces of, in errors. */
  constructor(private readonly name: string) {}

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }

  /** @throws InvalidArgumentError for too many bytes, before more of them are read. */
  add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes <= mostRowBytes) return;
    throw new InvalidArgumentError(`expected ${this.name} of at most ${mostRowBytes} bytes but received a longer one`);
  }

  /** All of them and the last one, in a row; there are none then. */
  take(last: Buffer): Buffer {
    if (this.isEmpty) return last;
    const whole = Buffer.concat([...this.#pieces, last]);
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }
}
