import { messageOf, ModelFormatError } from '../errors.js';
import { describe } from '../validate.js';
import { refuseLfsPointer } from './lfs-pointer.js';

/** What editors and shells of Windows put before UTF-8. */
export const byteOrderMark = '\ufeff';

/** A JSON object from a file, read field by field; whatever is not as expected is reported with file and field. */
export class JsonFields {
  private readonly values: Readonly<Record<string, unknown>>;

  /**
   * @param file - Path of the file, for errors.
   * @param path - Where in the file the object stands (`model.vocab`), empty for the whole.
   * @throws ModelFormatError when `value` is not an object.
   */
  constructor(
    readonly file: string,
    readonly path: string,
    value: unknown,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const what = path === '' ? 'a JSON object' : `an object for ${path}`;
      throw new ModelFormatError(`${file}: expected ${what} but received ${describe(value)}`);
    }
    this.values = value as Readonly<Record<string, unknown>>;
  }

  /** The error for a field whose value is not `expected`. */
  invalid(name: string, expected: string): ModelFormatError {
    const received = Object.hasOwn(this.values, name) ? describe(this.values[name]) : 'nothing';
    return new ModelFormatError(`${this.file}: expected ${expected} for ${this.at(name)} but received ${received}`);
  }

  /** Whether the field is there and not null. */
  has(name: string): boolean {
    return Object.hasOwn(this.values, name) && this.values[name] !== null;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.values, name) ? this.values[name] : undefined;
  }

  entries(): [string, unknown][] {
    return Object.entries(this.values);
  }

  string(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string') throw this.invalid(name, 'a string');
    return value;
  }

  optionalString(name: string): string | undefined {
    return this.has(name) ? this.string(name) : undefined;
  }

  boolean(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== 'boolean') throw this.invalid(name, 'a boolean');
    return value;
  }

  optionalBoolean(name: string): boolean | undefined {
    return this.has(name) ? this.boolean(name) : undefined;
  }

  /** An integer from 0, or from `min`. */
  integer(name: string, min = 0): number {
    const value = this.get(name);
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
      throw this.invalid(name, `an integer at least ${min}`);
    }
    return value;
  }

  object(name: string): JsonFields {
    return new JsonFields(this.file, this.at(name), this.record(name));
  }

  /** A field that is an object, as it was parsed: for one with more values than can be asked for one by one. */
  record(name: string): Readonly<Record<string, unknown>> {
    const value = this.get(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.invalid(name, 'an object');
    return value as Readonly<Record<string, unknown>>;
  }

  optionalObject(name: string): JsonFields | undefined {
    return this.has(name) ? this.object(name) : undefined;
  }

  array(name: string): readonly unknown[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw this.invalid(name, 'an array');
    return value;
  }

  /** The elements of an array of objects. */
  objects(name: string): readonly JsonFields[] {
    return this.array(name).map((element, i) => new JsonFields(this.file, `${this.at(name)}[${i}]`, element));
  }

  private at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}

/** Parses the text of a JSON file, after a byte order mark if it has one; `file` names it in the error. */
export function parseJson(file: string, text: string): unknown {
  refuseLfsPointer(file, text);
  try {
    return JSON.parse(text.startsWith(byteOrderMark) ? text.slice(1) : text);
  } catch (error) {
    throw new ModelFormatError(`${file}: expected JSON but received ${describe(text)} (${messageOf(error)})`, {
      cause: error,
    });
  }
}

/**
 * The first key that an object in `json` has twice, or undefined. `JSON.parse` silently keeps the last one, so that
 * two readers may see two different files.
 *
 * @param json - Text that `JSON.parse` accepts.
 */
export function duplicateKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  // A string literal, with the colon after it if it is a key, or a bracket; everything else is skipped.
  for (const [, literal, colon, bracket] of json.matchAll(/("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|([{}])/gs)) {
    if (bracket === '{') {
      open.push(new Set());
    } else if (bracket === '}') {
      open.pop();
    } else if (literal !== undefined && colon !== undefined) {
      const key = String(JSON.parse(literal));
      const keys = open.at(-1);
      if (keys?.has(key) === true) return key;
      keys?.add(key);
    }
  }
  return undefined;
}
