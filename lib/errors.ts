export const errorCodes = [
  'ERR_INVALID_ARGUMENT',
  'ERR_OUT_OF_RANGE',
  'ERR_MODEL_NOT_FOUND',
  'ERR_MODEL_CORRUPT',
  'ERR_UNSUPPORTED',
  'ERR_IO',
  'ERR_MISSING_DEPENDENCY',
  'ERR_OUT_OF_MEMORY',
  'ERR_NOT_FINITE',
  'ERR_NATIVE_LOAD',
] as const;

/** Stable identifiers of everything that stillvec itself throws. Messages may be reworded; codes may not. */
export type ErrorCode = (typeof errorCodes)[number];

/** The base of every error that stillvec raises; an aborted call rejects with its signal's own reason instead. */
export class StillvecError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** An argument has the wrong type or shape (`ERR_INVALID_ARGUMENT`) or lies outside its range (`ERR_OUT_OF_RANGE`). */
export class InvalidArgumentError extends StillvecError {
  constructor(
    message: string,
    options?: ErrorOptions & { code?: Extract<ErrorCode, 'ERR_INVALID_ARGUMENT' | 'ERR_OUT_OF_RANGE'> },
  ) {
    super(options?.code ?? 'ERR_INVALID_ARGUMENT', message, options);
  }
}

/** A model or one of its files is absent (`ERR_MODEL_NOT_FOUND`) or contradicts its format (`ERR_MODEL_CORRUPT`). */
export class ModelFormatError extends StillvecError {
  constructor(
    message: string,
    options?: ErrorOptions & { code?: Extract<ErrorCode, 'ERR_MODEL_NOT_FOUND' | 'ERR_MODEL_CORRUPT'> },
  ) {
    super(options?.code ?? 'ERR_MODEL_CORRUPT', message, options);
  }
}

/** A well-formed request or file asks for something that stillvec does not do (`ERR_UNSUPPORTED`). */
export class UnsupportedError extends StillvecError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_UNSUPPORTED', message, options);
  }
}

/** The file system or the network refused (`ERR_IO`); `cause` holds the system's own error. */
export class IoError extends StillvecError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_IO', message, options);
  }
}

/** An optional package is needed and not installed (`ERR_MISSING_DEPENDENCY`); the message says which. */
export class MissingDependencyError extends StillvecError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_MISSING_DEPENDENCY', message, options);
  }
}

/** Memory for a table, result or optimizer state could not be had (`ERR_OUT_OF_MEMORY`). */
export class OutOfMemoryError extends StillvecError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_OUT_OF_MEMORY', message, options);
  }
}

/** A run came upon a loss or a gradient that is infinite or no number, and ended (`ERR_NOT_FINITE`). */
export class TrainingError extends StillvecError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_NOT_FINITE', message, options);
  }
}

/** No native addon for this platform could be loaded (`ERR_NATIVE_LOAD`). */
export class NativeLoadError extends StillvecError {
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_NATIVE_LOAD', message, options);
  }
}

/** The `code` of a Node.js system error (`ENOENT`, `EACCES`, ...), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What the addon's kinds of failure, `Status::Code` in the core, become. An abort is none. */
const nativeErrors = {
  invalid_argument: (message, options) => new InvalidArgumentError(message, options),
  out_of_range: (message, options) => new InvalidArgumentError(message, { ...options, code: 'ERR_OUT_OF_RANGE' }),
  corrupt: (message, options) => new ModelFormatError(message, options),
  unsupported: (message, options) => new UnsupportedError(message, options),
  io: (message, options) => new IoError(message, options),
  out_of_memory: (message, options) => new OutOfMemoryError(message, options),
  not_finite: (message, options) => new TrainingError(message, options),
} satisfies Readonly<Record<string, (message: string, options: ErrorOptions) => StillvecError>>;

/**
 * Turns what the addon threw into the public classes. The addon throws plain errors whose `code` is the kind of
 * failure; anything else, a `StillvecError` included, is returned as it is.
 *
 * @param signal - The call's signal: an aborted call is reported by its reason, as the platform does.
 */
export function fromNative(error: unknown, signal?: AbortSignal): unknown {
  if (!(error instanceof Error) || error instanceof StillvecError) return error;
  const kind = systemCode(error);
  if (kind === 'aborted') {
    return signal?.aborted === true ? signal.reason : new DOMException(error.message, 'AbortError');
  }
  return isNativeKind(kind) ? nativeErrors[kind](error.message, { cause: error }) : error;
}

function isNativeKind(kind: string | undefined): kind is keyof typeof nativeErrors {
  return kind !== undefined && Object.hasOwn(nativeErrors, kind);
}
