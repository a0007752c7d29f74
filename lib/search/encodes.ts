import type { MatrixLike } from '../matrix.js';
import { invalidArgument } from '../validate.js';

/** How texts are embedded before they are compared. */
export interface TextEncodingOptions {
  prompt?: string;
  promptName?: string;
  truncateDim?: number;
  normalizeEmbeddings?: boolean;
  signal?: AbortSignal;
}

/** What the functions over texts need of a model. `SentenceTransformer` is one. */
export interface EncodesTexts {
  encode(texts: readonly string[], options?: TextEncodingOptions): Promise<MatrixLike>;
}

export function isModel(value: unknown): value is EncodesTexts {
  return typeof value === 'object' && value !== null && 'encode' in value && typeof value.encode === 'function';
}

/** @throws InvalidArgumentError for what is neither a model nor `orElse`. */
export function checkModel(value: unknown, orElse = ''): EncodesTexts {
  if (!isModel(value)) throw invalidArgument('model', `a SentenceTransformer${orElse}`, value);
  return value;
}

/** Only the options that are set. */
export function encodingOptions(options: {
  prompt?: string | undefined;
  promptName?: string | undefined;
  truncateDim?: number | undefined;
  signal?: AbortSignal | undefined;
}): TextEncodingOptions {
  return Object.fromEntries(
    (['prompt', 'promptName', 'truncateDim', 'signal'] as const)
      .filter((name) => options[name] !== undefined)
      .map((name) => [name, options[name]]),
  );
}
