import { plainPooling, type PoolingSettings } from '../pooling.js';
import type { SimilarityFunction } from '../similarity-functions.js';
import type { TokenRules } from './tokenizer/load-tokenizer.js';

/** What a model is beside its table and its tokenizer. */
export interface ModelSettings extends PoolingSettings {
  /** Whether a Normalize module follows: embeddings have length 1. */
  readonly normalize: boolean;
  readonly prompts: Readonly<Record<string, string>>;
  readonly defaultPromptName: string | null;
  readonly similarityFnName: SimilarityFunction;
  readonly truncateDim: number | null;
  readonly tokenRules: TokenRules;
}

/** Of a model that is told nothing else. */
export const newModelSettings: ModelSettings = {
  ...plainPooling,
  normalize: false,
  prompts: { query: '', document: '' },
  defaultPromptName: null,
  similarityFnName: 'cosine',
  truncateDim: null,
  tokenRules: 'sentence-transformers',
};
