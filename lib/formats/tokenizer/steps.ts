import { UnsupportedError } from '../../errors.js';
import { native, type NativePattern, type NativeSplitBehavior } from '../../native/index.js';
import { describe } from '../../validate.js';
import type { JsonFields } from '../json-fields.js';

/** The native steps that a step of tokenizer.json is made of. */
export type StepReader<Step> = (step: JsonFields) => readonly Step[];

/** By the step's type. A new step is one entry. */
export type StepReaders<Step> = Readonly<Record<string, StepReader<Step>>>;

/** Deeper than the steps of any tokenizer are nested; the stack ends further down. */
const longestPath = 1000;

/**
 * @param step - Undefined for none.
 * @throws UnsupportedError naming file, path and type of a step that is not among the readers.
 */
export function readStep<Step>(step: JsonFields | undefined, readers: StepReaders<Step>): readonly Step[] {
  if (step === undefined) return [];
  const type = step.string('type');
  const reader = Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (reader !== undefined) return reader(step);
  throw new UnsupportedError(
    `${step.file}: expected one of ${Object.keys(readers).join(', ')} for ${step.path}.type but received ` +
      describe(type),
  );
}

/** The steps of a Sequence, which it has under this name. */
export function readSequence<Step>(step: JsonFields, name: string, readers: StepReaders<Step>): readonly Step[] {
  if (step.path.length > longestPath) {
    throw new UnsupportedError(`${step.file}: ${step.path.slice(0, 60)}... is nested too deep`);
  }
  return step.objects(name).flatMap((each) => readStep(each, readers));
}

/** @throws UnsupportedError naming the regular expression. */
export function readPattern(step: JsonFields): NativePattern {
  const pattern = step.object('pattern');
  const regex = pattern.optionalString('Regex');
  if (regex === undefined) return { literal: pattern.string('String') };
  if (native.supportsPattern(regex)) return { regex };
  throw new UnsupportedError(
    `${step.file}: ${step.path}.pattern is ${describe(regex)}, a regular expression with parts that are not known ` +
      'here, such as back-references and names of scripts',
  );
}

const behaviors: readonly NativeSplitBehavior[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
];

/** @param otherwise - What a step without the field does; undefined where it must have it. */
export function readBehavior(step: JsonFields, otherwise?: NativeSplitBehavior): NativeSplitBehavior {
  const named = step.optionalString('behavior') ?? otherwise;
  const behavior = behaviors.find((name) => name === named);
  if (behavior === undefined) throw step.invalid('behavior', `one of ${behaviors.join(', ')}`);
  return behavior;
}

export function readCharacter(step: JsonFields, name: string): string {
  const character = step.string(name);
  if (Array.from(character).length !== 1) throw step.invalid(name, 'one character');
  return character;
}
