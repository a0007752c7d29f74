import { median } from './statistics.js';
import { amount, mebibytes, table } from './table.js';

/** Searches of one corpus at several precisions; see the scenario `rescore`. */
export interface RescoreTask {
  /** A model folder. */
  readonly model: string;
  /** Pairs of texts, an array of arrays in a JSON file: the first are queries, the second the corpus. */
  readonly data: string;
  readonly queries: number;
  readonly topK: number;
}

export interface RescoreWay {
  readonly what: string;
  readonly seconds: number;
  /** Of the exact hits, the share that was found. */
  readonly recall: number;
  /** Of what is searched and rescored. */
  readonly bytes: number;
}

export interface RescoreReply {
  readonly rows: number;
  readonly dim: number;
  readonly ways: readonly RescoreWay[];
}

interface Line {
  readonly way: RescoreWay;
  readonly seconds: number;
  readonly exact: number;
}

/** Medians over the rounds, each way beside the exact search. */
export function rescoreTable({ queries, topK }: RescoreTask, replies: readonly RescoreReply[]): string {
  const [first] = replies;
  if (first === undefined) return '';
  const secondsOf = (i: number): number => median(replies.map(({ ways }) => ways[i]?.seconds ?? NaN));
  const lines = first.ways.map((way, i): Line => ({ way, seconds: secondsOf(i), exact: secondsOf(0) }));
  const title = `top-${topK} of ${amount(queries)} queries among ${amount(first.rows)} passages, ${first.dim} dimensions`;
  const columns = table<Line>(
    [
      { heading: title, cell: ({ way }) => way.what, align: 'left' },
      { heading: 'seconds', cell: ({ seconds }) => seconds.toFixed(3) },
      { heading: 'against exact', cell: ({ seconds, exact }) => `${amount(exact / seconds)}x` },
      { heading: 'recall', cell: ({ way }) => way.recall.toFixed(3) },
      { heading: 'memory', cell: ({ way }) => mebibytes(way.bytes) },
    ],
    lines,
  );
  return `## Quantized, and rescored\n\n${columns}`;
}
