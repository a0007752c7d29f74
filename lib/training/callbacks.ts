import { untilAborted } from '../abort.js';
import { InvalidArgumentError } from '../errors.js';
import { invalidArgument, nearestName, object } from '../validate.js';
import type { FitBest, FitEvaluation, FitLogRecord, FitStep } from './fit-result.js';

/** Where a run stands. Its arrays grow while it goes on. */
export interface FitState {
  /** Steps taken. */
  readonly step: number;
  /** Epochs done, with the share of the one under way. */
  readonly epoch: number;
  /** Steps that the run takes unless it is stopped. */
  readonly totalSteps: number;
  /** Every step; `at(-1)` is the one that `onStepEnd` is about. */
  readonly history: readonly FitStep[];
  /** Every evaluation; `at(-1)` is the one that `onEvaluate` is about. */
  readonly evaluations: readonly FitEvaluation[];
  /** What the log file has; `at(-1)` is the record that `onLog` is about. */
  readonly log: readonly FitLogRecord[];
  /** The best evaluation so far, where models are compared. */
  readonly best: FitBest | undefined;
}

/** What a callback can ask for. It is done when the callbacks of the event have returned. */
export interface FitControl {
  /** Ends the run before its next step, as if that had been the last one. */
  stop(): void;
  /** Evaluates. @throws InvalidArgumentError where there is neither evaluator nor evalDataset. */
  evaluate(): void;
  /** Writes a checkpoint. @throws InvalidArgumentError where there is no outputDir. */
  save(): void;
}

type Told = (state: FitState, control: FitControl) => void | Promise<void>;

/**
 * Is called as a run goes on, and awaited. What it throws ends the run: the model keeps what it has learned, and the
 * caller of `fit` gets the error.
 */
export interface FitCallback {
  /** Before the first step, also of a run that is resumed. */
  readonly onTrainBegin?: Told;
  /** Before the first step of an epoch, or of what is left of the one in which a run was interrupted. */
  readonly onEpochBegin?: Told;
  /** After each step. The run then stops at each, which costs some 50 microseconds. */
  readonly onStepEnd?: Told;
  /** After a record of the log: of steps, or of an evaluation. */
  readonly onLog?: Told;
  /** After an evaluation and its record of the log. */
  readonly onEvaluate?: Told;
  /** After a checkpoint. */
  readonly onSave?: Told;
  /** After the last step of an epoch, also where the run is stopped before its end. */
  readonly onEpochEnd?: Told;
  /** At the end of the run, once the model has its table; not where the run is aborted or fails. */
  readonly onTrainEnd?: Told;
}

export const callbackEvents = [
  'onTrainBegin',
  'onEpochBegin',
  'onStepEnd',
  'onLog',
  'onEvaluate',
  'onSave',
  'onEpochEnd',
  'onTrainEnd',
] as const satisfies readonly (keyof FitCallback)[];

export type CallbackEvent = (typeof callbackEvents)[number];

/** What callbacks have asked for and not yet got. */
export class Control implements FitControl {
  #isStopped = false;
  readonly #asked = { evaluate: false, save: false };

  constructor(
    private readonly canEvaluate: boolean,
    private readonly canSave: boolean,
  ) {
    // A name that is not one of these, such as shouldTrainingStop, is an error and not ignored.
    Object.freeze(this);
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  stop(): void {
    this.#isStopped = true;
  }

  evaluate(): void {
    if (!this.canEvaluate)
      throw new InvalidArgumentError('expected an evaluator or evalDataset for control.evaluate()');
    this.#asked.evaluate = true;
  }

  save(): void {
    if (!this.canSave) throw new InvalidArgumentError('expected an outputDir for control.save()');
    this.#asked.save = true;
  }

  /** Whether it was asked for, which it then is no more. */
  take(what: 'evaluate' | 'save'): boolean {
    const isAsked = this.#asked[what];
    this.#asked[what] = false;
    return isAsked;
  }
}

/** The callbacks of a run. */
export class Callbacks {
  constructor(
    private readonly callbacks: readonly FitCallback[],
    private readonly state: FitState,
    private readonly control: FitControl,
    private readonly signal: AbortSignal | undefined,
  ) {}

  hears(event: CallbackEvent): boolean {
    return this.callbacks.some((callback) => callback[event] !== undefined);
  }

  /** Calls them in their order, one after the other. */
  async tell(event: CallbackEvent): Promise<void> {
    for (const callback of this.callbacks) {
      await untilAborted(Promise.resolve(callback[event]?.(this.state, this.control)), this.signal);
    }
  }
}

/** @throws InvalidArgumentError naming what is no callback, or a method that nothing calls. */
export function checkCallbacks(option: string, given: unknown): readonly FitCallback[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw invalidArgument(option, 'an array of callbacks', given);
  return (given as readonly unknown[]).map((callback, i) => checkCallback(`${option}[${i}]`, callback));
}

function checkCallback(option: string, given: unknown): FitCallback {
  const callback = object(option, given, 'an object with methods such as onStepEnd');
  const events: readonly string[] = callbackEvents;
  for (const event of callbackEvents) {
    const method = callback[event];
    if (method !== undefined && typeof method !== 'function') {
      throw invalidArgument(`${option}.${event}`, 'a function', method);
    }
  }
  const methods = methodNames(callback);
  // A callback may have other methods for its own use, but none that looks like an event, nor only such.
  const unknown = methods.find((name) => /^on[A-Z_]/.test(name) && !events.includes(name));
  if (unknown === undefined && methods.some((name) => events.includes(name))) return callback;
  const name = unknown ?? methods[0];
  const nearest = name === undefined ? undefined : nearestName(name, events);
  throw new InvalidArgumentError(
    `expected methods among ${events.join(', ')} for ${option} but received ${name ?? 'none'}` +
      (nearest === undefined ? '' : `: did you mean ${nearest}?`),
  );
}

/** Of an object and its classes. */
function methodNames(callback: Readonly<Record<string, unknown>>): readonly string[] {
  const names: string[] = [];
  for (let at: object | null = callback; at !== null && at !== Object.prototype; at = prototypeOf(at)) {
    const properties = Object.entries(Object.getOwnPropertyDescriptors(at));
    names.push(
      ...properties
        .filter(([name, { value }]) => typeof value === 'function' && name !== 'constructor')
        .map(([name]) => name),
    );
  }
  return names;
}

function prototypeOf(of: object): object | null {
  return Object.getPrototypeOf(of) as object | null;
}
