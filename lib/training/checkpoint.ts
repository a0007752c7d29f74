import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';

import { InvalidArgumentError, IoError, messageOf, ModelFormatError } from '../errors.js';
import { JsonFields, parseJson } from '../formats/json-fields.js';
import { readSafetensorsHeader, writeSafetensors, type TensorInfo, type TensorSource } from '../formats/safetensors.js';
import { native, type NativeRunState, type NativeTable, type NativeTrainingRun } from '../native/index.js';
import type { FitEvaluation, FitStep } from './fit.js';

/** What a run has reported so far. */
export interface Progress {
  readonly history: readonly FitStep[];
  readonly evaluations: readonly FitEvaluation[];
  readonly rows: number;
}

/** All that decides how a run goes on, by name: a run may resume only where these are equal. */
export type RunSettings = Readonly<Record<string, unknown>>;

const stateFile = 'trainer_state.json';
const tensorFile = 'trainer_state.safetensors';
const folderPattern = /^checkpoint-(\d+)$/;

/** The tables of a run by their names in the file, which are torch's. */
const tables = { weights: 'weights', exp_avg: 'firstMoment', exp_avg_sq: 'secondMoment' } as const;

/** Values copied at a time. */
const chunkLength = 1 << 20;

/**
 * Writes `outputDir/checkpoint-STEP`: the model as it stands, and beside it the state of the run. The folder appears
 * under its name only when it is complete and on the disk.
 *
 * @param saveModel - Writes the model's files into a folder.
 * @param keep - How many checkpoints to keep; the oldest are removed.
 * @throws IoError naming the folder.
 */
export async function writeCheckpoint(
  outputDir: string,
  run: NativeTrainingRun,
  { rows, dim }: Pick<NativeTable, 'rows' | 'dim'>,
  settings: RunSettings,
  progress: Progress,
  saveModel: (folder: string) => Promise<void>,
  keep: number,
): Promise<void> {
  const step = progress.history.length;
  const folder = path.join(outputDir, `checkpoint-${step}`);
  const partial = path.join(outputDir, `.checkpoint-${step}-${randomUUID()}`);
  try {
    await mkdir(partial, { recursive: true });
    await saveModel(partial);
    const { lastSteps, learningRates, remainingRows, ...scalars } = run.state();
    const tensors: TensorSource[] = [
      ...Object.entries(tables).map(([name, table]): TensorSource => {
        const chunks = tableChunks(run, table, rows * dim);
        return { name, dtype: 'F32', shape: [rows, dim], chunks };
      }),
      { name: 'learning_rates', dtype: 'F64', shape: [learningRates.length], chunks: [bytesOf(learningRates)] },
      { name: 'last_steps', dtype: 'U32', shape: [lastSteps.length], chunks: [bytesOf(lastSteps)] },
      { name: 'remaining_rows', dtype: 'U32', shape: [remainingRows.length], chunks: [bytesOf(remainingRows)] },
    ];
    const json = JSON.stringify({ version: 1, settings, ...scalars, ...progress });
    const tensorPath = path.join(partial, tensorFile);
    await writeSynced(tensorPath, (handle) => writeSafetensors(handle, tensorPath, tensors));
    await writeSynced(path.join(partial, stateFile), (handle) => handle.writeFile(json));
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true }).catch(() => undefined);
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new IoError(`${outputDir} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  const steps = await checkpointSteps(outputDir);
  for (const old of steps.slice(0, -keep)) {
    await rm(path.join(outputDir, `checkpoint-${old}`), { recursive: true, force: true });
  }
}

async function writeSynced(
  file: string,
  write: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const handle = await open(file, 'w');
  try {
    await write(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function* tableChunks(
  run: NativeTrainingRun,
  table: (typeof tables)[keyof typeof tables],
  length: number,
): Generator<Uint8Array> {
  for (let begin = 0; begin < length; begin += chunkLength) {
    const chunk = new Float32Array(Math.min(chunkLength, length - begin));
    run.copyState(table, begin, chunk);
    yield bytesOf(chunk);
  }
}

/** The steps of the complete checkpoints in a folder, ascending. */
async function checkpointSteps(outputDir: string): Promise<number[]> {
  const names = await readdir(outputDir).catch(() => []);
  return names
    .map((name) => Number(folderPattern.exec(name)?.[1] ?? NaN))
    .filter((step) => !Number.isNaN(step))
    .sort((a, b) => a - b);
}

/** The newest checkpoint in `outputDir`, or undefined when there is none. */
export async function latestCheckpoint(outputDir: string): Promise<string | undefined> {
  const step = (await checkpointSteps(outputDir)).at(-1);
  return step === undefined ? undefined : path.join(outputDir, `checkpoint-${step}`);
}

/**
 * Puts a run where the checkpoint left it: its next steps have the bits that they would have had.
 *
 * @throws InvalidArgumentError naming the setting in which this run differs from the one that was saved.
 * @throws ModelFormatError for a checkpoint that is missing or damaged.
 */
export async function resumeRun(folder: string, run: NativeTrainingRun, settings: RunSettings): Promise<Progress> {
  const file = path.join(folder, stateFile);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ModelFormatError(`${folder} holds no checkpoint`, { code: 'ERR_MODEL_NOT_FOUND', cause: error });
  }
  const state = new JsonFields(file, '', parseJson(file, text));
  checkSettings(folder, settings, state.object('settings'));

  const tensorPath = path.join(folder, tensorFile);
  const { tensors } = await readSafetensorsHeader(tensorPath);
  const named = (name: string): TensorInfo => {
    const tensor = tensors.find((candidate) => candidate.name === name);
    if (tensor === undefined) throw new ModelFormatError(`${tensorPath}: has no tensor ${name}`);
    return tensor;
  };
  const table = (name: string): Promise<NativeTable> => {
    const { byteOffset, dtype, shape } = named(name);
    return native.Table.load(tensorPath, byteOffset, dtype, shape[0] ?? 0, shape[1] ?? 0, null);
  };
  const bytes = async (name: string): Promise<ArrayBuffer> => {
    const { byteOffset, byteLength } = named(name);
    const handle = await open(tensorPath);
    try {
      const values = new Uint8Array(byteLength);
      await handle.read(values, 0, byteLength, byteOffset);
      return values.buffer;
    } finally {
      await handle.close();
    }
  };
  const saved: NativeRunState = {
    lastSteps: new Uint32Array(await bytes('last_steps')),
    learningRates: new Float64Array(await bytes('learning_rates')),
    remainingRows: new Uint32Array(await bytes('remaining_rows')),
    historyBegin: state.integer('historyBegin'),
    randomState: state.string('randomState'),
    epoch: state.integer('epoch'),
    epochBegun: state.boolean('epochBegun'),
  };
  run.restore(await table('weights'), await table('exp_avg'), await table('exp_avg_sq'), saved);
  return {
    history: state.array('history') as readonly FitStep[],
    evaluations: state.array('evaluations') as readonly FitEvaluation[],
    rows: state.integer('rows'),
  };
}

function checkSettings(folder: string, settings: RunSettings, saved: JsonFields): void {
  for (const [name, value] of Object.entries(settings)) {
    const [now, then] = [JSON.stringify(value), JSON.stringify(saved.get(name))];
    if (now === then) continue;
    throw new InvalidArgumentError(`${folder} was saved by a run with ${name} ${then}, but this one has ${now}`);
  }
}
