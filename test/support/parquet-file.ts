import { expect } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import path from 'node:path';

/**
 * Writes a Parquet file, in a process where packages can be imported (jest's context refuses that).
 *
 * @param damage - Code that spoils `bytes` first.
 */
export function writeParquet(file: string, rows: readonly Record<string, unknown>[], damage = ''): string {
  const script = `
    import('hyparquet-writer').then(({ parquetWriteBuffer }) => {
      const rows = ${JSON.stringify(rows)};
      const columnData = Object.keys(rows[0]).map((name) => ({ name, data: rows.map((row) => row[name]) }));
      const bytes = Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 1000, codec: 'UNCOMPRESSED' }));
      ${damage}
      require('node:fs').writeFileSync(${JSON.stringify(file)}, bytes);
    });`;
  const { stderr } = spawnSync(process.execPath, ['-e', script], {
    encoding: 'utf8',
    cwd: path.resolve(__dirname, '../..'),
  });
  expect(stderr).toBe('');
  return file;
}
