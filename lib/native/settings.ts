import { InvalidArgumentError } from '../errors.js';

const instructionSets = ['scalar', 'neon', 'avx2', 'avx512', 'amx'];

/** As many as one call may ask for. */
const mostThreads = 1024;

/** The addon reads these variables, and cannot say that it does not understand one: this does, when it is loaded. */
export function checkVariables(env: NodeJS.ProcessEnv): void {
  const isa = env['STILLVEC_MAX_ISA'];
  if (isa !== undefined && !instructionSets.includes(isa)) {
    throw wrong('STILLVEC_MAX_ISA', `one of ${instructionSets.join(', ')}`, isa);
  }
  const threads = env['STILLVEC_THREADS'];
  if (threads !== undefined && !(/^[1-9]\d{0,3}$/.test(threads) && Number(threads) <= mostThreads)) {
    throw wrong('STILLVEC_THREADS', `an integer from 1 to ${mostThreads}`, threads);
  }
}

function wrong(variable: string, expected: string, value: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `expected ${expected} for the variable ${variable} but received ${JSON.stringify(value)}: change or unset it`,
  );
}
