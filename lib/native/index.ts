export { native } from './addon.js';
export { tableDtypes, type TableDtype } from './dtypes.js';
export type * from './interface.js';
