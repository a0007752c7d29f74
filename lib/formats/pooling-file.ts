import { ModelFormatError } from '../errors.js';
import { poolings, type PoolingSettings } from '../pooling.js';
import { describe } from '../validate.js';
import { tokenIds } from './excluded-tokens.js';
import { JsonFields, parseJson } from './json-fields.js';
import type { TokenizerDescription } from './tokenizer/tokenizer-json.js';

/** The text of pooling.json. */
export function poolingJson({ pooling, excludeTokens }: PoolingSettings): string {
  return `${JSON.stringify({ pooling, excluded_tokens: excludeTokens }, undefined, 2)}\n`;
}

/**
 * Reads pooling.json.
 *
 * @param text - Its text, undefined where there is no such file.
 * @throws ModelFormatError naming file, field and value.
 */
export function parsePooling(file: string, text: string | undefined, tokenizer: TokenizerDescription): PoolingSettings {
  if (text === undefined) throw new ModelFormatError(`${file}: no such file`, { code: 'ERR_MODEL_NOT_FOUND' });
  const fields = new JsonFields(file, '', parseJson(file, text));
  const pooling = poolings.find((name) => name === fields.string('pooling'));
  if (pooling === undefined) throw fields.invalid('pooling', `one of ${poolings.join(', ')}`);
  const ids = tokenIds(tokenizer);
  const excludeTokens = fields.array('excluded_tokens').map((token, i) => {
    if (typeof token === 'string' && ids.has(token)) return token;
    throw new ModelFormatError(
      `${file}: expected a token of tokenizer.json for excluded_tokens[${i}] but received ${describe(token)}`,
    );
  });
  return { pooling, excludeTokens };
}
