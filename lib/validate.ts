import { InvalidArgumentError } from './errors.js';

/** How a received value is shown in an error: short, and unmistakable about its type. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return `a function ${value.name}`.trimEnd();
  if (Array.isArray(value)) return `an array of length ${value.length}`;
  if (isTypedArray(value)) return `${article(value.constructor.name)} of length ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    if ('then' in value && typeof value.then === 'function') return 'a promise, which has to be awaited first';
    const constructor: unknown = value.constructor;
    // Of generators this is no function; they name themselves by a tag.
    const name =
      typeof constructor === 'function' ? constructor.name : Object.prototype.toString.call(value).slice(8, -1);
    return name === 'Object' ? 'an object' : `an instance of ${name}`;
  }
  return String(value);
}

function article(name: string): string {
  return `${/^[AEI]/.test(name) ? 'an' : 'a'} ${name}`;
}

function isTypedArray(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/** The one wording of every argument error: `expected <what> for <option> but received <value>`. */
export function invalidArgument(option: string, expected: string, received: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`expected ${expected} for ${option} but received ${describe(received)}`);
}

/** As `invalidArgument`, for a value of the right type outside the allowed range (`ERR_OUT_OF_RANGE`). */
export function outOfRange(option: string, expected: string, received: unknown): InvalidArgumentError {
  return new InvalidArgumentError(`expected ${expected} for ${option} but received ${describe(received)}`, {
    code: 'ERR_OUT_OF_RANGE',
  });
}

/** The bounds of a number, both inclusive unless named exclusive. */
export interface NumberRange {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

function rangeText(kind: string, { min, max, above, below }: NumberRange): string {
  const bounds: string[] = [];
  if (min !== undefined) bounds.push(`at least ${min}`);
  if (above !== undefined) bounds.push(`above ${above}`);
  if (max !== undefined) bounds.push(`at most ${max}`);
  if (below !== undefined) bounds.push(`below ${below}`);
  return bounds.length === 0 ? kind : `${kind} ${bounds.join(' and ')}`;
}

function within(value: number, { min, max, above, below }: NumberRange): boolean {
  return (
    (min === undefined || value >= min) &&
    (max === undefined || value <= max) &&
    (above === undefined || value > above) &&
    (below === undefined || value < below)
  );
}

/** A finite number in `range`; NaN and the infinities are refused. */
export function finiteNumber(option: string, value: unknown, range: NumberRange = {}): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalidArgument(option, rangeText('a finite number', range), value);
  }
  if (!within(value, range)) throw outOfRange(option, rangeText('a finite number', range), value);
  return value;
}

/** A safe integer in `range`. */
export function integer(option: string, value: unknown, range: NumberRange = {}): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw invalidArgument(option, rangeText('an integer', range), value);
  }
  if (!within(value, range)) throw outOfRange(option, rangeText('an integer', range), value);
  return value;
}

/** An integer of at least 1, and of at most `max` if given. */
export function positiveInteger(option: string, value: unknown, max?: number): number {
  return integer(option, value, max === undefined ? { min: 1 } : { min: 1, max });
}

export function boolean(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidArgument(option, 'a boolean', value);
  return value;
}

export function string(option: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidArgument(option, 'a string', value);
  return value;
}

export function nonEmptyString(option: string, value: unknown): string {
  if (typeof value !== 'string' || value === '') throw invalidArgument(option, 'a non-empty string', value);
  return value;
}

/** One of a few strings. */
export function oneOf<const Choice extends string>(option: string, value: unknown, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) {
    throw invalidArgument(option, `one of ${choices.map((candidate) => `'${candidate}'`).join(', ')}`, value);
  }
  return choice;
}

/** An array of strings; the first element that is none is named by its index. */
export function stringArray(option: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw invalidArgument(option, 'an array of strings', value);
  const elements: readonly unknown[] = value;
  for (let i = 0; i < elements.length; ++i) {
    // A loop over all indices also finds the holes of a sparse array.
    if (typeof elements[i] !== 'string') throw invalidArgument(`${option}[${i}]`, 'a string', elements[i]);
  }
  return value as readonly string[];
}

/** A non-empty array of integers of at least 1. */
export function positiveIntegers(option: string, value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidArgument(option, 'a non-empty array of integers', value);
  }
  return value.map((element, i) => positiveInteger(`${option}[${i}]`, element));
}

/** An object that is neither null nor an array. */
export function object(option: string, value: unknown, expected = 'an object'): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(option, expected, value);
  }
  return value as Readonly<Record<string, unknown>>;
}

export function callback<F extends (...args: never[]) => unknown>(option: string, value: F | undefined): F | undefined {
  if (value !== undefined && typeof value !== 'function') throw invalidArgument(option, 'a function', value);
  return value;
}

export function abortSignal(option: string, value: unknown): AbortSignal | undefined {
  if (value !== undefined && !(value instanceof AbortSignal)) throw invalidArgument(option, 'an AbortSignal', value);
  return value;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost 1 each. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; ++i) {
    const row = [i];
    for (let j = 1; j <= b.length; ++j) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** A name however it is spelled: `batchSize`, `batch_size`, `batch-size`. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, '');
}

/** The known name that `name` most likely meant (case, `_` and `-` ignored), or undefined if none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = plainName(name);
  let nearest: string | undefined;
  let smallest = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, plainName(candidate));
    if (distance < smallest) [smallest, nearest] = [distance, candidate];
  }
  return nearest;
}

/** What to say to those who pass an option that does not exist, by its name in any spelling. */
export type OptionAdvice = Readonly<Record<string, string>>;

/**
 * Refuses option names that `where` does not have, since a misspelt option would otherwise be ignored in silence.
 * `undefined` options stand for none.
 *
 * @param advice - Of names that nothing is near to, but that people bring along from elsewhere.
 */
export function knownOptions(
  where: string,
  options: unknown,
  known: readonly string[],
  advice: OptionAdvice = {},
): void {
  if (options === undefined) return;
  for (const name of Object.keys(object(`the options of ${where}`, options))) {
    if (known.includes(name)) continue;
    throw new InvalidArgumentError(`unknown option ${name} for ${where}: ${adviceFor(name, known, advice)}`);
  }
}

function adviceFor(name: string, known: readonly string[], advice: OptionAdvice): string {
  const advised = Object.entries(advice).find(([candidate]) => plainName(candidate) === plainName(name));
  if (advised !== undefined) return advised[1];
  if (known.length === 0) return 'it has none';
  const nearest = nearestName(name, known);
  return nearest === undefined ? `its options are ${known.join(', ')}` : `did you mean ${nearest}?`;
}
