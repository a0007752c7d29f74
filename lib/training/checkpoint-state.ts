import { JsonFields, parseJson } from '../formats/json-fields.js';
import type { NativeRunState } from '../native/index.js';
import type { FitEvaluation, FitLogRecord, FitStep } from './fit-result.js';

/** What a run has reported so far. */
export interface Progress {
  /** Tells the checkpoints of this run from those of others. */
  readonly runId: string;
  readonly history: readonly FitStep[];
  readonly evaluations: readonly FitEvaluation[];
  readonly log: readonly FitLogRecord[];
  readonly rows: number;
  /** Epochs done, with the share of the one under way. */
  readonly epoch: number;
}

/** All that decides how a run goes on, by name: a run may resume only where these are equal. */
export type RunSettings = Readonly<Record<string, unknown>>;

/** What a run's next steps depend on, but for arrays. */
export type RunScalars = Omit<NativeRunState, 'lastSteps' | 'learningRates' | 'losses'>;

/** The content of trainer_state.json. */
export interface SavedState {
  readonly scalars: RunScalars;
  readonly progress: Omit<Progress, 'runId'>;
  /** To be compared with the run's. */
  readonly settings: JsonFields;
}

const version = 1;

export function writeState(settings: RunSettings, scalars: RunScalars, progress: Progress): string {
  const { history, evaluations, log, rows, epoch: epochsDone } = progress;
  return JSON.stringify({ version, settings, ...scalars, history, evaluations, log, rows, epochsDone });
}

/** @throws ModelFormatError naming the file and the field that is not as `writeState` writes it. */
export function readState(file: string, text: string): SavedState {
  const state = new JsonFields(file, '', parseJson(file, text));
  if (state.integer('version') !== version) throw state.invalid('version', `${version}`);
  const history = state.objects('history').map((step, i) => readStep(step, i));
  const evaluations = state.objects('evaluations').map((evaluation) => readEvaluation(evaluation, history.length));
  const log = state.objects('log').map((record) => readLogRecord(record, history.length));
  const randomState = state.string('randomState');
  if (!/^\d{1,20}$/.test(randomState) || BigInt(randomState) >= 1n << 64n) {
    throw state.invalid('randomState', 'a 64-bit number in decimal');
  }
  const historyBegin = state.integer('historyBegin');
  if (historyBegin > history.length) throw state.invalid('historyBegin', `at most the ${history.length} steps taken`);
  const settings = state.object('settings');
  const epoch = state.integer('epoch');
  if (epoch > settings.integer('epochs')) throw state.invalid('epoch', 'at most the epochs of the run');
  const stepsOfEpoch = state.integer('stepsOfEpoch');
  if (stepsOfEpoch > history.length) throw state.invalid('stepsOfEpoch', `at most the ${history.length} steps taken`);
  return {
    scalars: { historyBegin, randomState, epoch, stepsOfEpoch },
    progress: { history, evaluations, log, rows: state.integer('rows'), epoch: number(state, 'epochsDone') },
    settings,
  };
}

function readStep(fields: JsonFields, index: number): FitStep {
  if (fields.get('step') !== index) throw fields.invalid('step', `${index}`);
  return {
    step: index,
    learningRate: number(fields, 'learningRate'),
    loss: number(fields, 'loss'),
    gradNorm: number(fields, 'gradNorm'),
    ...(fields.get('dataset') !== undefined && { dataset: fields.string('dataset') }),
  };
}

function readEvaluation(fields: JsonFields, steps: number): FitEvaluation {
  return { step: stepOf(fields, steps), epoch: number(fields, 'epoch'), metrics: numbers(fields.object('metrics')) };
}

function readLogRecord(fields: JsonFields, steps: number): FitLogRecord {
  return { ...numbers(fields), epoch: number(fields, 'epoch'), step: stepOf(fields, steps) };
}

function stepOf(fields: JsonFields, steps: number): number {
  const step = fields.integer('step');
  if (step > steps) throw fields.invalid('step', `at most the ${steps} steps taken`);
  return step;
}

function numbers(fields: JsonFields): Record<string, number> {
  return Object.fromEntries(fields.entries().map(([name]) => [name, number(fields, name)]));
}

/** A number; JSON has null for those that are not finite. */
function number(fields: JsonFields, name: string): number {
  const value = fields.get(name);
  if (value === null) return NaN;
  if (typeof value !== 'number') throw fields.invalid(name, 'a number');
  return value;
}
