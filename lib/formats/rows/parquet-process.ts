import { once } from 'node:events';

import { messageOf, systemCode } from '../../errors.js';

/** What the process that decodes a file answers. */
export type ParquetMessage =
  | { readonly rows: readonly unknown[] }
  | { readonly failure: { readonly message: string; readonly code?: string; readonly syscall?: string } };

/** Rows that are decoded at a time: a row group may have millions. */
const rowsDecoded = 65_536;

/** Rows that are handed over at a time: few enough that taking them holds up nobody. */
const rowsSent = 256;

function send(message: ParquetMessage): void {
  process.send?.(message);
}

/** Sends the rows of a file part by part, the next one when it is asked for, and an empty part at the end. */
async function sendRows(file: string): Promise<void> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet');
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer);
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += rowsDecoded) {
      const rowEnd = Math.min(groupEnd, rowStart + rowsDecoded);
      const rows = await parquetReadObjects({ file: buffer, metadata, rowStart, rowEnd, useOffsetIndex: true });
      for (let begin = 0; begin < rows.length; begin += rowsSent) {
        send({ rows: rows.slice(begin, begin + rowsSent).map(withNumbers) });
        await once(process, 'message');
      }
    }
    groupStart = groupEnd;
  }
  send({ rows: [] });
}

/** Integers of 64 bits come as BigInt, which no message takes and no label is. */
function withNumbers(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, plain(cell)]));
}

function plain(cell: unknown): unknown {
  if (typeof cell === 'bigint') return Number(cell);
  return Array.isArray(cell) ? cell.map(plain) : cell;
}

sendRows(process.argv[2] ?? '').catch((error: unknown) => {
  const code = systemCode(error);
  const syscall = error instanceof Error && 'syscall' in error ? String(error.syscall) : undefined;
  send({ failure: { message: messageOf(error), ...(code && { code }), ...(syscall && { syscall }) } });
});
