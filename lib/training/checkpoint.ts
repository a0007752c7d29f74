import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';

import { fromNative, InvalidArgumentError, ModelFormatError } from '../errors.js';
import type { JsonFields } from '../formats/json-fields.js';
import { readModelFolder } from '../formats/model-folder.js';
import {
  checkBytes,
  checkData,
  readSafetensorsHeader,
  readTensorBytes,
  tensorOf,
  writeSafetensors,
  type SafetensorsDtype,
  type SafetensorsHeader,
  type TensorSource,
} from '../formats/safetensors.js';
import { removeAbandoned, removeWhole, Staging } from '../formats/staging.js';
import { native, type NativeRunState, type NativeTable, type NativeTrainingRun } from '../native/index.js';
import { readState, writeState, type Progress, type RunSettings, type SavedState } from './checkpoint-state.js';

const stateFile = 'trainer_state.json';
const tensorFile = 'trainer_state.safetensors';

/** Metadata of the tensors: the checksum of the state, the run that saved it, and when, in milliseconds. */
const stateChecksum = 'stillvec.state';
const runKey = 'stillvec.run';
const savedKey = 'stillvec.saved';

/** A number behind the step has a checkpoint whose name a later run took. */
const folderPattern = /^checkpoint-(\d+)(?:-\d+)?$/;
const stagingPrefix = '.checkpoint-';

export type TableShape = Pick<NativeTable, 'rows' | 'dim'>;

/** The tables of a run by their names in the file, which are torch's. */
const tables = { weights: 'weights', exp_avg: 'firstMoment', exp_avg_sq: 'secondMoment' } as const;

/** Values copied at a time. */
const chunkLength = 1 << 20;

export function newRunId(): string {
  return randomBytes(8).toString('hex');
}

/**
 * Writes `outputDir/checkpoint-STEP`: the model as it stands, and beside it the state of the run. The folder appears
 * under its name only when it is complete and on the disk; a checkpoint of another run that has the name gets a number
 * behind it.
 *
 * @param saveModel - Writes the model's files into a folder.
 * @throws IoError naming the folder.
 */
export async function writeCheckpoint(
  outputDir: string,
  run: NativeTrainingRun,
  shape: TableShape,
  settings: RunSettings,
  progress: Progress,
  saveModel: (folder: string) => Promise<void>,
): Promise<void> {
  const name = `checkpoint-${progress.history.length}`;
  const present = await checkpointsIn(outputDir);
  const same = present.find((checkpoint) => checkpoint.name === name);
  // Its bits are those that this run would write again.
  if (same?.run === progress.runId && (await isWhole(path.join(outputDir, name)))) return;

  const files = await Staging.begin(outputDir, stagingPrefix);
  try {
    await saveModel(files.folder);
    // Later than those before it, whatever the clock says.
    const saved = Math.max(Date.now(), ...present.map((checkpoint) => checkpoint.saved + 1));
    await stageState(files, run, shape, settings, progress, saved);
    await files.sync();
    if (same !== undefined) await makeWay(outputDir, same, progress.runId);
    await files.place('', path.join(outputDir, name));
  } finally {
    await files.discard();
  }
}

/**
 * Removes what killed writers have left, and of the checkpoints of a run all but the last ones.
 *
 * @param best - The step of one that stays in any case, and is one of those to keep; the last one stays, too.
 */
export async function removeOldCheckpoints(
  outputDir: string,
  runId: string,
  keep: number,
  best: number | undefined,
): Promise<void> {
  await removeAbandoned(outputDir, stagingPrefix);
  const own = (await checkpointsIn(outputDir)).filter(({ run }) => run === runId);
  const old = own.slice(0, -keep);
  const isAmongOld = old.some((checkpoint) => stepOf(checkpoint) === best);
  if (isAmongOld && keep > 1) old.push(...own.slice(-keep).slice(0, 1));
  for (const checkpoint of old) {
    if (stepOf(checkpoint) !== best) await removeWhole(outputDir, checkpoint.name, stagingPrefix);
  }
}

/**
 * The table of the model in the checkpoint that a run has written at a step, in memory. Its state has another one, in
 * which AdamW has not moved every row yet.
 *
 * @param folder - Of its checkpoints.
 * @throws InvalidArgumentError where there is none; ModelFormatError for one that is damaged.
 */
export async function loadModelTable(folder: string, runId: string, step: number): Promise<NativeTable> {
  const own = (await checkpointsIn(folder)).filter(({ run }) => run === runId);
  const checkpoint = own.findLast((candidate) => stepOf(candidate) === step);
  if (checkpoint === undefined) {
    throw new InvalidArgumentError(
      `${folder} has no checkpoint of step ${step}, where the run to resume was best: loadBestModelAtEnd needs it`,
    );
  }
  const { table } = await readModelFolder(path.join(folder, checkpoint.name));
  const { file, byteOffset, dtype, rows, dim, scalesOffset } = table;
  return native.Table.load(file, byteOffset, dtype, rows, dim, scalesOffset, false);
}

async function stageState(
  files: Staging,
  run: NativeTrainingRun,
  { rows, dim }: TableShape,
  settings: RunSettings,
  progress: Progress,
  saved: number,
): Promise<void> {
  const { lastSteps, learningRates, losses, ...scalars } = run.state();
  const tensors: TensorSource[] = [
    ...Object.entries(tables).map(([name, table]): TensorSource => {
      const chunks = tableChunks(run, table, rows * dim);
      return { name, dtype: 'F32', shape: [rows, dim], chunks };
    }),
    { name: 'learning_rates', dtype: 'F64', shape: [learningRates.length], chunks: [bytesOf(learningRates)] },
    { name: 'losses', dtype: 'F64', shape: [losses.length], chunks: [bytesOf(losses)] },
    { name: 'last_steps', dtype: 'U32', shape: [lastSteps.length], chunks: [bytesOf(lastSteps)] },
  ];
  const state = Buffer.from(writeState(settings, scalars, progress));
  const metadata = {
    [stateChecksum]: native.checksum(state),
    [runKey]: progress.runId,
    [savedKey]: `${saved}`,
  };
  await files.write(tensorFile, (handle, file) => writeSafetensors(handle, file, tensors, { metadata }));
  await files.writeContent(stateFile, state);
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

/** Takes its name from a checkpoint: one of another run goes on under another name, a damaged one of this run goes. */
async function makeWay(outputDir: string, { name, run }: Checkpoint, runId: string): Promise<void> {
  if (run === runId) {
    await removeWhole(outputDir, name, stagingPrefix);
    return;
  }
  const taken = await readdir(outputDir);
  let number = 1;
  while (taken.includes(`${name}-${number}`)) ++number;
  await rename(path.join(outputDir, name), path.join(outputDir, `${name}-${number}`));
}

interface Checkpoint {
  readonly name: string;
  /** Undefined for one that is damaged, or older than these. */
  readonly run: string | undefined;
  readonly saved: number;
}

/** The checkpoints in a folder, in the order in which they were saved. */
async function checkpointsIn(outputDir: string): Promise<Checkpoint[]> {
  const checkpoints: Checkpoint[] = [];
  for (const name of await readdir(outputDir).catch(() => [])) {
    if (!folderPattern.test(name)) continue;
    const file = path.join(outputDir, name, tensorFile);
    const header = await readSafetensorsHeader(file).catch(() => undefined);
    const { [runKey]: run, [savedKey]: saved } = header?.metadata ?? {};
    const stats = await stat(saved === undefined ? path.join(outputDir, name) : file).catch(() => undefined);
    checkpoints.push({ name, run, saved: Number(saved ?? stats?.mtimeMs ?? 0) });
  }
  return checkpoints.sort((a, b) => a.saved - b.saved || stepOf(a) - stepOf(b));
}

function stepOf({ name }: Checkpoint): number {
  return Number(folderPattern.exec(name)?.[1]);
}

async function isWhole(folder: string): Promise<boolean> {
  try {
    await readCheckpoint(folder);
    await readModelFolder(folder);
    return true;
  } catch {
    return false;
  }
}

/**
 * Puts a run where the checkpoint of `outputDir` that was saved last left it. One that is damaged, or that was saved by
 * a run with other settings, is passed over with a warning, so long as one before it can be taken.
 *
 * @returns undefined where there is no checkpoint.
 * @throws InvalidArgumentError, ModelFormatError as `resumeRun` for the last one, where none can be taken.
 */
export async function resumeLatest(
  outputDir: string,
  run: NativeTrainingRun,
  shape: TableShape,
  settings: RunSettings,
): Promise<Progress | undefined> {
  const refused: Error[] = [];
  for (const { name } of (await checkpointsIn(outputDir)).reverse()) {
    try {
      const progress = await resumeRun(path.join(outputDir, name), run, shape, settings);
      for (const { message } of refused) {
        process.emitWarning(`${message}; the run goes on from ${name}`, { code: 'STILLVEC_CHECKPOINT_SKIPPED' });
      }
      return progress;
    } catch (error) {
      if (!(error instanceof ModelFormatError || error instanceof InvalidArgumentError)) throw error;
      refused.push(error);
    }
  }
  const [last] = refused;
  if (last !== undefined) throw last;
  return undefined;
}

/**
 * Puts a run where the checkpoint left it: its next steps have the bits that they would have had.
 *
 * @throws InvalidArgumentError naming the setting in which this run differs from the one that was saved.
 * @throws ModelFormatError for a checkpoint that is missing or damaged.
 */
export async function resumeRun(
  folder: string,
  run: NativeTrainingRun,
  shape: TableShape,
  settings: RunSettings,
): Promise<Progress> {
  const { state, header } = await readCheckpoint(folder);
  checkSettings(folder, settings, state.settings);
  const file = path.join(folder, tensorFile);
  const steps = state.progress.history.length - state.scalars.historyBegin;
  const bytes = (...tensor: [name: string, dtype: SafetensorsDtype, length: number | null]): Promise<ArrayBuffer> =>
    readTensorBytes(file, tensorOf(file, header, tensor[0], tensor[1], [tensor[2]]));
  const saved: NativeRunState = {
    ...state.scalars,
    learningRates: new Float64Array(await bytes('learning_rates', 'F64', steps)),
    losses: new Float64Array(await bytes('losses', 'F64', null)),
    lastSteps: new Uint32Array(await bytes('last_steps', 'U32', null)),
  };
  const [rows = 0, dim = 0] = tensorOf(file, header, 'weights', 'F32', [null, null]).shape;
  if (rows !== shape.rows || dim !== shape.dim) {
    throw new InvalidArgumentError(
      `${folder} was saved by a run of a table of ${rows} x ${dim}, but this model has ${shape.rows} x ${shape.dim}`,
    );
  }
  const load = (name: string): Promise<NativeTable> => {
    const { byteOffset } = tensorOf(file, header, name, 'F32', [rows, dim]);
    return native.Table.load(file, byteOffset, 'F32', rows, dim, null, true);
  };
  try {
    await run.restore(await load('weights'), await load('exp_avg'), await load('exp_avg_sq'), saved);
  } catch (error) {
    const reason = fromNative(error);
    if (!(reason instanceof InvalidArgumentError)) throw reason;
    throw new ModelFormatError(`${file}: ${reason.message}`, { cause: reason });
  }
  return { ...state.progress, runId: header.metadata[runKey] ?? newRunId() };
}

/** The state in a checkpoint, and the header of its tensors, whose bytes are those that were written. */
async function readCheckpoint(folder: string): Promise<{ state: SavedState; header: SafetensorsHeader }> {
  const file = path.join(folder, stateFile);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw new ModelFormatError(`${folder} holds no checkpoint`, { code: 'ERR_MODEL_NOT_FOUND', cause: error });
  }
  const tensorPath = path.join(folder, tensorFile);
  const header = await readSafetensorsHeader(tensorPath);
  checkBytes(file, bytes, header.metadata[stateChecksum]);
  await checkData(tensorPath, header);
  return { state: readState(file, bytes.toString()), header };
}

type Fingerprints = Readonly<Record<string, string>>;

function otherDatasets(folder: string, datasets: Fingerprints, saved: JsonFields): InvalidArgumentError {
  const [names, savedNames] = [Object.keys(datasets), saved.entries().map(([name]) => name)];
  if (names.join() !== savedNames.join()) {
    return new InvalidArgumentError(
      `${folder} was saved by a run on the datasets ${savedNames.join(', ')}, but this one has ${names.join(', ')}`,
    );
  }
  const other = names.filter((name) => datasets[name] !== saved.get(name)).join(', ');
  return new InvalidArgumentError(
    `${folder} was saved by a run on another dataset: other texts or labels, or in another order, in ${other}`,
  );
}

/** A run may be extended: its next steps then have the learning rates of a run of that length. */
const growing = ['epochs', 'maxSteps'];

/** What runs had before they could be told. */
const olderRuns: RunSettings = { pooling: 'mean', excludedIds: [] };

function checkSettings(folder: string, settings: RunSettings, saved: JsonFields): void {
  for (const [name, value] of Object.entries(settings)) {
    const before = saved.get(name) === undefined ? olderRuns[name] : saved.get(name);
    const [now, then] = [JSON.stringify(value), JSON.stringify(before)];
    if (now === then) continue;
    if (name === 'datasets') throw otherDatasets(folder, value as Fingerprints, saved.object(name));
    // JSON has null for no limit.
    if (growing.includes(name) && Number(value) > Number(before ?? Infinity)) continue;
    throw new InvalidArgumentError(`${folder} was saved by a run with ${name} ${then}, but this one has ${now}`);
  }
}
