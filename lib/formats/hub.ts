import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import { ModelFormatError, UnsupportedError } from '../errors.js';
import { resolveFolder, type HubOptions } from './hub-cache.js';
import type { HubRepository } from './hub-repository.js';
import { legacySource, tableFile, tokenizerFile } from './model-files.js';
import { sourceOf } from './model-version.js';

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** A static model. */
const modelRepository: HubRepository = {
  type: 'model',
  files:
    /^(?:README\.md|modules\.json|config\.json|(?:0_StaticEmbedding\/|model-[\w-]+\/)?(?:tokenizer\.json|model\.safetensors|pooling\.json|config_sentence_transformers\.json)|1_Normalize\/config\.json)$/,

  /** Whether there are a table and a tokenizer. */
  async isComplete(folder) {
    for (const source of new Set([(await sourceOf(folder)) ?? '.', '.', legacySource])) {
      const files = await Promise.all([tokenizerFile, tableFile].map((name) => isFile(join(folder, source, name))));
      if (files.every(Boolean)) return true;
    }
    return false;
  },

  checkListed(id, paths) {
    if (paths.some((path) => path.endsWith('model.safetensors'))) return;
    throw new UnsupportedError(`${id} has no model.safetensors, so it is no static embedding model that can be loaded`);
  },

  notFound: (message, options) => new ModelFormatError(message, { ...options, code: 'ERR_MODEL_NOT_FOUND' }),
};

/**
 * The folder of a model: `model` itself where it is one; else the snapshot of that Hub id (`organisation/name`) in the
 * local Hugging Face cache; else, unless `localFilesOnly`, a download into that cache.
 *
 * @throws ModelFormatError `ERR_MODEL_NOT_FOUND` when there is neither folder nor model.
 * @throws MissingDependencyError when it would have to be downloaded and `@huggingface/hub` is not installed.
 * @throws IoError when the download fails.
 */
export async function resolveModelFolder(model: string, options: HubOptions = {}): Promise<string> {
  return resolveFolder(modelRepository, model, options);
}
