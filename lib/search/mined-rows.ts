import type { Candidate } from './choose-negatives.js';
import type { MiningOutputFormat } from './mining-options.js';

/** A row of what was mined: texts, a label or scores, by the names of the columns. */
export type MinedRow = Record<string, string | number | string[] | number[]>;

/** A query with its positives and the negatives that were found for it. */
export interface MinedQuery {
  readonly anchor: string;
  readonly positives: readonly Candidate[];
  readonly negatives: readonly Candidate[];
}

/** How rows are written. */
export interface RowForm {
  readonly anchorName: string;
  readonly positiveName: string;
  readonly numNegatives: number;
  readonly outputScores: boolean;
  readonly textOf: (id: number) => string;
}

/** The rows of a query, by format. */
export const rowWriters: Record<MiningOutputFormat, (query: MinedQuery, form: RowForm) => MinedRow[]> = {
  triplet: ({ anchor, positives, negatives }, { anchorName, positiveName, outputScores, textOf }) =>
    positives.flatMap((positive) =>
      negatives.map((negative) => ({
        [anchorName]: anchor,
        [positiveName]: textOf(positive.id),
        negative: textOf(negative.id),
        ...(outputScores && { scores: [positive.score, negative.score] }),
      })),
    ),

  'n-tuple': ({ anchor, positives, negatives }, { anchorName, positiveName, numNegatives, outputScores, textOf }) =>
    negatives.length < numNegatives
      ? []
      : positives.map((positive) => ({
          [anchorName]: anchor,
          [positiveName]: textOf(positive.id),
          ...Object.fromEntries(negatives.map(({ id }, i) => [`negative_${i + 1}`, textOf(id)])),
          ...(outputScores && { scores: [positive, ...negatives].map(({ score }) => score) }),
        })),

  'labeled-pair': ({ anchor, positives, negatives }, { anchorName, positiveName, outputScores, textOf }) => {
    const row = ({ id, score }: Candidate, label: number): MinedRow => ({
      [anchorName]: anchor,
      [positiveName]: textOf(id),
      ...(outputScores ? { score } : { label }),
    });
    return [...positives.map((positive) => row(positive, 1)), ...negatives.map((negative) => row(negative, 0))];
  },

  'labeled-list': ({ anchor, positives, negatives }, { anchorName, positiveName, outputScores, textOf }) =>
    negatives.length === 0
      ? []
      : positives.map((positive) => {
          const documents = [positive, ...negatives];
          return {
            [anchorName]: anchor,
            [positiveName]: documents.map(({ id }) => textOf(id)),
            ...(outputScores
              ? { scores: documents.map(({ score }) => score) }
              : { labels: documents.map((_, i) => (i === 0 ? 1 : 0)) }),
          };
        }),
};
