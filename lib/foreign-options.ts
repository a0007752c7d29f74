import type { OptionAdvice } from './validate.js';

// Options that people know from Sentence Transformers and its like, and that have another name here or no use.

const leaveOut = 'leave it out';

/** Of `load` and `create`. */
export const modelAdvice: OptionAdvice = {
  device: `everything runs on the CPU, ${leaveOut}`,
  backend: `there is one, ${leaveOut}`,
  similarityFnName: 'its name is similarity',
  torchDtype: 'its name is tableDtype',
  dtype: 'its name is tableDtype',
  modelKwargs: 'the dtype of the table is tableDtype',
  cacheFolder: 'set the environment variable HF_HUB_CACHE',
  token: 'set the environment variable HF_TOKEN',
  useAuthToken: 'set the environment variable HF_TOKEN',
  revision: 'of a model on the hub the main revision is loaded; download another one to a folder, and load that',
  trustRemoteCode: `no code of a model is ever run, ${leaveOut}`,
};

/** Of `encode` and what is named after it. */
export const encodeAdvice: OptionAdvice = {
  batchSize: `encode takes any number of texts without batches, ${leaveOut}; encodeStream has it`,
  chunkSize: `encode shares out the texts by itself, ${leaveOut}`,
  pool: `encode uses all CPUs, ${leaveOut}; threads bounds them`,
  showProgressBar: 'onProgress is called with { done, total }',
  outputValue: 'embeddings are those of whole texts; tokenize gives token ids',
  convertToTensor: `results are typed arrays, ${leaveOut}`,
  convertToNumpy: `results are typed arrays, ${leaveOut}`,
  device: `everything runs on the CPU, ${leaveOut}`,
  pooling: `it is the model's, ${leaveOut}`,
  quantize: 'its name is precision',
  normalize: 'its name is normalizeEmbeddings',
  dim: 'its name is truncateDim',
  dimensions: 'its name is truncateDim',
};

const onlyAsync = 'encodeSync works on the calling thread and cannot be interrupted; encode has it';

export const encodeSyncAdvice: OptionAdvice = {
  ...encodeAdvice,
  showProgressBar: 'encode has onProgress',
  threads: onlyAsync,
  signal: onlyAsync,
  onProgress: onlyAsync,
};

export const encodeStreamAdvice: OptionAdvice = {
  ...encodeAdvice,
  showProgressBar: 'onProgress is called with { done }',
  out: `each batch has memory of its own, ${leaveOut}`,
};
