import { median, medianRatio } from './statistics.js';
import { amount, atLeast, table, times, type Bar } from './table.js';
import type { FitReply, LossRequest } from './training.js';

export interface LossCase extends LossRequest {
  /** Text columns of its rows. */
  readonly texts: 1 | 2 | 3;
  /** Why Sentence Transformers cannot take a step of this size. */
  readonly peerFails?: string;
}

export interface LossResult extends LossCase {
  readonly ours: readonly FitReply[];
  readonly theirs: readonly FitReply[];
}

/** With 2,048 rows and 1,024 columns. */
const cubic = 'rows x rows x rows: 34 GB';
const refused = 'refuses static models';

export const lossCases: readonly LossCase[] = [
  { name: 'MultipleNegativesRankingLoss', texts: 2 },
  { name: 'MultipleNegativesSymmetricRankingLoss', texts: 2 },
  { name: 'GISTEmbedLoss', texts: 2, peerFails: refused },
  { name: 'MegaBatchMarginLoss', texts: 2 },
  { name: 'GlobalOrthogonalRegularizationLoss', texts: 2 },
  { name: 'BatchHardTripletLoss', texts: 1, label: 'class' },
  { name: 'BatchHardSoftMarginTripletLoss', texts: 1, label: 'class' },
  { name: 'BatchSemiHardTripletLoss', texts: 1, label: 'class', peerFails: cubic },
  { name: 'BatchAllTripletLoss', texts: 1, label: 'class', peerFails: cubic },
  { name: 'CoSENTLoss', texts: 2, label: 'score' },
  { name: 'AnglELoss', texts: 2, label: 'score' },
  { name: 'CosineSimilarityLoss', texts: 2, label: 'score' },
  { name: 'ContrastiveLoss', texts: 2, label: 'binary' },
  { name: 'OnlineContrastiveLoss', texts: 2, label: 'binary' },
  { name: 'TripletLoss', texts: 3 },
  { name: 'MarginMSELoss', texts: 3, label: 'margin' },
  { name: 'DistillKLDivLoss', texts: 3, label: 'scores' },
  { name: 'EmbedDistillLoss', texts: 2, label: 'teacher' },
  { name: 'MSELoss', texts: 1, label: 'teacher' },
];

const stepOf = ({ msPerStep }: FitReply): number => msPerStep;

/** How many of our steps fit into one of theirs. */
function ratio({ ours, theirs }: LossResult): number | undefined {
  return theirs.length === 0 ? undefined : medianRatio(theirs.map(stepOf), ours.map(stepOf));
}

export function lossTable(results: readonly LossResult[]): string {
  return table<LossResult>(
    [
      { heading: 'loss', cell: ({ name }) => name, align: 'left' },
      { heading: 'texts a row', cell: ({ texts }) => String(texts) },
      { heading: 'ms/step', cell: ({ ours }) => amount(median(ours.map(stepOf))) },
      { heading: 'of it the loss', cell: ({ ours }) => amount(ours[0]?.stages?.['loss']) },
      {
        heading: 'Sentence Transformers',
        cell: ({ theirs, peerFails }) => peerFails ?? amount(theirs.length === 0 ? NaN : median(theirs.map(stepOf))),
      },
      { heading: 'faster', cell: (result) => times(ratio(result)) },
    ],
    results,
  );
}

export function judgeLosses(results: readonly LossResult[]): Bar[] {
  return results
    .filter(({ peerFails }) => peerFails === undefined)
    .map((result) => atLeast(`a step of ${result.name} against the peer's`, 5, ratio(result)));
}
