import { once } from 'node:events';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { MissingDependencyError, ModelFormatError, UnsupportedError } from '../errors.js';
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
  /** [replies sent so far, 1 once the worker has ended]; the worker notifies whoever waits on the first. */
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

/** The id of the reply that says that the tokenizer is ready, or why it is not. */
export const startId = 0;

type Settle = (reply: WorkerReply) => void;

const installAdvice =
  'This model has a tokenizer that stillvec leaves to the package tokenizers, which is not installed. ' +
  'Install it: npm install tokenizers';

/** Worker threads of tokenizers that nobody can reach any more are ended. */
const abandoned = new FinalizationRegistry<Worker>((worker) => void worker.terminate());

/** Hands the replies that came through `port` to whoever waits for them. */
function dispatch(pending: Map<number, Settle>, port: MessagePort, reply: WorkerReply): void {
  pending.get(reply.id)?.(reply);
  pending.delete(reply.id);
  if (pending.size === 0) port.unref();
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
    private readonly pending: Map<number, Settle>,
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
    const worker = new Worker(join(__dirname, 'library-tokenizer-worker.js'), {
      workerData,
      transferList: [workerPort],
    });
    const [reply] = (await once(port, 'message')) as [WorkerReply];
    if (!('vocabSize' in reply)) {
      await worker.terminate();
      if ('missing' in reply && reply.missing) throw new MissingDependencyError(installAdvice);
      throw new ModelFormatError(`${file}: ${'error' in reply ? reply.error : 'the tokenizer did not start'}`);
    }
    const pending = new Map<number, Settle>();
    port.on('message', (message: WorkerReply) => {
      dispatch(pending, port, message);
    });
    port.on('close', () => {
      for (const [id, settle] of pending) settle({ id, error: 'the tokenizer thread has ended', missing: false });
      pending.clear();
    });
    // Only a call in flight keeps the process alive.
    port.unref();
    worker.unref();
    const tokenizer = new LibraryTokenizer(reply.vocabSize, port, state, pending);
    abandoned.register(tokenizer, worker);
    return tokenizer;
  }

  async encodeBatch(texts: readonly string[]): Promise<TokenizedTexts> {
    const reply = await new Promise<WorkerReply>((resolve) => {
      this.post(texts, resolve);
      this.port.ref();
    });
    return tokensOf(reply);
  }

  encodeBatchSync(texts: readonly string[]): TokenizedTexts {
    let reply: WorkerReply | undefined;
    this.post(texts, (received) => {
      reply = received;
    });
    for (;;) {
      const [repliesSeen, ended] = [Atomics.load(this.state, 0), Atomics.load(this.state, 1)];
      for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
        dispatch(this.pending, this.port, next.message as WorkerReply);
      }
      if (reply !== undefined) return tokensOf(reply);
      if (ended !== 0) throw new UnsupportedError('the tokenizer thread has ended');
      Atomics.wait(this.state, 0, repliesSeen);
    }
  }

  private post(texts: readonly string[], settle: Settle): void {
    const request: WorkerRequest = { id: this.nextId++, texts };
    this.pending.set(request.id, settle);
    this.port.postMessage(request);
  }
}

function tokensOf(reply: WorkerReply): TokenizedTexts {
  if ('tokens' in reply) return reply.tokens;
  throw new UnsupportedError(`the tokenizer failed: ${'error' in reply ? reply.error : 'no tokens were sent'}`);
}
