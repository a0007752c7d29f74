import { spawnSync } from 'node:child_process';

/** The Python that has `module`: `STILLVEC_PYTHON`, else python3. Undefined where neither can import it. */
export function pythonWith(module: string): string | undefined {
  const candidates = [process.env['STILLVEC_PYTHON'], 'python3'].filter((python) => python !== undefined);
  return candidates.find((python) => spawnSync(python, ['-c', `import ${module}`]).status === 0);
}
