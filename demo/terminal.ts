import { isatty } from 'node:tty';

import { SingleBar } from 'cli-progress';
import { createColors } from 'picocolors';

const { stdout, env } = process;

/** Whether lines may be coloured and drawn again: on a terminal whose user has not asked for plain text. */
const isLive = isatty(stdout.fd) && env['TERM'] !== 'dumb' && (env['NO_COLOR'] ?? '') === '';

export const { bold, dim, cyan, green, red, yellow } = createColors(isLive);

const labelWidth = 12;
const barWidth = 28;
const widestLine = 100;

export function print(text = ''): void {
  stdout.write(`${text}\n`);
}

/** Gives back a cursor that a bar has hidden. */
export function showCursor(): void {
  if (isLive) stdout.write('\x1b[?25h');
}

/** `  Label       value`, all values below each other. */
export function printFact(label: string, value: string): void {
  print(`  ${dim(label.padEnd(labelWidth))}${value}`);
}

export function printError(message: string): void {
  process.stderr.write(`\n  ${red('error')}  ${message}\n`);
}

/** A table's cell: what it shows, and how it is coloured once it is as wide as its column. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/** Rows of equally many cells, in columns as wide as they need: the first to the left, the others to the right. */
export function printTable(rows: readonly (readonly Cell[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.text.length ?? 0))) ?? [];
  for (const row of rows) {
    const cells = row.map(({ text, paint = String }, column) => {
      const width = widths[column] ?? 0;
      return paint(column === 0 ? text.padEnd(width) : text.padStart(width));
    });
    print(`  ${cells.join('   ')}`.trimEnd());
  }
}

/** `text` in one line, cut between words where it would not fit beside `indent` other characters. */
export function fitLine(text: string, indent: number): string {
  const room = Math.min(stdout.columns > 0 ? stdout.columns : widestLine, widestLine) - indent;
  if (text.length <= room) return text;
  return `${text.slice(0, Math.max(text.lastIndexOf(' ', room - 2), room / 2))} …`;
}

export function formatCount(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

/** The progress of one task: a bar that moves on a terminal, and a line at each quarter of the way elsewhere. */
export class Progress {
  readonly #label: string;
  readonly #bar: SingleBar | undefined;
  #quarters = 0;

  constructor(label: string) {
    this.#label = label;
    if (!isLive) return;
    this.#bar = new SingleBar({
      stream: stdout,
      hideCursor: true,
      barsize: barWidth,
      format: `  ${dim(label.padEnd(labelWidth))}{bar} {percentage} %   {note}`,
      formatBar: (progress, { barsize = barWidth }) => {
        const done = Math.round(progress * barsize);
        return cyan('━'.repeat(done)) + dim('─'.repeat(barsize - done));
      },
      formatValue: (value, _, type) => (type === 'percentage' ? String(value).padStart(3) : String(value)),
    });
    this.#bar.start(1, 0, { note: '' });
  }

  /** @param share - Of the task that is done, 0 to 1. */
  update(share: number, note: string): void {
    this.#bar?.update(share, { note });
    if (this.#bar !== undefined || Math.floor(4 * share) <= this.#quarters) return;
    this.#quarters = Math.floor(4 * share);
    printFact(this.#label, `${(100 * share).toFixed(0).padStart(3)} %   ${note}`);
  }

  /** Replaces the last note by what came out. */
  finish(note: string): void {
    if (this.#bar === undefined) printFact(this.#label, note);
    else this.#bar.update(1, { note });
  }

  /** Leaves the bar as it stands and gives the cursor back. */
  [Symbol.dispose](): void {
    this.#bar?.stop();
  }
}
