export { SentenceTransformer } from './sentence-transformer.js';
export type {
  CreateOptions,
  EncodeOptions,
  EncodeProgress,
  EncodeStreamOptions,
  EncodeSyncOptions,
  LoadOptions,
  ModelInfo,
  ModelOptions,
  Prompts,
  SearchOptions,
  SimilarityOptions,
  StreamPrecision,
} from './sentence-transformer.js';
export type { PreparedEncoder, TextInput } from './prepared-encoder.js';
export { Embeddings } from './embeddings.js';
export type { EmbeddingArray, Precision } from './embeddings.js';
export { Matrix } from './matrix.js';
export type { MatrixLike, NumberArray } from './matrix.js';
export type { TextSource } from './encode-stream.js';
export type { Utf8Column } from './texts.js';
export type { TableDtype } from './native/index.js';
export { quantizationRanges, quantizeEmbeddings, quantizeEmbeddingsAsync } from './quantization.js';
export type { QuantizeAsyncOptions, QuantizedPrecision, QuantizeOptions } from './quantization.js';
export type { RescoreOptions } from './search/rescored-top-k.js';
export type { TopK } from './search/top-k.js';
export type { AnyEmbeddingsInput, EmbeddingsInput } from './vectors.js';
export type { ExcludeTokens, Pooling, PoolingOptions } from './pooling.js';
export type { SimilarityFunction } from './similarity-functions.js';

export { BM25Index } from './search/bm25-index.js';
export type {
  Bm25AddOptions,
  Bm25CallOptions,
  Bm25Hit,
  Bm25LoadOptions,
  Bm25Method,
  Bm25Options,
} from './search/bm25-index.js';
export type { Analyzer, Tokenizes, WordOptions } from './search/bm25-words.js';
export type { Stemmer } from './search/stemming.js';
export { semanticSearch, semanticSearchAsync } from './search/semantic-search.js';
export type { SearchHit, SemanticSearchAsyncOptions, SemanticSearchOptions } from './search/semantic-search.js';
export { paraphraseMining } from './search/paraphrase-mining.js';
export type { EmbeddingPairOptions, ParaphraseMiningOptions, ScoredPair } from './search/paraphrase-mining.js';
export { mineHardNegatives } from './search/mine-hard-negatives.js';
export type { EncodesQueries } from './search/mine-hard-negatives.js';
export type {
  MineHardNegativesOptions,
  MiningOutputFormat,
  MiningReport,
  PairScorer,
} from './search/mining-options.js';
export type { MinedRow } from './search/mined-rows.js';
export { communityDetection, communityDetectionAsync } from './search/community-detection.js';
export type { CommunityDetectionAsyncOptions, CommunityDetectionOptions } from './search/community-detection.js';
export { deduplicate } from './search/deduplicate.js';
export type {
  DeduplicateEmbeddingsOptions,
  DeduplicateOptions,
  Deduplication,
  Duplicate,
} from './search/deduplicate.js';
export { HybridIndex } from './search/hybrid-index.js';
export type { LoadProgress } from './formats/model-reader.js';
export type { HybridCallOptions, HybridIndexOptions, HybridLoadOptions } from './search/hybrid-index.js';
export type { Normalization } from './search/hybrid-index-files.js';
export type { RetrievedDocument, Retriever } from './search/retriever.js';
export type { SearchProgress } from './search/top-k.js';
export type { EncodesTexts, TextEncodingOptions } from './search/encodes.js';

export { AnglELoss } from './training/losses/angle-loss.js';
export type { AnglELossOptions } from './training/losses/angle-loss.js';
export { BatchAllTripletLoss } from './training/losses/batch-all-triplet-loss.js';
export { BatchHardSoftMarginTripletLoss } from './training/losses/batch-hard-soft-margin-triplet-loss.js';
export { BatchHardTripletLoss } from './training/losses/batch-hard-triplet-loss.js';
export { BatchSemiHardTripletLoss } from './training/losses/batch-semi-hard-triplet-loss.js';
export type { BatchDistanceMetric, BatchTripletLossOptions } from './training/losses/batch-triplet-loss.js';
export { CachedGISTEmbedLoss } from './training/losses/cached-gist-embed-loss.js';
export { CachedMultipleNegativesRankingLoss } from './training/losses/cached-multiple-negatives-ranking-loss.js';
export { CachedMultipleNegativesSymmetricRankingLoss } from './training/losses/cached-multiple-negatives-symmetric-ranking-loss.js';
export { CoSENTLoss } from './training/losses/cosent-loss.js';
export type { CoSENTLossOptions } from './training/losses/cosent-loss.js';
export { ContrastiveLoss } from './training/losses/contrastive-loss.js';
export type { ContrastiveLossOptions } from './training/losses/contrastive-loss.js';
export { CosineSimilarityLoss } from './training/losses/cosine-similarity-loss.js';
export { DistillKLDivLoss } from './training/losses/distill-kl-div-loss.js';
export type { DistillKLDivLossOptions } from './training/losses/distill-kl-div-loss.js';
export { EmbedDistillLoss } from './training/losses/embed-distill-loss.js';
export type { EmbedDistillLossOptions } from './training/losses/embed-distill-loss.js';
export { GISTEmbedLoss } from './training/losses/gist-embed-loss.js';
export type { GISTEmbedLossOptions } from './training/losses/gist-embed-loss.js';
export { GlobalOrthogonalRegularizationLoss } from './training/losses/global-orthogonal-regularization-loss.js';
export type { GlobalOrthogonalRegularizationLossOptions } from './training/losses/global-orthogonal-regularization-loss.js';
export { MSELoss } from './training/losses/mse-loss.js';
export type { MSELossOptions } from './training/losses/mse-loss.js';
export { MarginMSELoss } from './training/losses/margin-mse-loss.js';
export type { MarginMSELossOptions } from './training/losses/margin-mse-loss.js';
export { MatryoshkaLoss } from './training/losses/matryoshka-loss.js';
export type { MatryoshkaLossOptions } from './training/losses/matryoshka-loss.js';
export { MegaBatchMarginLoss } from './training/losses/mega-batch-margin-loss.js';
export type { MegaBatchMarginLossOptions } from './training/losses/mega-batch-margin-loss.js';
export { MultipleNegativesRankingLoss } from './training/losses/multiple-negatives-ranking-loss.js';
export type {
  HardnessMode,
  MultipleNegativesRankingLossOptions,
  RankingDirection,
} from './training/losses/multiple-negatives-ranking-loss.js';
export { MultipleNegativesSymmetricRankingLoss } from './training/losses/multiple-negatives-symmetric-ranking-loss.js';
export type { MultipleNegativesSymmetricRankingLossOptions } from './training/losses/multiple-negatives-symmetric-ranking-loss.js';
export { OnlineContrastiveLoss } from './training/losses/online-contrastive-loss.js';
export type { OnlineContrastiveLossOptions } from './training/losses/online-contrastive-loss.js';
export { SumLoss } from './training/losses/sum-loss.js';
export type { WeightedLoss } from './training/losses/sum-loss.js';
export { TripletLoss } from './training/losses/triplet-loss.js';
export type { TripletLossOptions } from './training/losses/triplet-loss.js';
export type { DistanceMetric } from './training/losses/loss-options.js';
export type { Guide } from './training/guides.js';
export type { LabelNeeds, LabelShape } from './training/label-needs.js';
export type { Loss } from './training/losses/loss.js';
export { readDatasetFile } from './training/files/dataset-file.js';
export type { DatasetFileOptions } from './training/files/dataset-file.js';
export type { Dataset, DatasetColumns, DatasetRow } from './training/dataset.js';
export type { Label, LabelVector } from './training/labels.js';
export type { Datasets, Losses } from './training/named-datasets.js';
export type { IdfRows, IdfTexts, InitialRows, InitialRowsProgress } from './training/initial-rows-options.js';
export type {
  BatchSampler,
  FitOptions,
  FitProgress,
  MultiDatasetBatchSampler,
  Optimizer,
  TrainingPrecision,
} from './training/fit-options.js';
export type { FitCallback, FitControl, FitState } from './training/callbacks.js';
export type {
  FitBest,
  FitDataset,
  FitEvaluation,
  FitLogRecord,
  FitResult,
  FitOverhead,
  FitStages,
  FitStep,
} from './training/fit-result.js';
export type { SaveStrategy, Strategy } from './training/strategy.js';
export type { ColumnNeeds, ColumnRole } from './training/columns.js';
export type { Scheduler, SchedulerOptions } from './training/schedulers.js';

export { InformationRetrievalEvaluator } from './evaluation/information-retrieval-evaluator.js';
export type {
  InformationRetrievalOptions,
  RelevantDocs,
  RetrievalCutoffs,
} from './evaluation/information-retrieval-evaluator.js';
export type { TextsById } from './evaluation/checks.js';
export { NanoBEIREvaluator } from './evaluation/nano-beir-evaluator.js';
export type { NanoBEIROptions, NanoBEIRPrompts } from './evaluation/nano-beir-evaluator.js';
export type { NanoBEIRDatasetName } from './evaluation/nano-beir-dataset.js';
export { RerankingEvaluator } from './evaluation/reranking-evaluator.js';
export type { RerankingOptions, RerankingSample } from './evaluation/reranking-evaluator.js';
export { EmbeddingSimilarityEvaluator } from './evaluation/embedding-similarity-evaluator.js';
export type { EmbeddingSimilarityOptions } from './evaluation/embedding-similarity-evaluator.js';
export { TripletEvaluator } from './evaluation/triplet-evaluator.js';
export type { TripletOptions } from './evaluation/triplet-evaluator.js';
export { BinaryClassificationEvaluator } from './evaluation/binary-classification-evaluator.js';
export type { BinaryClassificationOptions } from './evaluation/binary-classification-evaluator.js';
export { TranslationEvaluator } from './evaluation/translation-evaluator.js';
export type { TranslationOptions } from './evaluation/translation-evaluator.js';
export { MSEEvaluator } from './evaluation/mse-evaluator.js';
export type { MSEOptions } from './evaluation/mse-evaluator.js';
export { ParaphraseMiningEvaluator } from './evaluation/paraphrase-mining-evaluator.js';
export type { ParaphraseMiningEvaluatorOptions } from './evaluation/paraphrase-mining-evaluator.js';
export { SequentialEvaluator } from './evaluation/sequential-evaluator.js';
export type { SequentialOptions } from './evaluation/sequential-evaluator.js';
export type { BaseEvaluatorOptions } from './evaluation/base-evaluator.js';
export type { Encodes, EvaluateOptions, EvaluationProgress, Evaluator, Metrics } from './evaluation/evaluator.js';

export {
  InvalidArgumentError,
  IoError,
  MissingDependencyError,
  ModelFormatError,
  NativeLoadError,
  OutOfMemoryError,
  StillvecError,
  TrainingError,
  UnsupportedError,
} from './errors.js';
export type { ErrorCode } from './errors.js';

declare global {
  /**
   * Lets the declarations compile where neither the types of Node.js nor those of the DOM are installed; elsewhere it is
   * part of theirs.
   */
  interface AbortSignal {
    readonly aborted: boolean;
  }
}
