import type { ExcludeTokens } from '../pooling.js';
import { invalidArgument } from '../validate.js';
import type { TokenizerDescription } from './tokenizer/tokenizer-json.js';

/** Ids by token, as tokenizer.json writes it. Of equal tokens the last one counts, as for the reference. */
export function tokenIds({ vocabulary, addedTokens }: TokenizerDescription): ReadonlyMap<string, number> {
  const ids = new Map<string, number>();
  for (const [id, token] of vocabulary.entries()) {
    if (token !== '') ids.set(token, id);
  }
  for (const { content, id } of addedTokens) ids.set(content, id);
  return ids;
}

/** What BERT takes for punctuation: Unicode's, and the signs of ASCII. */
const punctuation = /^[\p{P}$+<=>^`|~]+$/u;

/** What a token begins with that goes on or follows a space: of WordPiece, of Metaspace, of byte-level BPE. */
const mark = /^(?:##|▁|Ġ)(?=.)/u;

/**
 * The tokens that an option names, each once.
 *
 * @throws InvalidArgumentError naming the one that the tokenizer lacks.
 */
export function excludedTokens(description: TokenizerDescription, option: ExcludeTokens): readonly string[] {
  const ids = tokenIds(description);
  if (option === 'punctuation') return [...ids.keys()].filter((token) => punctuation.test(token.replace(mark, '')));
  const tokens = new Map([...ids].map(([token, id]) => [id, token]));
  const named = option.map((given, i) => {
    const token = typeof given === 'number' ? tokens.get(given) : given;
    if (token !== undefined && ids.has(token)) return token;
    const expected = 'a token as tokenizer.json writes it, or an id that tokenize gives,';
    throw invalidArgument(`excludeTokens[${i}]`, expected, given);
  });
  return [...new Set(named)];
}
