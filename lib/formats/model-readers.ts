import { modelFolderReader } from './model-folder.js';
import type { ModelDescription, ModelReader, ReadSettings } from './model-reader.js';
import { wordVectorReader } from './word-vectors.js';

/** The first one that matches reads; the last one says what is wrong with what nobody knows. */
const readers: readonly ModelReader[] = [wordVectorReader, modelFolderReader];

/** @throws What the reader of the place throws. */
export async function readModel(place: string, settings: ReadSettings): Promise<ModelDescription> {
  for (const reader of readers) {
    if (await reader.matches(place)) return reader.read(place, settings);
  }
  return modelFolderReader.read(place, settings);
}
