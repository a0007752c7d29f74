import type { ColumnRole } from './columns.js';

/** One optimizer step. */
export interface FitStep {
  /** From 0. */
  readonly step: number;
  readonly learningRate: number;
  readonly loss: number;
  /** Global L2 norm of the gradient, before clipping. */
  readonly gradNorm: number;
  /** The dataset of its batch, where there are several. */
  readonly dataset?: string;
}

/** What a run took of its dataset. */
export interface FitDataset {
  readonly rows: number;
  /** Rows that no batch of an epoch held: the most of any epoch that came to its end. */
  readonly unusedRows: number;
  /** The columns of texts, and what each is to the loss. */
  readonly columns: readonly ColumnRole[];
  /** The column of the label, where the loss takes one. */
  readonly label?: string;
}

export interface FitEvaluation {
  /** Steps taken before it. */
  readonly step: number;
  /** Epochs done before it, with the share of the one under way. */
  readonly epoch: number;
  /** The evaluator's, by its names, and `eval_loss` or `eval_NAME_loss` of each dataset of `evalDataset`. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * A line of the log, with the Trainer's names: `loss` (the mean of the steps since the last such line), `grad_norm` and
 * `learning_rate` of the last of them, or the metrics of an evaluation, all with `eval_` before their names.
 */
export interface FitLogRecord {
  /** Steps taken. */
  readonly step: number;
  /** Epochs done, with the share of the one under way. */
  readonly epoch: number;
  readonly [name: string]: number;
}

/** The best evaluation of a run. */
export interface FitBest {
  /** As it is called in the metrics. */
  readonly metric: string;
  readonly value: number;
  /** Steps taken before it. */
  readonly step: number;
}

/** What the steps of a run spent their time on, in seconds. */
export interface FitStages {
  /** Drawing batches. */
  readonly sampling: number;
  /** Finding the rows of the table that a batch touches. */
  readonly index: number;
  /** Moving the touched rows by the steps that they slept through (`adamw`). */
  readonly catchUp: number;
  readonly pooling: number;
  /** Products, softmax and their gradients. */
  readonly loss: number;
  /** Gradients of the rows, clipping and the optimizer. */
  readonly update: number;
}

/** What a run spends before its first step and after its last, in seconds. */
export interface FitOverhead {
  /** Reading and tokenizing the datasets, or finding their tokens in the cache. */
  readonly tokenizing: number;
  /** Making the tables, finding texts that are the same, counting the steps, reading a checkpoint. */
  readonly setup: number;
  /** Bringing all rows up to the last step and handing the table to the model. */
  readonly finishing: number;
}

export interface FitResult {
  readonly history: readonly FitStep[];
  readonly evaluations: readonly FitEvaluation[];
  /** What the log file in `outputDir` has. */
  readonly log: readonly FitLogRecord[];
  /** Undefined where models were not compared, or none was better than none. */
  readonly best: FitBest | undefined;
  /** Epochs done, with the share of the last one. */
  readonly epoch: number;
  /** Rows trained on, epochs counted. */
  readonly rows: number;
  /** Reading, tokenizing, training and evaluating. */
  readonly seconds: number;
  /** Of these, evaluating. */
  readonly evaluationSeconds: number;
  readonly stages: FitStages;
  readonly overhead: FitOverhead;
  /** The dataset; of several the first one. */
  readonly dataset: FitDataset;
  /** All of them, by name; one alone is called `trainDataset`. */
  readonly datasets: Readonly<Record<string, FitDataset>>;
}
