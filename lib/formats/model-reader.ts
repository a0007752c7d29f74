import type { NativeTable } from '../native/index.js';
import type { ModelSettings } from './model-settings.js';
import type { LoadedTokenizer } from './tokenizer/load-tokenizer.js';

/** Bytes of a file that have been read, and that it has. */
export interface LoadProgress {
  readonly done: number;
  readonly total: number;
}

export interface ReadSettings {
  readonly mmap: boolean;
  readonly verify: boolean;
  /** Of a file of word vectors: how many words are read, and a tokenizer.json in the place of a made one. */
  readonly limit: number | undefined;
  readonly tokenizer: string | undefined;
  readonly onProgress: ((progress: LoadProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** A model that has been read but for its table. */
export interface ModelDescription {
  readonly settings: ModelSettings;
  readonly tokenizer: LoadedTokenizer;
  /** Called once. */
  loadTable(): Promise<NativeTable>;
}

/** A form that models have on disk. */
export interface ModelReader {
  matches(place: string): Promise<boolean>;
  /** @throws ModelFormatError, UnsupportedError, IoError naming the file. */
  read(place: string, settings: ReadSettings): Promise<ModelDescription>;
}
