import { native, type NativeCommunities } from '../native/index.js';
import { atOnce, onPool } from '../native-call.js';
import { abortSignal, finiteNumber, knownOptions, positiveInteger, type OptionAdvice } from '../validate.js';
import { asAnyVectors, type AnyEmbeddingsInput } from '../vectors.js';

export interface CommunityDetectionOptions {
  /** Embeddings whose cosine is at least this are close. Default: 0.75. */
  readonly threshold?: number;
  /** Smaller communities are left out; at most the number of embeddings is used. Default: 10. */
  readonly minCommunitySize?: number;
}

export interface CommunityDetectionAsyncOptions extends CommunityDetectionOptions {
  /** Rejects with `signal.reason` as soon as it is aborted. */
  readonly signal?: AbortSignal;
}

const optionNames = ['threshold', 'minCommunitySize'];

const advice: OptionAdvice = {
  batchSize: 'no matrix of all scores is ever made, leave it out',
  showProgressBar: 'leave it out',
};

/**
 * Groups of embeddings that are close to one of them, its first. Blocks until it is done.
 *
 * Every embedding and all that are close to it make a community. They are taken from the largest on, each without the
 * members of those before it, where enough are left (`community_detection` of Sentence Transformers). What belongs to
 * none is left out.
 *
 * @returns Row numbers; the largest community first, in each the closest to its centre first.
 * @throws InvalidArgumentError naming the option, the vector or the value.
 */
export function communityDetection(
  embeddings: AnyEmbeddingsInput,
  options: CommunityDetectionOptions = {},
): number[][] {
  knownOptions('communityDetection', options, optionNames, {
    ...advice,
    signal: 'communityDetection blocks and cannot be interrupted; communityDetectionAsync has it',
  });
  const { threshold, least } = settings(options);
  const vectors = asAnyVectors('embeddings', embeddings);
  if (vectors.rows === 0) return [];
  const { rows, dim, precision } = vectors;
  return toArrays(atOnce(() => native.communities(vectors.block(0, rows), precision, dim, threshold, least)));
}

/** As `communityDetection`, on the threads of the pool while the calling thread goes on. */
export async function communityDetectionAsync(
  embeddings: AnyEmbeddingsInput,
  options: CommunityDetectionAsyncOptions = {},
): Promise<number[][]> {
  knownOptions('communityDetectionAsync', options, [...optionNames, 'signal'], advice);
  const { threshold, least } = settings(options);
  const signal = abortSignal('signal', options.signal);
  const vectors = asAnyVectors('embeddings', embeddings);
  if (vectors.rows === 0) return [];
  const { dim, precision } = vectors;
  return toArrays(
    await onPool([vectors], signal, ([rows], cancellation) =>
      native.communitiesAsync(rows, precision, dim, threshold, least, cancellation),
    ),
  );
}

function settings(options: CommunityDetectionOptions): { threshold: number; least: number } {
  return {
    threshold: finiteNumber('threshold', options.threshold ?? 0.75),
    least: positiveInteger('minCommunitySize', options.minCommunitySize ?? 10),
  };
}

function toArrays({ members, sizes }: NativeCommunities): number[][] {
  let begin = 0;
  return Array.from(sizes, (size) => Array.from(members.subarray(begin, (begin += size))));
}
