import { InvalidArgumentError } from '../../errors.js';
import { knownOptions, object, oneOf, type OptionAdvice } from '../../validate.js';

/** `cosine` is 1 - the cosine of the angle between two embeddings. */
export type DistanceMetric = 'cosine' | 'euclidean' | 'manhattan';

/** What losses of Sentence Transformers take and those here do not. */
const foreignOptions: OptionAdvice = {
  model: 'a loss here takes no model: leave it out',
  similarityFct: "its name is similarity: 'cosine' or 'dot'",
  lossFct: 'the error is squared: leave it out',
  cosScoreTransformation: 'cosines are compared as they are: leave it out',
  gatherAcrossDevices: 'there is one device: leave it out',
  miniBatchSize: 'batches of any size fit into memory: leave it out',
  miniBatchNumTokens: 'batches of any size fit into memory: leave it out',
  showProgressBar: 'fit has onProgress: leave it out',
};

/**
 * Refuses options that a loss does not have, and a model in their place, where Python has it.
 *
 * @throws InvalidArgumentError naming the loss.
 */
export function checkLossOptions(
  loss: string,
  options: unknown,
  known: readonly string[],
  advice: OptionAdvice = {},
): void {
  if ('encode' in object('options', options)) {
    throw new InvalidArgumentError(
      `expected options for ${loss} but received a model: a loss here takes none, ` +
        'model.fit({ trainDataset, loss }) brings them together',
    );
  }
  knownOptions(loss, options, known, { ...foreignOptions, ...advice });
}

export function distanceMetric(metric: unknown, standard: DistanceMetric): DistanceMetric {
  return oneOf('distanceMetric', metric ?? standard, ['cosine', 'euclidean', 'manhattan']);
}

export function dotOrCosine(similarity: unknown, standard: 'cosine' | 'dot'): 'cosine' | 'dot' {
  return oneOf('similarity', similarity ?? standard, ['cosine', 'dot']);
}
