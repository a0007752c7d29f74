import { invalidArgument, oneOf } from './validate.js';

export const poolings = ['mean', 'sqrt'] as const;

/**
 * What the row of a token weighs that a text has n times: `mean` n, so that every token counts alike; `sqrt` the square
 * root of n. An embedding is the sum of weight times row, divided by the sum of the weights.
 */
export type Pooling = (typeof poolings)[number];

/** Tokens as tokenizer.json writes them, or their ids; `punctuation` stands for every token that is nothing else. */
export type ExcludeTokens = 'punctuation' | readonly (string | number)[];

export interface PoolingOptions {
  /** How the rows of a text's tokens are weighed. Default: the folder's, else `mean`. */
  readonly pooling?: Pooling;
  /**
   * Tokens that weigh nothing, as if no text had them: as tokenizer.json writes them, or by id. `'punctuation'` stands
   * for every token that is nothing but punctuation. Default: the folder's, else none.
   */
  readonly excludeTokens?: ExcludeTokens;
}

/** How a model pools. */
export interface PoolingSettings {
  readonly pooling: Pooling;
  /** As tokenizer.json writes them. */
  readonly excludeTokens: readonly string[];
}

export const poolingOptionNames = ['pooling', 'excludeTokens'];

export const plainPooling: PoolingSettings = { pooling: 'mean', excludeTokens: [] };

/** Whether it is anything but the mean of all tokens, which is all that others compute. */
export function isWeighted({ pooling, excludeTokens }: PoolingSettings): boolean {
  return pooling !== 'mean' || excludeTokens.length > 0;
}

/** The options, checked as far as they can be without a tokenizer. */
export function poolingOptions({ pooling, excludeTokens }: PoolingOptions): PoolingOptions {
  return {
    ...(pooling === undefined ? {} : { pooling: oneOf('pooling', pooling, poolings) }),
    ...(excludeTokens === undefined ? {} : { excludeTokens: checkExcludeTokens(excludeTokens) }),
  };
}

function checkExcludeTokens(value: unknown): ExcludeTokens {
  if (value === 'punctuation') return value;
  if (!Array.isArray(value))
    throw invalidArgument('excludeTokens', "'punctuation' or an array of tokens and ids", value);
  // A loop over all indices also finds the holes of a sparse array.
  for (const [i, token] of (value as unknown[]).entries()) {
    const isToken = (typeof token === 'string' && token !== '') || (Number.isSafeInteger(token) && Number(token) >= 0);
    if (!isToken) throw invalidArgument(`excludeTokens[${i}]`, 'a non-empty string or an integer at least 0', token);
  }
  return Array.from(value as (string | number)[]);
}
