/** How the learning rate runs after the warm-up. */
export type Scheduler = 'linear' | 'cosine' | 'constant';

export const schedulers: readonly Scheduler[] = ['linear', 'cosine', 'constant'];

/**
 * The learning rate of step `step` (from 0) as a share of the peak: up from 0 over `warmupSteps` steps, then down to 0
 * at `totalSteps` (`linear`, `cosine`) or level (`constant`). As the schedules of those names in transformers.
 */
export function scheduleFactor(scheduler: Scheduler, step: number, warmupSteps: number, totalSteps: number): number {
  if (step < warmupSteps) return step / warmupSteps;
  if (scheduler === 'constant') return 1;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  return scheduler === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
}
