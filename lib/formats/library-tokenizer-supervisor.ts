import { join } from 'node:path';
import { Worker, workerData } from 'node:worker_threads';
import { systemCode } from '../errors.js';
import { threadEnd, type WorkerSetup } from './library-tokenizer.js';

// A thread that runs out of heap ends without a word, and a caller that waits for it in a synchronous call hears no
// events. So this thread, which does nothing else, listens for the end and tells.

const setup = workerData as WorkerSetup;

const worker = new Worker(join(__dirname, 'library-tokenizer-worker.js'), {
  workerData: setup,
  transferList: [setup.port],
});
let end: number = threadEnd.other;
worker.on('error', (error) => {
  if (systemCode(error) === 'ERR_WORKER_OUT_OF_MEMORY') end = threadEnd.outOfMemory;
});
worker.on('exit', () => {
  Atomics.store(setup.state, 1, end);
  Atomics.add(setup.state, 0, 1);
  Atomics.notify(setup.state, 0);
});
