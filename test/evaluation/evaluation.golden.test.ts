import { beforeAll, expect, test } from '@jest/globals';
import {
  BinaryClassificationEvaluator,
  EmbeddingSimilarityEvaluator,
  MSEEvaluator,
  ParaphraseMiningEvaluator,
  RerankingEvaluator,
  SentenceTransformer,
  TranslationEvaluator,
  TripletEvaluator,
  type Evaluator,
  type Metrics,
} from 'stillvec';
import { describeWithShared, materializeModel, readGzippedJson } from '../support/shared';

interface Case {
  readonly evaluator: string;
  readonly options: { readonly teacher?: string };
  readonly inputs: object;
  readonly primaryMetric: string;
  readonly metrics: Metrics;
}

/** Takes options as they come from the file. */
type EvaluatorClass = new (options: never) => Evaluator;

const classes: Readonly<Record<string, EvaluatorClass>> = {
  BinaryClassificationEvaluator,
  EmbeddingSimilarityEvaluator,
  MSEEvaluator,
  ParaphraseMiningEvaluator,
  RerankingEvaluator,
  TranslationEvaluator,
  TripletEvaluator,
};

describeWithShared('the evaluators of Sentence Transformers', () => {
  const { cases } = readGzippedJson('goldens', 'evaluation', 'expected.json.gz') as { cases: readonly Case[] };
  const folders = Object.fromEntries(
    ['st-v6', 'st-v6-normalize'].map((name) => [name, materializeModel('goldens', 'encode', name)]),
  );
  let model: SentenceTransformer;

  beforeAll(async () => {
    model = await SentenceTransformer.load(folders['st-v6']!);
  });

  test.each(cases.map((golden) => [golden.evaluator, golden.options, golden] as const))(
    '%s %j gives the same metrics',
    async (name, { teacher, ...options }, { inputs, primaryMetric, metrics: expected }) => {
      const teacherModel =
        teacher === undefined ? {} : { teacherModel: await SentenceTransformer.load(folders[teacher]!) };
      const evaluator = new classes[name]!({ ...inputs, ...options, ...teacherModel } as never);
      const metrics = await evaluator.evaluate(model);
      expect(Object.keys(metrics)).toEqual(Object.keys(expected));
      for (const [metric, value] of Object.entries(expected)) {
        expect(Math.abs(metrics[metric]! - value)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)));
      }
      expect(evaluator.primaryMetric).toBe(primaryMetric);
    },
  );
});
