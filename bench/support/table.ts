/** A column of a table: its heading, and what it shows of a row. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  /** Numbers stand to the right; the default. */
  readonly align?: 'left' | 'right';
}

/** A Markdown table whose columns line up. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const widths = columns.map(({ heading }, c) =>
    Math.max(heading.length, 3, ...cells.map((row) => row[c]?.length ?? 0)),
  );
  const isLeft = columns.map(({ align }) => align === 'left');
  const pad = (text: string, c: number): string =>
    isLeft[c] === true ? text.padEnd(widths[c] ?? 0) : text.padStart(widths[c] ?? 0);
  const line = (texts: readonly string[]): string => `| ${texts.map(pad).join(' | ')} |`;
  const rule = widths.map((width, c) => (isLeft[c] === true ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(columns.map(({ heading }) => heading)), line(rule), ...cells.map(line)].join('\n');
}

/** 1234567.8 -> "1,234,568"; below 100 with one or two decimals; "-" for what was not measured. */
export function amount(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-';
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

export function times(value: number | undefined): string {
  return value === undefined || !Number.isFinite(value) ? '-' : `${amount(value)}x`;
}

export function mebibytes(bytes: number | undefined): string {
  return bytes === undefined ? '-' : `${Math.round(bytes / 2 ** 20).toLocaleString('en')} MiB`;
}

/** A promise and what became of it. */
export interface Bar {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  /** Undefined where this run did not measure it. */
  readonly isMet: boolean | undefined;
}

export function barTable(bars: readonly Bar[]): string {
  return table<Bar>(
    [
      { heading: 'bar', cell: ({ what }) => what, align: 'left' },
      { heading: 'wanted', cell: ({ wanted }) => wanted },
      { heading: 'measured', cell: ({ measured }) => measured },
      {
        heading: '',
        cell: ({ isMet }) => (isMet === undefined ? 'not measured' : isMet ? 'met' : 'MISSED'),
        align: 'left',
      },
    ],
    bars,
  );
}

/** A bar that is met by `measured` or more. */
export function atLeast(what: string, wanted: number, measured: number | undefined, show = times): Bar {
  return { what, wanted: `>= ${show(wanted)}`, measured: show(measured), isMet: verdict(measured, (m) => m >= wanted) };
}

/** A bar that is met by `measured` or less. */
export function atMost(what: string, wanted: number, measured: number | undefined, show = times): Bar {
  return { what, wanted: `<= ${show(wanted)}`, measured: show(measured), isMet: verdict(measured, (m) => m <= wanted) };
}

function verdict(measured: number | undefined, isMet: (measured: number) => boolean): boolean | undefined {
  return measured === undefined || Number.isNaN(measured) ? undefined : isMet(measured);
}
