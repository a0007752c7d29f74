import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The version of this package; undefined where a bundler has left its package.json behind. */
export function packageVersion(): string | undefined {
  try {
    const text = readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8');
    const { name, version } = JSON.parse(text) as { readonly name?: unknown; readonly version?: unknown };
    return name === 'stillvec' && typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
