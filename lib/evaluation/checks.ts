import { InvalidArgumentError } from '../errors.js';
import { finiteNumber, invalidArgument, object, string, stringArray } from '../validate.js';
import type { Numbers } from './ranked-scores.js';

/** Texts by id. */
export type TextsById = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

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

/** The entries of a Map or of a plain object. */
export function entries<T>(option: string, values: unknown): [string, T][] {
  return values instanceof Map
    ? [...(values as Map<string, T>)]
    : Object.entries(object(option, values) as Readonly<Record<string, T>>);
}

/** @throws InvalidArgumentError for what is no text by id, or none. */
export function textEntries(option: string, texts: unknown): [string, string][] {
  const result = entries<unknown>(option, texts);
  if (result.length === 0) throw new InvalidArgumentError(`expected at least one text in ${option} but it is empty`);
  return result.map(([id, text]) => [id, string(`${option}[${JSON.stringify(id)}]`, text)]);
}
