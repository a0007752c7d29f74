import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';

/** How many texts a contender encoded in how many seconds, and the most memory that its process has ever held. */
export interface Volume {
  readonly texts: number;
  readonly seconds: number;
  readonly peakRss: number;
}

/** What can be asked of a contender, by the name of the operation: what it is given and what it answers. */
export interface Protocol {
  /** Loads a model and the texts, a JSON array of strings in a file; every operation after it is about these. */
  prepare: { request: { model: string; texts: string }; reply: { version: string } };
  /** The first dimensions of the first texts' embeddings: proof that all contenders do the same work. */
  sample: { request: { texts: number; dim: number }; reply: { embeddings: number[][] } };
  /** Encodes all texts again and again, for `seconds` at least. */
  encode: { request: EncodeRequest; reply: Volume };
  /** Makes token ids of all texts again and again, on one thread. */
  tokenize: { request: { seconds: number; input: Input }; reply: Volume };
}

export type Input = 'strings' | 'columns';

export interface EncodeRequest {
  readonly dim: number;
  readonly seconds: number;
  /** 0 is the contender's own default. */
  readonly threads: number;
  readonly input: Input;
  /** 0 is the contender's own default; those that have no batches ignore it. */
  readonly batchSize: number;
}

type Reply<Op extends keyof Protocol> = Protocol[Op]['reply'];

/**
 * A program that is measured: a process of its own, which waits while others are measured. It reads one request a line,
 * as JSON, and answers with one line of JSON.
 */
export class Contender {
  readonly #process: ChildProcess;
  readonly #lines: Interface;
  readonly #replies: AsyncIterator<string>;

  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.#process = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    if (this.#process.stdout === null) throw new Error(`${name} has no output`);
    this.#lines = createInterface({ input: this.#process.stdout });
    this.#replies = this.#lines[Symbol.asyncIterator]();
  }

  async ask<Op extends keyof Protocol>(op: Op, request: Protocol[Op]['request']): Promise<Reply<Op>> {
    this.#process.stdin?.write(`${JSON.stringify({ op, ...request })}\n`);
    const line = await this.#replies.next();
    if (line.done === true) throw new Error(`${this.name} ended without an answer to ${op}`);
    const reply = JSON.parse(line.value) as { readonly error?: string };
    if (reply.error !== undefined) throw new Error(`${this.name}: ${reply.error}`);
    return reply as Reply<Op>;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await exit;
  }
}

/** A contender written in TypeScript, in this folder's contenders/. */
export function nodeContender(
  name: string,
  script: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Contender {
  return new Contender(name, process.execPath, ['--import', 'tsx', script, ...args], environment);
}
