import type { CardDataset, TrainingCardData } from './card-data.js';
import { evaluationFrontMatter, evaluationSection } from './evaluation-card.js';
import type { FrontMatterValue } from './front-matter.js';
import {
  codeBlock,
  codeText,
  enumeration,
  folded,
  formatCount,
  formatNumber,
  markdownTable,
  plainText,
  titleCase,
} from './markdown.js';

/** A card with more rows of the log than this folds them away. */
const mostOpenRows = 100;

/** A log of more rows is thinned out: nobody reads it, and the hub refuses cards without end. */
const mostLogRows = 1000;

/** A longer sample is cut. */
const mostSampleLength = 1000;

/** What the training adds to the front matter of a card. */
export function trainingFrontMatter(
  training: TrainingCardData,
  modelName: string,
): {
  readonly tags: readonly string[];
  readonly fields: Readonly<Record<string, FrontMatterValue>>;
} {
  const { trainDatasets, baseModel } = training;
  const rows = trainDatasets.reduce((sum, dataset) => sum + dataset.rows, 0);
  const losses = new Set(trainDatasets.flatMap(({ loss }) => lossNames(loss.name)));
  return {
    tags: ['generated_from_trainer', `dataset_size:${rows}`, ...[...losses].map((name) => `loss:${name}`)],
    fields: { ...(baseModel !== null && { base_model: baseModel }), ...evaluationFrontMatter(training, modelName) },
  };
}

/** The losses that a name tells of: `MatryoshkaLoss(CoSENTLoss)` is two. */
export function lossNames(name: string): string[] {
  return name.match(/\w+/g) ?? [];
}

/** The sections of a card that tell of the training, without those that have nothing to tell. */
export function trainingSections(training: TrainingCardData): string {
  return [
    evaluationSection(training),
    '## Training',
    datasetSection('training', training.trainDatasets),
    datasetSection('evaluation', training.evalDatasets),
    hyperparameterSection(training),
    logSection(training),
    timeSection(training),
    versionSection(training),
    citationSection(training),
  ]
    .filter((section) => section !== '')
    .join('\n\n');
}

function datasetSection(purpose: 'training' | 'evaluation', datasets: readonly CardDataset[]): string {
  if (datasets.length === 0) return '';
  const plural = datasets.length === 1 ? '' : 's';
  const parts = datasets.map((dataset) => {
    const name = dataset.name === '' ? 'Unnamed dataset' : plainText(dataset.name);
    const description = describeDataset(purpose, dataset);
    return datasets.length > 3 ? folded(name, description) : `#### ${name}\n\n${description}`;
  });
  return [`### ${titleCase(purpose)} dataset${plural}`, ...parts].join('\n\n');
}

function describeDataset(purpose: string, { rows, columns, describedRows, loss }: CardDataset): string {
  const names = columns.map(({ name }) => codeText(name));
  const statistics = markdownTable(
    ['', ...columns.map(({ name }) => plainText(name))],
    [
      ['type', ...columns.map(({ type }) => type)],
      ['details', ...columns.map(({ details }) => htmlList(details))],
    ],
  );
  const sampleRows = Math.max(0, ...columns.map(({ samples }) => samples.length));
  const samples = markdownTable(
    columns.map(({ name }) => plainText(name)),
    Array.from({ length: sampleRows }, (_, row) => columns.map((column) => codeText(cut(column.samples[row] ?? '')))),
  );
  return [
    [`- Size: ${formatCount(rows)} ${purpose} samples`, `- Columns: ${enumeration(names)}`].join('\n'),
    ...(describedRows === 0 ? [] : [`Statistics of the first ${formatCount(describedRows)} samples:`, statistics]),
    ...(sampleRows === 0 ? [] : ['Samples:', samples]),
    `Loss: ${codeText(loss.name)} with these settings:`,
    codeBlock('json', JSON.stringify(loss.settings, undefined, 2)),
  ].join('\n\n');
}

function htmlList(details: Readonly<Record<string, string>>): string {
  const items = Object.entries(details).map(([name, value]) => `<li>${plainText(`${name}: ${value}`)}</li>`);
  return items.length === 0 ? '' : `<ul>${items.join('')}</ul>`;
}

function hyperparameterSection({ hyperparameters, changedHyperparameters }: TrainingCardData): string {
  const list = (names: readonly string[]): string =>
    names.map((name) => `- \`${name}\`: ${codeText(JSON.stringify(hyperparameters[name]))}`).join('\n');
  const names = Object.keys(hyperparameters);
  if (names.length === 0) return '';
  return [
    '### Hyperparameters',
    ...(changedHyperparameters.length === 0
      ? ['All have their default values.']
      : ['Those that differ from the defaults:', list(changedHyperparameters)]),
    folded('All hyperparameters', list(names)),
  ].join('\n\n');
}

function logSection({ log, bestStep }: TrainingCardData): string {
  if (log.length === 0) return '';
  const headings = [...new Set(log.flatMap(({ values }) => Object.keys(values)))];
  const every = Math.ceil(log.length / mostLogRows);
  const rows = log
    .filter((row, i) => i % every === 0 || i === log.length - 1 || row.step === bestStep)
    .map(({ epoch, step, values }) => {
      const cells = [
        formatNumber(epoch),
        String(step),
        ...headings.map((name) => (Object.hasOwn(values, name) ? formatNumber(values[name]) : '-')),
      ];
      return step === bestStep ? cells.map((cell) => `**${cell}**`) : cells;
    });
  const table = markdownTable(['Epoch', 'Step', ...headings.map(plainText)], rows);
  return [
    '### Log',
    rows.length > mostOpenRows ? folded(`${formatCount(rows.length)} rows`, table) : table,
    ...(every === 1 ? [] : [`One row in ${every} is shown.`]),
    ...(bestStep === null ? [] : ['The bold row is the saved model.']),
  ].join('\n\n');
}

function timeSection({ trainingSeconds, evaluationSeconds }: TrainingCardData): string {
  return [
    '### Time',
    [
      `- Training: ${formatDuration(trainingSeconds)}`,
      ...(evaluationSeconds === 0
        ? []
        : [
            `- Evaluation: ${formatDuration(evaluationSeconds)}`,
            `- Total: ${formatDuration(trainingSeconds + evaluationSeconds)}`,
          ]),
    ].join('\n'),
  ].join('\n\n');
}

function versionSection({ versions }: TrainingCardData): string {
  const lines = Object.entries(versions).map(([name, version]) => `- ${plainText(name)}: ${plainText(version)}`);
  return `### Versions\n\n${lines.join('\n')}`;
}

function citationSection({ citations }: TrainingCardData): string {
  if (citations.length === 0) return '';
  return [
    '## Citation',
    ...citations.map(({ losses, bibtex }) => `### ${enumeration(losses)}\n\n${codeBlock('bibtex', bibtex)}`),
  ].join('\n\n');
}

function cut(sample: string): string {
  return sample.length <= mostSampleLength ? sample : `${sample.slice(0, mostSampleLength)}...`;
}

function formatDuration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} seconds`;
  if (seconds < 3600) return `${(seconds / 60).toFixed(1)} minutes`;
  return seconds < 86_400 ? `${(seconds / 3600).toFixed(1)} hours` : `${(seconds / 86_400).toFixed(1)} days`;
}
