/** When something of a run is due: never, every so many steps, or at the end of each epoch. */
export const strategies = ['no', 'steps', 'epoch'] as const;
export const saveStrategies = [...strategies, 'best'] as const;

export type Strategy = (typeof strategies)[number];
/** `best` is as `no`, but for evaluations that are better than all before. */
export type SaveStrategy = (typeof saveStrategies)[number];

/** Where in a run something may be due: after a step, at the end of an epoch, or once all steps are taken. */
export type Moment = 'steps' | 'epoch' | 'end';

/** How often something happens in a run. */
export class Interval {
  constructor(
    private readonly strategy: SaveStrategy,
    private readonly steps: number,
  ) {}

  get isByEpoch(): boolean {
    return this.strategy === 'epoch';
  }

  /** Whether it happens once more at the end of a run, wherever that comes. */
  get isAtEnd(): boolean {
    return this.strategy === 'steps' || this.strategy === 'epoch';
  }

  /** Steps from `step` until it is due. */
  stepsUntilDue(step: number): number {
    return this.strategy === 'steps' ? this.steps - (step % this.steps) : Infinity;
  }

  isDue(moment: Moment, step: number): boolean {
    if (moment === 'end') return this.isAtEnd;
    return this.strategy === moment && (moment === 'epoch' || step % this.steps === 0);
  }
}
