import { InvalidArgumentError } from '../errors.js';
import { finiteNumber, invalidArgument, stringArray } from '../validate.js';
import type { Numbers } from './metrics.js';

/** Columns of texts of one length: text i of each belongs together. Their names are those of the options. */
export function alignedTexts(columns: Readonly<Record<string, unknown>>): void {
  for (const [option, texts] of Object.entries(columns)) stringArray(option, texts);
  equallyMany(columns as Readonly<Record<string, readonly string[]>>);
}

/** @throws InvalidArgumentError for columns of different lengths, or of none. */
export function equallyMany(columns: Readonly<Record<string, { readonly length: number }>>): void {
  const names = listed(Object.keys(columns));
  const counts = Object.values(columns).map(({ length }) => length);
  if (new Set(counts).size > 1) {
    throw new InvalidArgumentError(`expected equally many ${names} but received ${listed(counts)}`);
  }
  if (counts[0] === 0) throw new InvalidArgumentError(`expected at least one of ${names} each but received none`);
}

function listed(words: readonly (string | number)[]): string {
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** An array of finite numbers, typed or not. */
export function numbers(option: string, values: unknown): Numbers {
  if (!Array.isArray(values) && !(ArrayBuffer.isView(values) && 'length' in values)) {
    throw invalidArgument(option, 'an array of numbers', values);
  }
  const elements = values as ArrayLike<unknown>;
  for (let i = 0; i < elements.length; ++i) finiteNumber(`${option}[${i}]`, elements[i]);
  return values as Numbers;
}
