/** The files of a model folder, by Sentence Transformers' names. */
export const modulesFile = 'modules.json';
export const settingsFile = 'config_sentence_transformers.json';
export const tableFile = 'model.safetensors';
export const tokenizerFile = 'tokenizer.json';
export const cardFile = 'README.md';
/** Only of a model whose pooling is not the mean of all tokens: which one it is. */
export const poolingFile = 'pooling.json';
export const normalizeFolder = '1_Normalize';

/** Where its older versions put the table and the tokenizer. */
export const legacySource = '0_StaticEmbedding';

/** The table's tensor: Sentence Transformers', Model2Vec's, and one that neither takes for its own. */
export const tableName = 'embedding.weight';
export const model2vecTableName = 'embeddings';
export const weightedTableName = 'weighted_embedding.weight';

/** An int8 table that was saved here has the scales of its rows beside it; others hold the values themselves. */
export const scalesName = 'embedding.scales';

/** Metadata of a table that was saved here: the checksums of the files that it was saved with. */
export const tokenizerChecksum = 'stillvec.tokenizer';
export const settingsChecksum = 'stillvec.settings';
export const poolingChecksum = 'stillvec.pooling';
