/** What a card tells of the run that trained a model. */
export interface TrainingCardData {
  /** The id on the hub of the model that the run began with; null for random vectors, or a folder. */
  readonly baseModel: string | null;
  readonly trainDatasets: readonly CardDataset[];
  readonly evalDatasets: readonly CardDataset[];
  /** By the name of the option; their values are what JSON can say. */
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** The names of those that differ from their defaults. */
  readonly changedHyperparameters: readonly string[];
  readonly evaluator: CardEvaluator | null;
  /** In the order of their steps. */
  readonly evaluations: readonly CardEvaluation[];
  readonly log: readonly CardLogRow[];
  /** The step whose table the model has, where it is not that of the last one. */
  readonly bestStep: number | null;
  /** Reading and training. */
  readonly trainingSeconds: number;
  readonly evaluationSeconds: number;
  readonly citations: readonly CardCitation[];
  /** By the name of what it is the version of. */
  readonly versions: Readonly<Record<string, string>>;
}

/** A dataset, or what a run has read of one. */
export interface CardDataset {
  /** Empty for one without. */
  readonly name: string;
  readonly rows: number;
  readonly columns: readonly CardColumn[];
  /** Of which of its first rows `details` tell. */
  readonly describedRows: number;
  readonly loss: CardLoss;
}

export interface CardColumn {
  readonly name: string;
  readonly type: 'string' | 'int' | 'float' | 'list';
  /** Statistics by name, as texts. */
  readonly details: Readonly<Record<string, string>>;
  /** What its first rows hold. */
  readonly samples: readonly string[];
}

export interface CardLoss {
  /** With what is in it: `MatryoshkaLoss(CoSENTLoss)`. */
  readonly name: string;
  readonly settings: unknown;
}

export interface CardEvaluator {
  /** Its class. */
  readonly kind: string;
  /** What it measures on; empty where it says nothing. */
  readonly name: string;
  readonly primaryMetric: string;
}

export interface CardEvaluation {
  readonly epoch: number;
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What is known of a step, by the heading of a column. */
export interface CardLogRow {
  readonly epoch: number;
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
}

/** A paper, and the losses that are due to it. */
export interface CardCitation {
  readonly losses: readonly string[];
  readonly bibtex: string;
}
