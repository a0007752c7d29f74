import type { CardColumn, CardDataset } from '../formats/card-data.js';
import { formatNumber } from '../formats/markdown.js';
import type { NativeLoss, NativeTokenColumn } from '../native/index.js';
import { describedRows } from './dataset-sample.js';
import type { LabelShape } from './label-needs.js';
import type { TrainingDataset } from './training-data.js';

/** Different numbers of a label that are counted one by one; of more, the range is told. */
const mostClasses = 10;

/** Labels that are shown. */
const shownLabels = 3;

/** Numbers of a label that are shown. */
const shownNumbers = 8;

/** What the card of a model says of a dataset. */
export function describeDataset(
  { title, rows, layout, columns, labels, sample, loss }: TrainingDataset,
  lowered: NativeLoss,
): CardDataset {
  const texts = layout.texts.map(({ name }, i) => describeTexts(name, columns[i], sample.texts[i] ?? []));
  const label =
    layout.label === undefined || labels === undefined
      ? []
      : [describeLabels(layout.label, labels.shape, sample.labels)];
  return {
    name: title,
    rows,
    describedRows: Math.min(rows, describedRows),
    columns: [...texts, ...label],
    loss: { name: loss.name, settings: settingsOf(lowered) },
  };
}

function describeTexts(name: string, column: NativeTokenColumn | undefined, samples: readonly string[]): CardColumn {
  const offsets = new BigUint64Array(Math.min(column?.count ?? 0, describedRows) + 1);
  column?.copyOffsets(0, offsets);
  const lengths = Array.from(offsets.subarray(1), (end, i) => Number(end - (offsets[i] ?? 0n)));
  const { min, mean, max } = rangeOf(lengths);
  const details = { min: `${min} tokens`, mean: `${mean.toFixed(2)} tokens`, max: `${max} tokens` };
  return { name, type: 'string', details, samples };
}

function describeLabels(name: string, { vectors, width }: LabelShape, values: Float32Array): CardColumn {
  const size = vectors * width;
  const rows = Array.from({ length: values.length / size }, (_, i) => [...values.subarray(i * size, (i + 1) * size)]);
  if (size > 1) {
    const shape = vectors > 1 ? `${vectors} x ${width}` : `${width}`;
    return {
      name,
      type: 'list',
      details: { size: `${shape} elements` },
      samples: rows.slice(0, shownLabels).map(showNumbers),
    };
  }
  const samples = rows.slice(0, shownLabels).map(([value]) => formatNumber(value));
  const isInteger = values.every((value) => Number.isInteger(value));
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  if (isInteger && counts.size <= mostClasses) {
    const classes = [...counts].sort(([a], [b]) => a - b);
    const share = (count: number): string => `${((100 * count) / values.length).toFixed(2)}%`;
    return {
      name,
      type: 'int',
      details: Object.fromEntries(classes.map(([value, count]) => [value, share(count)])),
      samples,
    };
  }
  const { min, mean, max } = rangeOf([...values]);
  const details = { min: formatNumber(min), mean: formatNumber(mean), max: formatNumber(max) };
  return { name, type: isInteger ? 'int' : 'float', details, samples };
}

function showNumbers(numbers: readonly number[]): string {
  const shown = numbers.slice(0, shownNumbers).map((value) => formatNumber(value));
  return `[${[...shown, ...(numbers.length > shownNumbers ? ['...'] : [])].join(', ')}]`;
}

function rangeOf(values: readonly number[]): { readonly min: number; readonly mean: number; readonly max: number } {
  const sum = values.reduce((total, value) => total + value, 0);
  return { min: Math.min(...values), mean: sum / values.length, max: Math.max(...values) };
}

/** The settings of a loss, or of each that it sums. */
function settingsOf(lowered: NativeLoss): unknown {
  const terms = lowered.map((term) => {
    const { kind, ...settings } = term.objective;
    return {
      ...(lowered.length > 1 && { loss: kind }),
      ...settings,
      ...(term.weight !== 1 && { weight: term.weight }),
      ...(term.matryoshkaDims.length > 0 && {
        dims: term.matryoshkaDims,
        weights: term.matryoshkaWeights,
        nDimsPerStep: term.dimsPerStep === 0 ? -1 : term.dimsPerStep,
      }),
    };
  });
  return terms.length === 1 ? terms[0] : terms;
}
