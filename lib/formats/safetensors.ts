import { open, stat, type FileHandle } from 'node:fs/promises';
import { fromNative, IoError, messageOf, ModelFormatError, StillvecError, systemCode } from '../errors.js';
import { native } from '../native/index.js';
import { describe } from '../validate.js';
import { duplicateKey, JsonFields, parseJson } from './json-fields.js';
import { lfsMarkBytes, refuseLfsPointer } from './lfs-pointer.js';

/** Bits per element of every dtype that the format knows. */
const dtypeBits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  C64: 64,
  F64: 64,
  I64: 64,
  U64: 64,
} as const;

export type SafetensorsDtype = keyof typeof dtypeBits;

/** Where a tensor lies in its file. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** Bytes from the beginning of the file. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly tensors: readonly TensorInfo[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Where the tensors' bytes begin. */
  readonly dataStart: number;
}

/** A tensor to write; `chunks` yield its bytes in order, row-major and little-endian. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

const lengthBytes = 8;

/** The reference implementation refuses longer headers. */
const maxHeaderBytes = 100_000_000;

/** Tensor data begins at a multiple of this, so that the rows of a mapped table lie on cache lines. */
const dataAlignment = 64;

/**
 * Metadata of files that were written here: a checksum of the tensors' bytes, and one of the header in which its own
 * digits are zeros.
 */
const dataChecksum = 'stillvec.data';
const headerChecksum = 'stillvec.header';
const zeros = '0'.repeat(16);

function corrupt(file: string, message: string, cause?: unknown): ModelFormatError {
  return new ModelFormatError(`${file}: ${message}`, { cause });
}

/** Bytes of a tensor, or undefined where its bits do not fill bytes or do not fit a double exactly. */
function tensorBytes(dtype: SafetensorsDtype, shape: readonly number[]): number | undefined {
  const bits = shape.reduce((product, size) => product * size, dtypeBits[dtype]);
  return Number.isSafeInteger(bits) && bits % 8 === 0 ? bits / 8 : undefined;
}

async function readExactly(handle: FileHandle, file: string, length: number, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(buffer, done, length - done, position + done);
    if (bytesRead === 0) throw corrupt(file, `ends after ${position + done} bytes while it is read`);
    done += bytesRead;
  }
  return buffer;
}

function isDtype(value: string): value is SafetensorsDtype {
  return Object.hasOwn(dtypeBits, value);
}

function readTensor(name: string, fields: JsonFields, dataStart: number, fileSize: number): TensorInfo {
  const { file } = fields;
  const dtype = fields.string('dtype');
  if (!isDtype(dtype)) throw fields.invalid('dtype', `one of ${Object.keys(dtypeBits).join(', ')}`);
  const shape = fields.array('shape').map((size, i) => {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
      throw corrupt(file, `expected an integer at least 0 for ${name}.shape[${i}] but received ${describe(size)}`);
    }
    return size;
  });
  const [begin, end, ...rest] = fields.array('data_offsets');
  if (
    typeof begin !== 'number' ||
    typeof end !== 'number' ||
    rest.length > 0 ||
    !Number.isSafeInteger(begin) ||
    !Number.isSafeInteger(end) ||
    begin < 0 ||
    end < begin
  ) {
    const received = JSON.stringify(fields.get('data_offsets'));
    throw corrupt(file, `expected [begin, end] for ${name}.data_offsets but received ${received}`);
  }
  if (dataStart + end > fileSize) {
    throw corrupt(
      file,
      `tensor ${name} ends at data offset ${end}, but the file has only ${fileSize - dataStart} bytes of data`,
    );
  }
  const expected = tensorBytes(dtype, shape);
  if (expected !== end - begin) {
    throw corrupt(
      file,
      `tensor ${name} is ${dtype} [${shape.join(', ')}], which takes ${expected ?? 'no whole number of'} bytes, but ` +
        `data_offsets [${begin}, ${end}] give it ${end - begin}`,
    );
  }
  return { name, dtype, shape, byteOffset: dataStart + begin, byteLength: end - begin };
}

/** The data must be used up without overlap or gap, as the reference implementation demands. */
function checkLayout(file: string, tensors: readonly TensorInfo[], dataStart: number, fileSize: number): void {
  let previous: TensorInfo | undefined;
  let end = dataStart;
  for (const tensor of [...tensors].sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength)) {
    if (tensor.byteOffset < end) {
      throw corrupt(file, `tensor ${tensor.name} overlaps tensor ${previous?.name} at data offset ${end - dataStart}`);
    }
    if (tensor.byteOffset > end) {
      throw corrupt(
        file,
        `data offsets ${end - dataStart} to ${tensor.byteOffset - dataStart}, before tensor ${tensor.name}, belong to no tensor`,
      );
    }
    previous = tensor;
    end = tensor.byteOffset + tensor.byteLength;
  }
  if (end !== fileSize) throw corrupt(file, `the last ${fileSize - end} bytes belong to no tensor`);
}

/** Parses the JSON header of a file of `fileSize` bytes; `bytes` excludes the length before it. */
function parseHeader(file: string, bytes: Uint8Array, fileSize: number): SafetensorsHeader {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw corrupt(file, 'the header is not UTF-8', error);
  }
  const header = new JsonFields(file, '', parseJson(file, text));
  const duplicate = duplicateKey(text);
  if (duplicate !== undefined) throw corrupt(file, `the header has the key ${describe(duplicate)} twice`);

  const dataStart = lengthBytes + bytes.length;
  const metadata: Record<string, string> = {};
  const tensors: TensorInfo[] = [];
  for (const [name, value] of header.entries()) {
    const fields = new JsonFields(file, name, value);
    if (name === '__metadata__') {
      for (const [key] of fields.entries()) metadata[key] = fields.string(key);
    } else {
      tensors.push(readTensor(name, fields, dataStart, fileSize));
    }
  }
  checkLayout(file, tensors, dataStart, fileSize);
  const checksum = metadata[headerChecksum];
  checkBytes(file, Buffer.from(withHeaderChecksum(text, checksum, zeros)), checksum);
  return { tensors, metadata, dataStart };
}

function withHeaderChecksum(header: string, before: string | undefined, after: string): string {
  return header.replace(`"${headerChecksum}":"${before}"`, `"${headerChecksum}":"${after}"`);
}

/**
 * A tensor of the dtype and the shape, in which null is any size.
 *
 * @throws ModelFormatError naming the file and the tensor.
 */
export function tensorOf(
  file: string,
  { tensors }: SafetensorsHeader,
  name: string,
  dtype: SafetensorsDtype,
  shape: readonly (number | null)[],
): TensorInfo {
  const tensor = tensors.find((candidate) => candidate.name === name);
  if (tensor === undefined) throw new ModelFormatError(`${file}: has no tensor ${name}`);
  const fits = tensor.shape.length === shape.length && shape.every((n, i) => n === null || n === tensor.shape[i]);
  if (fits && tensor.dtype === dtype) return tensor;
  const expected = `${dtype} [${shape.map((size) => size ?? 'any').join(', ')}]`;
  throw new ModelFormatError(
    `${file}: expected ${expected} for ${name} but received ${tensor.dtype} [${tensor.shape.join(', ')}]`,
  );
}

/**
 * The bytes of a tensor.
 *
 * @throws ModelFormatError, IoError naming the file.
 */
export async function readTensorBytes(file: string, { byteOffset, byteLength }: TensorInfo): Promise<ArrayBuffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, byteOffset: start } = await readExactly(handle, file, byteLength, byteOffset);
    return buffer.slice(start, start + byteLength) as ArrayBuffer;
  } finally {
    await handle.close();
  }
}

/**
 * The same, part by part.
 *
 * @param partLength - Of all parts but the last one, in bytes.
 */
export async function* readTensorParts(
  file: string,
  { byteOffset, byteLength }: TensorInfo,
  partLength: number,
): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r');
  try {
    for (let begin = 0; begin < byteLength; begin += partLength) {
      yield await readExactly(handle, file, Math.min(partLength, byteLength - begin), byteOffset + begin);
    }
  } finally {
    await handle.close();
  }
}

/**
 * Compares bytes, undefined where the file is missing, with the checksum that they had, where that is known.
 *
 * @throws ModelFormatError naming the file.
 */
export function checkBytes(file: string, bytes: Uint8Array | undefined, expected: string | undefined): void {
  if (expected === undefined) return;
  if (bytes === undefined || native.checksum(bytes) !== expected) throw damaged(file);
}

function damaged(file: string): ModelFormatError {
  return corrupt(
    file,
    'its checksum is another than when it was written: restore it; or, where a model was changed on purpose, load it ' +
      'with verify: false and save it',
  );
}

/**
 * Compares the tensors' bytes with the checksum that the file has of them; files of others have none. A file that was
 * found whole is not read again while the system calls it unchanged: loading a model once more stays as quick as
 * mapping it.
 *
 * @throws ModelFormatError naming the file.
 */
export async function checkData(file: string, { metadata, dataStart }: SafetensorsHeader): Promise<void> {
  const expected = metadata[dataChecksum];
  if (expected === undefined) return;
  const state = await stateOf(file);
  if (state !== undefined && foundWhole.get(file) === state) return;
  if ((await fileChecksum(file, dataStart)) !== expected) throw damaged(file);
  if (state !== undefined && state === (await stateOf(file))) foundWhole.set(file, state);
}

/** The states in which files were last found whole. */
const foundWhole = new Map<string, string>();

/** A file may change again at the same time, as coarse as the clock of its file system is. */
const clockMs = 2000;

/** Another one whenever the file is written or replaced; undefined where that is too recent to tell. */
async function stateOf(file: string): Promise<string | undefined> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  if (stats === undefined || Date.now() - Number(stats.ctimeMs) < clockMs) return undefined;
  const { dev, ino, size, mtimeNs, ctimeNs } = stats;
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

async function fileChecksum(file: string, from: number): Promise<string> {
  try {
    return await native.checksumFile(file, from);
  } catch (error) {
    throw fromNative(error);
  }
}

/**
 * Reads the header of a safetensors file (little-endian u64 length, JSON, then the tensors' bytes); no tensor is read.
 *
 * @throws ModelFormatError `ERR_MODEL_NOT_FOUND` when there is no such file, `ERR_MODEL_CORRUPT` naming file, tensor and
 * value when anything in the header contradicts itself or the size of the file.
 * @throws IoError when the file cannot be read.
 */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'r');
    const { size } = await handle.stat();
    refuseLfsPointer(file, (await readExactly(handle, file, Math.min(size, lfsMarkBytes), 0)).toString('latin1'));
    if (size < lengthBytes)
      throw corrupt(file, `has ${size} bytes, fewer than the ${lengthBytes} of the header's length`);
    const length = (await readExactly(handle, file, lengthBytes, 0)).readBigUInt64LE();
    if (length > maxHeaderBytes) throw corrupt(file, `a header of ${length} bytes is longer than ${maxHeaderBytes}`);
    if (length > size - lengthBytes) {
      throw corrupt(file, `a header of ${length} bytes does not fit the file, which has ${size}`);
    }
    return parseHeader(file, await readExactly(handle, file, Number(length), lengthBytes), size);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') {
      throw new ModelFormatError(`${file}: no such file`, { code: 'ERR_MODEL_NOT_FOUND', cause: error });
    }
    if (error instanceof StillvecError) throw error;
    throw new IoError(`${file} cannot be read: ${messageOf(error)}`, { cause: error });
  } finally {
    await handle?.close();
  }
}

function encodeHeader(tensors: readonly TensorSource[], metadata: Readonly<Record<string, string>>): Buffer {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    const begin = end;
    end += tensorBytes(dtype, shape) ?? NaN;
    if (!Number.isSafeInteger(end)) throw new RangeError(`tensor ${name} has no size in bytes`);
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const dataStart = Math.ceil((lengthBytes + json.length) / dataAlignment) * dataAlignment;
  const bytes = Buffer.alloc(dataStart, ' ');
  bytes.writeBigUInt64LE(BigInt(dataStart - lengthBytes));
  json.copy(bytes, lengthBytes);
  return bytes;
}

/** The header with its own checksum in it. */
function checkedHeader(tensors: readonly TensorSource[], metadata: Readonly<Record<string, string>>): Buffer {
  const bytes = encodeHeader(tensors, { ...metadata, [headerChecksum]: zeros });
  const text = bytes.subarray(lengthBytes);
  Buffer.from(withHeaderChecksum(text.toString(), zeros, native.checksum(text))).copy(text);
  return bytes;
}

/**
 * Writes a safetensors file to an open handle, chunk by chunk, with checksums of all that it has. The header is padded
 * with spaces, which the format allows, so that the data begins at a multiple of 64 bytes.
 *
 * @param file - Path of the file that `handle` writes.
 */
export async function writeSafetensors(
  handle: FileHandle,
  file: string,
  tensors: readonly TensorSource[],
  { metadata = {}, signal }: { metadata?: Readonly<Record<string, string>>; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  // Its place, until the checksum of what follows it is known.
  const blank = encodeHeader(tensors, { ...metadata, [dataChecksum]: zeros, [headerChecksum]: zeros });
  await handle.writeFile(blank);
  for (const { name, dtype, shape, chunks } of tensors) {
    let written = 0;
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      await handle.writeFile(chunk);
      written += chunk.byteLength;
    }
    const expected = tensorBytes(dtype, shape);
    if (written !== expected)
      throw new RangeError(`tensor ${name} takes ${expected} bytes, its chunks gave ${written}`);
  }
  const checksum = await fileChecksum(file, blank.length);
  await handle.write(checkedHeader(tensors, { ...metadata, [dataChecksum]: checksum }), 0, blank.length, 0);
}
