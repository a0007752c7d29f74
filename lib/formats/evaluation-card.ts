import type { CardEvaluation, CardEvaluator, TrainingCardData } from './card-data.js';
import type { FrontMatterValue } from './front-matter.js';
import { codeText, folded, formatNumber, markdownTable, plainText, titleCase } from './markdown.js';

/** What the evaluation of the saved model adds to the front matter of a card. */
export function evaluationFrontMatter(
  training: TrainingCardData,
  modelName: string,
): Readonly<Record<string, FrontMatterValue>> {
  const { evaluator } = training;
  const metrics = Object.entries(finalOf(training)?.metrics ?? {}).filter(([, value]) => Number.isFinite(value));
  if (evaluator === null || metrics.length === 0) return {};
  const task = evaluatorTitle(evaluator);
  return {
    metrics: metrics.map(([name]) => shortName(evaluator, name)),
    'model-index': [
      {
        name: modelName,
        results: [
          {
            task: { type: task.toLowerCase().replaceAll(' ', '-'), name: task },
            dataset: { name: evaluator.name || 'Unknown', type: evaluator.name || 'unknown' },
            metrics: metrics.map(([name, value]) => {
              const type = shortName(evaluator, name);
              return { type, value, name: titleCase(type) };
            }),
          },
        ],
      },
    ],
  };
}

function finalOf({ evaluations, bestStep }: TrainingCardData): CardEvaluation | undefined {
  return evaluations.find(({ step }) => step === bestStep) ?? evaluations.at(-1);
}

/** Evaluators whose task has another name than they. */
const tasks: Readonly<Record<string, string>> = {
  EmbeddingSimilarityEvaluator: 'Semantic Similarity',
  MSEEvaluator: 'Knowledge Distillation',
};

/** `InformationRetrievalEvaluator` as `Information Retrieval`. */
function evaluatorTitle({ kind }: CardEvaluator): string {
  const task = tasks[kind];
  if (task !== undefined) return task;
  const words = kind.replace(/Evaluator$/, '').match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g);
  return words?.join(' ') ?? 'Evaluation';
}

/** A metric without the name of the evaluator before it. */
function shortName({ name }: CardEvaluator, metric: string): string {
  return name !== '' && metric.startsWith(`${name}_`) ? metric.slice(name.length + 1) : metric;
}

/** The metrics of a run: those of the saved model, and all of them over time. */
export function evaluationSection(training: TrainingCardData): string {
  const { evaluator, evaluations } = training;
  const final = finalOf(training);
  if (evaluator === null || final === undefined) return '';
  const strong = (metric: string, text: string): string => (metric === evaluator.primaryMetric ? `**${text}**` : text);
  const title = (metric: string): string => strong(metric, plainText(shortName(evaluator, metric)));
  const metrics = Object.keys(final.metrics);
  const table = markdownTable(
    ['Metric', 'Value'],
    metrics.map((metric) => [title(metric), strong(metric, formatNumber(final.metrics[metric]))]),
  );
  const all = markdownTable(
    ['Epoch', 'Step', ...metrics.map(title)],
    evaluations.map(({ epoch, step, metrics: values }) => [
      formatNumber(epoch),
      String(step),
      ...metrics.map((metric) => strong(metric, formatNumber(values[metric]))),
    ]),
  );
  return [
    '## Evaluation',
    `### ${evaluatorTitle(evaluator)}`,
    [
      ...(evaluator.name === '' ? [] : [`- Dataset: ${codeText(evaluator.name)}`]),
      `- Evaluated with ${codeText(evaluator.kind)}, after step ${final.step}`,
    ].join('\n'),
    table,
    ...(evaluations.length > 1 ? [folded(`All ${evaluations.length} evaluations`, all)] : []),
  ].join('\n\n');
}
