import { createReadStream, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

import { sharedFolder } from './texts.js';

/** What a trainer is told: this library's or a peer's. All files are read by both. */
export interface FitRequest {
  /** A model folder to begin with. */
  readonly model: string;
  /** Rows to train on, an array of arrays of texts in a JSON file: anchor, positive, negatives. */
  readonly data: string;
  /** Of a row, the first so many; default: all. */
  readonly texts?: number;
  /** As so many datasets of one size, the rows dealt out in turns. Default: 1. */
  readonly datasets?: number;
  readonly batchSize: number;
  /** The rows are used once in all, or for so many steps. */
  readonly maxSteps?: number;
  readonly precision: 'float32' | 'bfloat16' | 'auto';
  readonly optimizer: 'adamw' | 'sparse_adam';
  /** Empty: the plain loss. */
  readonly matryoshkaDims: readonly number[];
  readonly sampler: 'no_duplicates' | 'sequential';
  /** Default: MultipleNegativesRankingLoss, and no label. */
  readonly loss?: LossRequest;
  /** This library's alone. Default: what both have. */
  readonly recipe?: Recipe;
  /** Where the trained model goes; nowhere without. */
  readonly output?: string;
}

/** A loss with its defaults, and the label that both sides make of a row's number. */
export interface LossRequest {
  readonly name: string;
  readonly label?: 'score' | 'binary' | 'class' | 'margin' | 'scores' | 'teacher';
}

/** What decides how well a model learns to retrieve, beside its data and its batches. */
export interface Recipe {
  readonly pooling: 'mean' | 'sqrt';
  /** Times the idf of the first rows; null for rows of one length. */
  readonly idfScale: number | null;
  readonly lossScale: number;
  /** Of the negatives in the batch. */
  readonly hardness: number;
  readonly learningRate: number;
  readonly epochs: number;
}

/** That of Sentence Transformers' own static models. */
export const plainRecipe: Recipe = {
  pooling: 'mean',
  idfScale: null,
  lossScale: 20,
  hardness: 0,
  learningRate: 0.2,
  epochs: 1,
};

/** That of docs/train.md, which bench:recipe compares with others. */
export const retrievalRecipe: Recipe = {
  pooling: 'sqrt',
  idfScale: 5,
  lossScale: 20,
  hardness: 9,
  learningRate: 1,
  epochs: 1,
};

export interface FitReply {
  readonly steps: number;
  readonly rows: number;
  /** The whole run: reading, tokenizing, training. */
  readonly seconds: number;
  /** Of one step, all that a step waits for included. */
  readonly msPerStep: number;
  readonly finalLoss: number;
  readonly peakRss: number;
  /** Of one step in milliseconds, where the trainer tells. */
  readonly stages?: Readonly<Record<string, number>>;
  /** Of the whole run in milliseconds: what is spent before and after the steps. */
  readonly overhead?: Readonly<Record<string, number>>;
  readonly version: string;
}

export const recipeDims = [1024, 512, 256, 128, 64, 32];

export type Row = readonly string[];

/** The project's own mixture of pairs, as far as it is there. */
export const mixtureFiles = ['arxiv-title-abstract', 'medquad', 'wikisplit'];

export function trainingFile(name: string): string {
  const file = path.join(sharedFolder, 'train', `${name}.jsonl.gz`);
  if (!existsSync(file))
    throw new Error(`expected pairs in ${file}, or --data FILE: JSON lines of anchor and positive`);
  return file;
}

/** Rows of a .jsonl or .jsonl.gz file: the values of `anchor`, `positive` and `negative`. */
export async function readRows(file: string): Promise<Row[]> {
  const bytes = createReadStream(file);
  const input = file.endsWith('.gz') ? bytes.pipe(createGunzip()) : bytes;
  const rows: Row[] = [];
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    if (line === '') continue;
    const { anchor, positive, negative } = JSON.parse(line) as Record<string, string | undefined>;
    rows.push([anchor, positive, negative].filter((text) => text !== undefined));
  }
  return rows;
}

/** In an order that looks random and is the same in every run: a linear congruential generator draws it. */
export function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  let state = 12;
  for (let i = result.length - 1; i > 0; --i) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    const other = result[j];
    const item = result[i];
    if (other === undefined || item === undefined) continue;
    result[i] = other;
    result[j] = item;
  }
  return result;
}

/**
 * The rows in an order in which every run of `batchSize` of them is a batch without duplicate texts: for comparisons in
 * which both sides shall see the same batches.
 */
export function inBatches(rows: readonly Row[], batchSize: number): Row[] {
  const ordered: Row[] = [];
  let waiting: Row[] = [];
  let seen = new Set<string>();
  const place = (row: Row): boolean => {
    if (row.some((text) => seen.has(text))) return false;
    for (const text of row) seen.add(text);
    ordered.push(row);
    if (ordered.length % batchSize === 0) seen = new Set();
    return true;
  };
  for (const row of rows) {
    if (seen.size === 0) waiting = waiting.filter((late) => !place(late));
    if (!place(row)) waiting.push(row);
  }
  return ordered;
}

export function readFitRequest(file: string): { request: FitRequest; rows: readonly Row[] } {
  const request = JSON.parse(readFileSync(file, 'utf8')) as FitRequest;
  const rows = JSON.parse(readFileSync(request.data, 'utf8')) as Row[];
  return { request, rows: rows.map((row) => row.slice(0, request.texts)) };
}

/** Of row `i`, with `texts` columns and a model of width `dim`; contenders/sentence_transformers_fit.py makes the same. */
export function labelOf(
  kind: NonNullable<LossRequest['label']>,
  i: number,
  texts: number,
  dim: number,
): number | number[] {
  switch (kind) {
    case 'score':
      return (i % 101) / 100;
    case 'binary':
      return i % 2;
    case 'class':
      return i % 256;
    case 'margin':
      return (i % 7) - 3;
    case 'scores':
      return Array.from({ length: texts - 1 }, (_, k) => ((i + 3 * k) % 7) - 3);
    case 'teacher':
      return Array.from({ length: dim }, (_, k) => Math.sin(i + k));
  }
}
