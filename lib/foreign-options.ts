import type { OptionAdvice } from './validate.js';

// Options that people know from Sentence Transformers and its like, and that have another name here or no use.

const leaveOut = 'leave it out';

/** Of `load` and `create`. */
export const modelAdvice: OptionAdvice = {
  modelNameOrPath: 'it is the first argument of load, and no option',
  modules: 'a model is one table: create makes a new one, load reads a saved one',
  processorKwargs: `the tokenizer is the model's, ${leaveOut}`,
  tokenizerKwargs: `the tokenizer is the model's, ${leaveOut}`,
  configKwargs: 'prompts, defaultPromptName, similarity and truncateDim are options themselves',
  modelCardData: `save writes the card, and keeps one that a person wrote, ${leaveOut}`,
  embeddingDim: 'its name is dim',
  embeddingWeights: 'save a model folder with the table, and load it',
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

const perCall = "it belongs to one call: the model's encode has it";

export const prepareAdvice: OptionAdvice = {
  ...encodeSyncAdvice,
  threads: perCall,
  signal: perCall,
  onProgress: perCall,
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

/** Of `RerankingEvaluator`; others have an option of that name. */
export const rerankingAdvice: OptionAdvice = { ...evaluatorAdvice, mrrAtK: 'its name is atK' };

const noGraph = `gradients are computed in C++, without a graph, ${leaveOut}`;
const oneProcess = `one process trains on all CPUs, ${leaveOut}`;
const noLoader = `texts are tokenized before the first step, and batches are drawn in C++, ${leaveOut}`;
const noHub = 'save the model with model.save(folder), and upload the folder with the package @huggingface/hub';
const ownLog = 'onLog of callbacks sees every line of the log, which is in outputDir and in the result too';
const wholeBatches = `batches of any size fit into memory: give the product as batchSize, ${leaveOut}`;
const bfloat16 = "precision: 'auto' multiplies in bfloat16 where the CPU has it";

/** Of `fit`: what Sentence Transformers' trainer, its arguments and its older fit() take. */
export const fitAdvice: OptionAdvice = {
  // SentenceTransformerTrainer
  model: `fit trains the model that it is called on, ${leaveOut}`,
  args: 'give the options themselves',
  dataCollator: noLoader,
  processingClass: `the model has its tokenizer, ${leaveOut}`,
  tokenizer: `the model has its tokenizer, ${leaveOut}`,
  modelInit: 'make the model with SentenceTransformer.create, which takes a seed',
  computeMetrics: 'give an object with name, primaryMetric and evaluate as evaluator',
  optimizers: 'optimizer and scheduler name them',
  optimizerClsAndKwargs: 'optimizer names it; give learningRate, betas, eps and weightDecay themselves',
  preprocessLogitsForMetrics: `there are no logits, ${leaveOut}`,

  // SentenceTransformerTrainingArguments
  numTrainEpochs: 'its name is epochs',
  perDeviceTrainBatchSize: 'its name is batchSize',
  perDeviceEvalBatchSize: 'its name is batchSize, for evalDataset too',
  lrSchedulerType: 'its name is scheduler',
  lrSchedulerKwargs: 'its name is schedulerOptions',
  optim: 'its name is optimizer',
  optimArgs: 'give learningRate, betas, eps and weightDecay themselves',
  optimTargetModules: `a model is one table, ${leaveOut}`,
  learningRateMapping: `a model is one table, ${leaveOut}`,
  routerMapping: `a model is one table, ${leaveOut}`,
  adamBeta1: 'give betas: [beta1, beta2]',
  adamBeta2: 'give betas: [beta1, beta2]',
  adamEpsilon: 'its name is eps',
  ...each(['bf16', 'bf16FullEval'], "its name is precision: 'bfloat16'"),
  ...each(['fp16', 'fp16FullEval', 'tf32'], bfloat16),
  dataloaderDropLast: 'its name is dropLast',
  ...each(['gradientAccumulationSteps', 'averageTokensAcrossDevices', 'autoFindBatchSize'], wholeBatches),
  ...each(['gradientCheckpointing', 'gradientCheckpointingKwargs'], noGraph),
  ...each(['torchCompile', 'torchCompileBackend', 'torchCompileMode', 'torchEmptyCacheSteps'], noGraph),
  ...each(['useLigerKernel', 'ligerKernelConfig', 'useCache', 'neftuneNoiseAlpha', 'labelSmoothingFactor'], noGraph),
  prompts: 'put the prompts before the texts of the dataset',
  trainSamplingStrategy: 'its name is batchSampler',
  ...each(
    ['removeUnusedColumns', 'labelNames'],
    'the order of the columns gives the roles; readDatasetFile has columns',
  ),
  lengthColumnName: `there is no padding, and so no sorting by length, ${leaveOut}`,
  loggingFirstStep: `the history has every step, ${leaveOut}`,
  ...each(['loggingNanInfFilter', 'debug'], `a loss that is no number ends the run with ERR_NOT_FINITE, ${leaveOut}`),
  ...each(['reportTo', 'runName', 'project', 'trackioSpaceId', 'trackioBucketId', 'trackioStaticSpaceId'], ownLog),
  ...each(['logLevel', 'logLevelReplica', 'logOnEachNode', 'includeNumInputTokensSeen', 'skipMemoryMetrics'], ownLog),
  ...each(['disableTqdm', 'showProgressBar'], 'onProgress is called about ten times a second'),
  ...each(['evalDelay', 'evalOnStart'], 'measure the model with evaluator.evaluate(model) before fit'),
  ...each(['predictionLossOnly', 'includeForMetrics', 'batchEvalMetrics'], 'an evaluator gives all its metrics'),
  ...each(['evalDoConcatBatches', 'evalUseGatherObject', 'evalAccumulationSteps'], wholeBatches),
  saveOnlyModel: `a checkpoint is a model and the state of the run, ${leaveOut}; model.save writes the model alone`,
  enableJitCheckpoint: 'an aborted run writes a checkpoint: give signal',
  ignoreDataSkip: `a resumed run goes on with the very next batch at no cost, ${leaveOut}`,
  restoreCallbackStatesFromCheckpoint: `callbacks keep their own state, ${leaveOut}`,
  fullDeterminism: `the same seed always gives the same bits, ${leaveOut}`,
  dataSeed: 'its name is seed',
  ...each(['doTrain', 'doEval', 'doPredict'], `fit trains, and evaluates with evaluator or evalDataset, ${leaveOut}`),
  ...each(['pushToHub', 'hubToken', 'hubPrivateRepo', 'hubModelId', 'hubStrategy'], noHub),
  ...each(['hubAlwaysPush', 'hubRevision'], noHub),
  ...each(['useCpu', 'noCuda', 'localRank', 'deepspeed', 'fsdp', 'fsdpConfig'], oneProcess),
  ...each(['acceleratorConfig', 'parallelismConfig', 'saveOnEachNode', 'ddpBackend', 'ddpTimeout'], oneProcess),
  ...each(['ddpFindUnusedParameters', 'ddpBucketCapMb', 'ddpBroadcastBuffers', 'ddpStaticGraph'], oneProcess),
  ...each(['dataloaderNumWorkers', 'dataloaderPinMemory', 'dataloaderPersistentWorkers'], noLoader),
  ...each(['dataloaderPrefetchFactor', 'dataloaderMultiprocessingContext', 'dataloaderInOrder'], noLoader),

  // SentenceTransformer.fit of old
  trainObjectives: 'give the dataset as trainDataset and the loss as loss',
  trainDataloader: 'give the dataset itself as trainDataset',
  stepsPerEpoch: 'maxSteps ends a run after that many steps',
  optimizerClass: 'its name is optimizer',
  optimizerParams: 'give learningRate, betas, eps and weightDecay themselves',
  evaluationSteps: 'its name is evalSteps',
  outputPath: 'checkpoints go to outputDir; save the model with model.save(folder) afterwards',
  saveBestModel: 'its name is loadBestModelAtEnd',
  useAmp: bfloat16,
  callback: 'its name is callbacks',
  checkpointPath: 'its name is outputDir',
  checkpointSaveSteps: 'its name is saveSteps',
  checkpointSaveTotalLimit: 'its name is saveTotalLimit',
};

/** The same advice for several names. */
function each(names: readonly string[], advice: string): OptionAdvice {
  return Object.fromEntries(names.map((name) => [name, advice]));
}
