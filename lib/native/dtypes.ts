export const tableDtypes = ['float32', 'float16', 'bfloat16', 'int8'] as const;

/** How a table stores its values. */
export type TableDtype = (typeof tableDtypes)[number];
