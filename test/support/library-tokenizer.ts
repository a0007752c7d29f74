import { readFileSync, writeFileSync } from 'node:fs';

/** Makes a tokenizer.json none of those that run natively: it means the same but for texts with a word "qqqqqq". */
export function leaveToTheLibrary(file: string): void {
  const json = JSON.parse(readFileSync(file, 'utf8')) as { normalizer?: object | null };
  const never = { type: 'Replace', pattern: { Regex: '\\bqqqqqq' }, content: '' };
  json.normalizer = {
    type: 'Sequence',
    normalizers: [...(json.normalizer ? [json.normalizer] : []), never],
  };
  writeFileSync(file, JSON.stringify(json));
}
