import { finiteNumber, knownOptions, object, outOfRange, positiveInteger } from '../validate.js';

/** What some schedulers can be told beside the run: transformers' `lr_scheduler_kwargs`. */
export interface SchedulerOptions {
  /** Waves of `cosine`, default 0.5, and of `cosine_with_restarts`, default 1. */
  readonly numCycles?: number;
  /** Exponent of `polynomial`. Default: 1. */
  readonly power?: number;
  /** Where `polynomial` ends, below the peak. Default: 1e-7. */
  readonly lrEnd?: number;
  /** Steps over which `inverse_sqrt` falls to 1 / sqrt(2). Default: the warm-up, or 10,000 without one. */
  readonly timescale?: number;
}

/** The run that a learning rate is scheduled for. */
export interface ScheduledRun {
  readonly warmupSteps: number;
  readonly totalSteps: number;
  /** The peak learning rate. */
  readonly learningRate: number;
}

interface Schedule {
  /** Whether the rate first rises from 0 over the warm-up. */
  readonly warmsUp: boolean;
  readonly options: readonly (keyof SchedulerOptions)[];
  /** The rate of a step after the warm-up, as a share of the peak. */
  factor(step: number, run: ScheduledRun, options: SchedulerOptions): number;
}

/** The schedules of these names in transformers' optimization.py: one entry each. */
const schedules = {
  constant: { warmsUp: false, options: [], factor: () => 1 },
  constant_with_warmup: { warmsUp: true, options: [], factor: () => 1 },
  linear: {
    warmsUp: true,
    options: [],
    factor: (step, { warmupSteps, totalSteps }) =>
      Math.max(0, (totalSteps - step) / Math.max(1, totalSteps - warmupSteps)),
  },
  cosine: {
    warmsUp: true,
    options: ['numCycles'],
    factor: (step, run, { numCycles = 0.5 }) => cosine(2 * numCycles * progress(step, run)),
  },
  cosine_with_restarts: {
    warmsUp: true,
    options: ['numCycles'],
    factor(step, run, { numCycles = 1 }) {
      const done = progress(step, run);
      return done >= 1 ? 0 : cosine((numCycles * done) % 1);
    },
  },
  polynomial: {
    warmsUp: true,
    options: ['power', 'lrEnd'],
    factor(step, { warmupSteps, totalSteps, learningRate }, { power = 1, lrEnd = leastRate }) {
      const left = step < totalSteps ? 1 - (step - warmupSteps) / (totalSteps - warmupSteps) : 0;
      return ((learningRate - lrEnd) * left ** power + lrEnd) / learningRate;
    },
  },
  inverse_sqrt: {
    warmsUp: true,
    options: ['timescale'],
    factor(step, { warmupSteps }, options) {
      const { timescale = warmupSteps === 0 ? 10_000 : warmupSteps } = options;
      return 1 / Math.sqrt((step + timescale - warmupSteps) / timescale);
    },
  },
} satisfies Record<string, Schedule>;

/** How the learning rate runs. */
export type Scheduler = keyof typeof schedules;

export const schedulers = Object.keys(schedules) as readonly Scheduler[];

/** Where `polynomial` ends by default. */
const leastRate = 1e-7;

function progress(step: number, { warmupSteps, totalSteps }: ScheduledRun): number {
  return (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps);
}

/** From 1 at 0 to 0 at 1. */
function cosine(half: number): number {
  return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * half)));
}

/**
 * The learning rate of step `step` (from 0) as a share of the peak. But for `constant`, it rises from 0 over
 * `warmupSteps`.
 */
export function scheduleFactor(
  scheduler: Scheduler,
  step: number,
  run: ScheduledRun,
  options: SchedulerOptions = {},
): number {
  const schedule: Schedule = schedules[scheduler];
  if (schedule.warmsUp && step < run.warmupSteps) return step / run.warmupSteps;
  return schedule.factor(step, run, options);
}

const checks = {
  numCycles: (name, value) => finiteNumber(name, value, { above: 0 }),
  power: (name, value) => finiteNumber(name, value, { above: 0 }),
  lrEnd: (name, value) => finiteNumber(name, value, { min: 0 }),
  timescale: (name, value) => positiveInteger(name, value),
} satisfies Record<keyof SchedulerOptions, (name: string, value: unknown) => number>;

/** @throws InvalidArgumentError for an option that the scheduler has not, or a value that it cannot use. */
export function checkSchedulerOptions(scheduler: Scheduler, given: unknown, learningRate: number): SchedulerOptions {
  const { options: known }: Schedule = schedules[scheduler];
  const values = object('schedulerOptions', given);
  knownOptions(`schedulerOptions of the scheduler ${scheduler}`, values, known);
  const options: SchedulerOptions = Object.fromEntries(
    known
      .filter((name) => values[name] !== undefined)
      .map((name) => [name, checks[name](`schedulerOptions.${name}`, values[name])]),
  );
  const { lrEnd = leastRate } = options;
  if (known.includes('lrEnd') && learningRate <= lrEnd) {
    throw outOfRange('learningRate', `a number above schedulerOptions.lrEnd (${lrEnd})`, learningRate);
  }
  return options;
}
