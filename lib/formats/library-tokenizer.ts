import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import {
  MissingDependencyError,
  ModelFormatError,
  OutOfMemoryError,
  UnsupportedError,
  type StillvecError,
} from '../errors.js';
import type { TokenSelection } from './token-selection.js';

/** Token ids of several texts: those of text i are `ids.subarray(offsets[i], offsets[i + 1])`. */
export interface TokenizedTexts {
  readonly ids: Uint32Array;
  /** One more than there are texts. */
  readonly offsets: Uint32Array;
}

/** What turns texts into token ids, without special tokens and without padding. */
export interface TextTokenizer {
  /** One more than the greatest id. */
  readonly vocabSize: number;
  encodeBatch(texts: readonly string[]): Promise<TokenizedTexts>;
  encodeBatchSync(texts: readonly string[]): TokenizedTexts;
}

/** What the worker is started with. */
export interface WorkerSetup {
  readonly json: string;
  /** Which of a text's tokens are given out; null for all. */
  readonly selection: TokenSelection | null;
  readonly port: MessagePort;
  /** [replies sent so far, a `threadEnd` once the worker has ended]; whoever waits on the first is notified of both. */
  readonly state: Int32Array;
}

export interface WorkerRequest {
  readonly id: number;
  readonly texts: readonly string[];
}

export type WorkerReply =
  | { readonly id: number; readonly vocabSize: number }
  | { readonly id: number; readonly tokens: TokenizedTexts }
  | { readonly id: number; readonly error: string; readonly missing: boolean };

/** Why the worker has ended. */
export const threadEnd = { running: 0, other: 1, outOfMemory: 2 } as const;

/** The id of the reply that says that the tokenizer is ready, or why it is not. */
export const startId = 0;

/** Takes a reply, or the error that stands for one that will not come. */
type Settle = (reply: WorkerReply | StillvecError) => void;

const installAdvice =
  'This model has a tokenizer that stillvec leaves to the package tokenizers, which is not installed. ' +
  'Install it: npm install tokenizers';

/** Worker threads of tokenizers that nobody can reach any more are ended. */
const abandoned = new FinalizationRegistry<Worker>((worker) => void worker.terminate());

/** Calls in flight, and the thread that keeps the process alive while there are any. */
class PendingCalls {
  readonly #settles = new Map<number, Settle>();

  constructor(private readonly worker: Worker) {}

  add(id: number, settle: Settle): void {
    this.#settles.set(id, settle);
    this.worker.ref();
  }

  settle(reply: WorkerReply): void {
    this.#settles.get(reply.id)?.(reply);
    this.#settles.delete(reply.id);
    if (this.#settles.size === 0) this.worker.unref();
  }

  fail(error: StillvecError): void {
    for (const settle of this.#settles.values()) settle(error);
    this.#settles.clear();
  }
}

/**
 * BPE, Unigram, WordLevel and every other tokenizer.json through the `tokenizers` package, which is the reference
 * implementation. It runs in a worker thread: its API is asynchronous and its results cost much JavaScript to read, so
 * that a thread of its own both keeps the caller's thread free and lets a synchronous call wait for it.
 */
export class LibraryTokenizer implements TextTokenizer {
  private nextId = startId + 1;

  private constructor(
    readonly vocabSize: number,
    private readonly port: MessagePort,
    private readonly state: Int32Array,
    private readonly pending: PendingCalls,
  ) {}

  /**
   * @param file - Path of the tokenizer.json, for errors.
   * @param json - Its text.
   * @param selection - Which of a text's tokens are given out; null for all.
   * @throws MissingDependencyError when the package `tokenizers` is not installed.
   * @throws ModelFormatError when the library refuses the file.
   */
  static async create(file: string, json: string, selection: TokenSelection | null = null): Promise<LibraryTokenizer> {
    const { port1: port, port2: workerPort } = new MessageChannel();
    const state = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
    const workerData: WorkerSetup = { json, selection, port: workerPort, state };
    const worker = new Worker(join(__dirname, 'library-tokenizer-supervisor.js'), {
      workerData,
      transferList: [workerPort],
    });
    const pending = new PendingCalls(worker);
    port.on('message', (message: WorkerReply) => {
      pending.settle(message);
    });
    worker.on('error', (error) => {
      pending.fail(new UnsupportedError(`the tokenizer thread cannot run: ${error.message}`, { cause: error }));
    });
    worker.on('exit', () => {
      pending.fail(endOf(state));
    });
    // Only a call in flight keeps the process alive.
    port.unref();
    const reply = await new Promise<WorkerReply | StillvecError>((resolve) => {
      pending.add(startId, resolve);
    });
    if (!('vocabSize' in reply)) {
      await worker.terminate();
      if (reply instanceof Error) throw reply;
      if ('missing' in reply && reply.missing) throw new MissingDependencyError(installAdvice);
      throw new ModelFormatError(`${file}: ${'error' in reply ? reply.error : 'the tokenizer did not start'}`);
    }
    const tokenizer = new LibraryTokenizer(reply.vocabSize, port, state, pending);
    abandoned.register(tokenizer, worker);
    return tokenizer;
  }

  async encodeBatch(texts: readonly string[]): Promise<TokenizedTexts> {
    return tokensOf(
      await new Promise<WorkerReply | StillvecError>((resolve) => {
        this.post(texts, resolve);
      }),
    );
  }

  encodeBatchSync(texts: readonly string[]): TokenizedTexts {
    let reply: WorkerReply | StillvecError | undefined;
    this.post(texts, (received) => {
      reply = received;
    });
    for (;;) {
      const [repliesSeen, end] = [Atomics.load(this.state, 0), Atomics.load(this.state, 1)];
      for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
        this.pending.settle(next.message as WorkerReply);
      }
      if (end !== threadEnd.running) this.pending.fail(endOf(this.state));
      if (reply !== undefined) return tokensOf(reply);
      Atomics.wait(this.state, 0, repliesSeen);
    }
  }

  private post(texts: readonly string[], settle: Settle): void {
    if (Atomics.load(this.state, 1) !== threadEnd.running) {
      settle(endOf(this.state));
      return;
    }
    const request: WorkerRequest = { id: this.nextId++, texts };
    this.pending.add(request.id, settle);
    this.port.postMessage(request);
  }
}

function endOf(state: Int32Array): StillvecError {
  return Atomics.load(state, 1) === threadEnd.outOfMemory
    ? new OutOfMemoryError(
        'the tokenizer has run out of memory and ended; load the model again, and give it fewer texts',
      )
    : new UnsupportedError('the tokenizer thread has ended; load the model again');
}

function tokensOf(reply: WorkerReply | StillvecError): TokenizedTexts {
  if (reply instanceof Error) throw reply;
  if ('tokens' in reply) return reply.tokens;
  throw new UnsupportedError(`the tokenizer failed: ${'error' in reply ? reply.error : 'no tokens were sent'}`);
}
