import type { TokenizerDescription } from './tokenizer-json.js';

/** Which tokens of a text a model pools, where these are not all that its tokenizer gives. */
export interface TokenSelection {
  /** An id that is left out; null for none. */
  readonly droppedId: number | null;
  /** What is read of a text, in code points. */
  readonly maxCodePoints: number;
  /** How many of the tokens that are left count: the first ones. */
  readonly maxTokens: number;
}

/** `max_length` of Model2Vec's `encode` unless the caller gives another. */
const model2vecMaxTokens = 512;

/**
 * As Model2Vec encodes: a text is cut where so many tokens of median length end, tokens that the vocabulary lacks do not
 * count, and of the others the first 512 do.
 */
export function model2vecSelection(tokenizer: TokenizerDescription): TokenSelection {
  const { unkToken } = tokenizer;
  const unkId = unkToken === null ? -1 : tokenizer.vocabulary.indexOf(unkToken);
  return {
    droppedId: unkId === -1 ? null : unkId,
    maxCodePoints: model2vecMaxTokens * medianTokenLength(tokenizer),
    maxTokens: model2vecMaxTokens,
  };
}

function codePoints(token: string): number {
  return /[\ud800-\udfff]/.test(token) ? Array.from(token).length : token.length;
}

/** The median, rounded down, over the tokens of the vocabulary and the added ones. */
function medianTokenLength({ vocabulary, addedTokens }: TokenizerDescription): number {
  const known = new Set(addedTokens.map(({ content }) => content));
  const tokens = [...vocabulary.filter((token) => token !== '' && !known.has(token)), ...known];
  const lengths = Uint32Array.from(tokens, codePoints).sort();
  const middle = lengths.length >> 1;
  const [below = 0, above = 0] = [lengths[lengths.length % 2 === 0 ? middle - 1 : middle], lengths[middle]];
  return Math.floor((below + above) / 2);
}
