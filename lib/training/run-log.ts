import path from 'node:path';

import { csvFileOf, type Evaluator, type Metrics } from '../evaluation/evaluator.js';
import { LineFile } from '../formats/line-file.js';
import type { FitEvaluation, FitLogRecord } from './fit-result.js';

/** Where and when metrics were measured. */
type Measured = Pick<FitEvaluation, 'epoch' | 'step'> & { readonly metrics: Readonly<Metrics> };

/**
 * The files that tell of a run: `log.jsonl`, a record a line, and in `eval` a CSV file an evaluator. A resumed run cuts
 * them back to what its checkpoint knows and goes on.
 */
export class RunLog {
  readonly #log: LineFile;
  readonly #tables = new Map<Evaluator, MetricTable>();

  constructor(
    private readonly outputDir: string,
    private readonly isResumed: boolean,
  ) {
    this.#log = new LineFile(path.join(outputDir, 'log.jsonl'), isResumed);
  }

  /** @param records - All, the new one last. */
  async add(records: readonly FitLogRecord[]): Promise<void> {
    const lines = (part: readonly FitLogRecord[]): string[] => part.map((record) => JSON.stringify(record));
    const [line = ''] = lines(records.slice(-1));
    await this.#log.add(line, () => lines(records.slice(0, -1)));
  }

  /** @param earlier - The evaluations before this one, with the metrics of all evaluators. */
  async addMetrics(evaluator: Evaluator, measured: Measured, earlier: readonly FitEvaluation[]): Promise<void> {
    let table = this.#tables.get(evaluator);
    if (table === undefined) {
      const file = new LineFile(path.join(this.outputDir, 'eval', this.#nameFor(evaluator)), this.isResumed);
      table = new MetricTable(file, Object.keys(measured.metrics));
      this.#tables.set(evaluator, table);
    }
    await table.add(measured, earlier);
  }

  /** Evaluators of one name get files of their own nonetheless. */
  #nameFor(evaluator: Evaluator): string {
    const file = csvFileOf(evaluator);
    const namesakes = [...this.#tables.keys()].filter((other) => csvFileOf(other) === file).length;
    const { name, ext } = path.parse(file);
    return namesakes === 0 ? file : `${name}-${namesakes + 1}${ext}`;
  }
}

/** Metrics as CSV: a column a metric, a line an evaluation. */
class MetricTable {
  constructor(
    private readonly file: LineFile,
    private readonly metrics: readonly string[],
  ) {}

  async add(measured: Measured, earlier: readonly Measured[]): Promise<void> {
    await this.file.add(this.#line(measured), () => [
      csvLine(['epoch', 'steps', ...this.metrics]),
      ...earlier.filter(({ metrics }) => this.#has(metrics)).map((one) => this.#line(one)),
    ]);
  }

  #has(metrics: Readonly<Metrics>): boolean {
    return this.metrics.some((metric) => Object.hasOwn(metrics, metric));
  }

  #line({ epoch, step, metrics }: Measured): string {
    return csvLine([epoch, step, ...this.metrics.map((metric) => metrics[metric] ?? '')]);
  }
}

function csvLine(cells: readonly (string | number)[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(`${cell}`) ? `"${`${cell}`.replaceAll('"', '""')}"` : cell)).join(',');
}
