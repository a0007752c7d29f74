import type { NativePooling } from './interface.js';

/** The mean of all tokens. */
export const meanPooling: NativePooling = { weighting: 'mean', excludedIds: new Uint32Array() };
