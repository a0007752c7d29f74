export const similarityFunctions = ['cosine', 'dot', 'euclidean', 'manhattan'] as const;

/** How near two embeddings are; `euclidean` and `manhattan` give negative distances, so that more is always nearer. */
export type SimilarityFunction = (typeof similarityFunctions)[number];
