export { native } from './addon.js';
export type * from './interface.js';
