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

/** Of evaluators. */
export const evaluatorAdvice: OptionAdvice = {
  batchSize: `encode takes any number of texts without batches, ${leaveOut}`,
  showProgressBar: 'evaluate calls onProgress with { done, total }',
  writeCsv: 'fit writes a CSV file an evaluator into its outputDir',
  writePredictions: `metrics alone are kept, ${leaveOut}`,
  useBatchedEncoding: `all texts are encoded together, ${leaveOut}`,
  printWrongMatches: `metrics alone are kept, ${leaveOut}`,
  queryChunkSize: `a search shares out its queries by itself, ${leaveOut}`,
  corpusChunkSize: `a search shares out its corpus by itself, ${leaveOut}`,
  scoreFunctions: "the model's own similarity is measured; load it with the option similarity",
  mainScoreFunction: "the model's own similarity is measured; load it with the option similarity",
  mainDistanceFunction: 'its name is mainSimilarityFunction',
  sentencesMap: 'its name is sentences',
  duplicatesList: 'its name is duplicates',
  duplicatesDict: 'give the pairs of ids as duplicates',
};

/** Of `fit`: what Sentence Transformers' trainer, its arguments and its older fit() take. */
export const fitAdvice: OptionAdvice = {
  trainObjectives: 'give the dataset as trainDataset and the loss as loss',
  trainDataloader: 'give the dataset itself as trainDataset',
  evalDataset: 'an evaluator measures a model: give it as evaluator',
  model: `fit trains the model that it is called on, ${leaveOut}`,
  args: 'give the options themselves',
  numTrainEpochs: 'its name is epochs',
  perDeviceTrainBatchSize: 'its name is batchSize',
  perDeviceEvalBatchSize: `evaluation needs no batches, ${leaveOut}`,
  stepsPerEpoch: 'maxSteps ends a run after that many steps',
  evaluationSteps: 'its name is evalSteps',
  evalStrategy: 'evalSteps says how often',
  saveStrategy: 'saveSteps says how often',
  checkpointPath: 'its name is outputDir',
  outputPath: 'checkpoints go to outputDir; save the model with model.save(folder) afterwards',
  lrSchedulerType: 'its name is scheduler',
  optim: 'its name is optimizer',
  optimizerParams: 'give learningRate, betas, eps and weightDecay themselves',
  adamBeta1: 'give betas: [beta1, beta2]',
  adamBeta2: 'give betas: [beta1, beta2]',
  adamEpsilon: 'its name is eps',
  fp16: "precision: 'auto' multiplies in bfloat16 where the CPU has it",
  bf16: "its name is precision: 'bfloat16'",
  useAmp: "precision: 'auto' multiplies in bfloat16 where the CPU has it",
  dataloaderDropLast: 'its name is dropLast',
  gradientAccumulationSteps: `batches of any size fit into memory: give the product as batchSize, ${leaveOut}`,
  loggingSteps: 'onProgress is called about ten times a second',
  showProgressBar: 'onProgress is called about ten times a second',
  callback: 'onProgress tells of the run; the result has its history',
  callbacks: 'onProgress tells of the run; the result has its history',
};
