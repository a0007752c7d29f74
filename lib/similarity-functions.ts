/** How near two embeddings are; `euclidean` and `manhattan` give negative distances, so that more is always nearer. */
export type SimilarityFunction = 'cosine' | 'dot' | 'euclidean' | 'manhattan';

export const similarityFunctions: readonly SimilarityFunction[] = ['cosine', 'dot', 'euclidean', 'manhattan'];
