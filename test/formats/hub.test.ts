import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SentenceTransformer } from 'stillvec';
import type { HubOptions } from '../../lib/formats/hub-cache.js';
import { resolveModelFolder } from '../../lib/formats/hub.js';

const root = mkdtempSync(join(tmpdir(), 'stillvec-hub-'));
afterAll(() => {
  rmSync(root, { recursive: true });
});

const environment = { ...process.env };
let cache: string;
beforeEach(() => {
  cache = join(mkdtempSync(join(root, 'home-')), 'hub');
  mkdirSync(cache);
  process.env = { ...environment, HF_HOME: dirname(cache) };
  delete process.env['HF_HUB_CACHE'];
  delete process.env['HF_TOKEN'];
});
afterEach(() => {
  process.env = environment;
});

const commit = '0123456789abcdef0123456789abcdef01234567';

function writeFiles(folder: string, files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), `content of ${file}`);
  }
}

/** Puts a snapshot into the cache, as Hugging Face's libraries do, and returns its folder. */
function cacheSnapshot(repository: string, files: readonly string[], revision = 'main'): string {
  const snapshot = join(cache, repository, 'snapshots', commit);
  writeFiles(snapshot, files);
  mkdirSync(join(cache, repository, 'refs'), { recursive: true });
  writeFileSync(join(cache, repository, 'refs', revision), commit);
  return snapshot;
}

describe('resolveModelFolder without the network', () => {
  const offline = { localFilesOnly: true };
  const modelFiles = ['tokenizer.json', 'model.safetensors'];

  test('takes a folder as it is, even if its name looks like an id', async () => {
    expect(await resolveModelFolder(root, offline)).toBe(root);
    expect(await resolveModelFolder('test/formats', offline)).toBe('test/formats');
  });

  test('finds a model in the cache, by branch, tag and commit', async () => {
    const snapshot = cacheSnapshot('models--org--name', modelFiles);
    expect(await resolveModelFolder('org/name')).toBe(snapshot);
    expect(await resolveModelFolder('org/name', { ...offline, revision: commit })).toBe(snapshot);
    cacheSnapshot('models--org--name', [], 'v1.0');
    expect(await resolveModelFolder('org/name', { ...offline, revision: 'v1.0' })).toBe(snapshot);
  });

  test('finds the older layout, and ids without an organisation', async () => {
    const snapshot = cacheSnapshot(
      'models--name',
      modelFiles.map((file) => join('0_StaticEmbedding', file)),
    );
    expect(await resolveModelFolder('name', offline)).toBe(snapshot);
  });

  test('looks where it is told to', async () => {
    const snapshot = cacheSnapshot('models--org--name', modelFiles);
    process.env['HF_HOME'] = root;
    await expect(resolveModelFolder('org/name', offline)).rejects.toThrow(join(root, 'hub'));
    expect(await resolveModelFolder('org/name', { ...offline, cacheFolder: cache })).toBe(snapshot);
    process.env['HF_HUB_CACHE'] = cache;
    expect(await resolveModelFolder('org/name', offline)).toBe(snapshot);
  });

  test.each<[string, HubOptions, NodeJS.ProcessEnv]>([
    ['localFilesOnly', { localFilesOnly: true }, {}],
    ['HF_HUB_OFFLINE', {}, { HF_HUB_OFFLINE: '1' }],
  ])('reports a model that is not there, with %s', async (_, options, variables) => {
    Object.assign(process.env, variables);
    cacheSnapshot('models--org--broken', ['tokenizer.json']);
    for (const id of ['org/none', 'org/broken']) {
      await expect(resolveModelFolder(id, options)).rejects.toMatchObject({
        code: 'ERR_MODEL_NOT_FOUND',
        message: `${id} is neither a folder nor (revision main) in the cache ${cache}, and downloads are off`,
      });
    }
  });

  test.each(['./none', '/none', '../a/b', 'a/b/c', 'a\\b', '', 'org/../name'])(
    'never asks the hub for %p',
    async (path) => {
      await expect(resolveModelFolder(path)).rejects.toMatchObject({
        code: 'ERR_MODEL_NOT_FOUND',
        message: `${path}: no such model folder`,
      });
    },
  );

  test('a reference of the cache leads nowhere else', async () => {
    writeFiles(join(root, 'elsewhere'), modelFiles);
    cacheSnapshot('models--org--name', modelFiles);
    writeFileSync(join(cache, 'models--org--name', 'refs', 'main'), '../../../../elsewhere');
    await expect(resolveModelFolder('org/name', offline)).rejects.toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
  });

  test.each(['../main', 'a/../../b', '/main', '', 'a//b', '..'])('refuses the revision %p', async (revision) => {
    await expect(resolveModelFolder('org/name', { ...offline, revision })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('expected a branch, tag or commit for revision'),
    });
  });

  test('load obeys HF_HUB_OFFLINE, unless it is told otherwise', async () => {
    Object.assign(process.env, { HF_HUB_OFFLINE: '1', HF_ENDPOINT: 'http://127.0.0.1:1' });
    await expect(SentenceTransformer.load('org/name')).rejects.toMatchObject({
      code: 'ERR_MODEL_NOT_FOUND',
      message: expect.stringContaining('downloads are off'),
    });
    await expect(SentenceTransformer.load('org/name', { localFilesOnly: false })).rejects.not.toThrow(
      'downloads are off',
    );
  });

  test('obeys a signal that is aborted', async () => {
    const reason = new Error('enough');
    await expect(resolveModelFolder(root, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('resolveModelFolder with a hub', () => {
  const files = [
    'README.md',
    'modules.json',
    'config_sentence_transformers.json',
    '0_StaticEmbedding/tokenizer.json',
    '0_StaticEmbedding/model.safetensors',
    'onnx/model.onnx',
    'pytorch_model.bin',
  ];
  let server: Server;
  let requests: string[];
  let listed: readonly string[];
  /** What the hub says is its commit. */
  let sha: string;
  /** What it sends for a file. */
  let sent: (path: string) => Buffer;
  /** Whether it falls silent after the headers of a file. */
  let stalls: boolean;

  /** What files hold, where it matters. */
  let texts: Readonly<Record<string, string>>;

  const content = (path: string): Buffer => Buffer.from(texts[path] ?? `content of ${path}`);
  const hex = (algorithm: string, bytes: Buffer | string): string => createHash(algorithm).update(bytes).digest('hex');
  const entry = (path: string): object => {
    const { length } = content(path);
    const lfs = { oid: hex('sha256', content(path)), size: length, pointerSize: 130 };
    const oid = hex('sha1', `blob ${length}\0${content(path).toString()}`);
    return { type: 'file', path, oid, size: length, ...(path.endsWith('.safetensors') ? { lfs } : {}) };
  };

  beforeEach(async () => {
    requests = [];
    texts = {};
    listed = files;
    sha = commit;
    sent = content;
    stalls = false;
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://hub');
      requests.push(url.pathname);
      const resolved = /^(?:\/datasets)?\/org\/name\/(?:resolve|raw)\/([^/]+)\/(.*)$/.exec(url.pathname);
      const send = (value: unknown): void => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(value));
      };
      if (/^\/api\/(?:models|datasets)\/org\/name\/revision\/main$/.test(url.pathname)) {
        send({
          _id: '1',
          id: 'org/name',
          sha,
          downloads: 0,
          likes: 0,
          private: false,
          gated: false,
          lastModified: '2026-01-01',
        });
      } else if (/^\/api\/(?:models|datasets)\/org\/name\/tree\/(.*)$/.exec(url.pathname)?.[1] === commit) {
        send(listed.map(entry));
      } else if (resolved?.[1] === commit && resolved[2] !== undefined && listed.includes(resolved[2])) {
        const bytes = sent(resolved[2]);
        const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
        const begin = Number(range?.[1] ?? 0);
        const end = Math.min(
          range?.[2] === undefined || range[2] === '' ? Infinity : Number(range[2]) + 1,
          bytes.length,
        );
        response.writeHead(range === null ? 200 : 206, {
          etag: `"${resolved[2]}"`,
          'content-length': end - begin,
          'content-range': `bytes ${begin}-${end - 1}/${bytes.length}`,
        });
        if (stalls && range === null) response.write(bytes.subarray(0, 3));
        else response.end(request.method === 'HEAD' ? undefined : bytes.subarray(begin, end));
      } else {
        response.writeHead(404);
        response.end('{"error":"Repository not found"}');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const compiled = (file: string): string => JSON.stringify(require.resolve(`../../lib/formats/${file}`));

  /** Resolves a folder in a process of its own, since jest's context knows no dynamic import. */
  async function resolveInProcess(
    id: string,
    variables: NodeJS.ProcessEnv = {},
    resolve = `require(${compiled('hub.js')}).resolveModelFolder`,
  ): Promise<Record<string, unknown>> {
    const script = `
      (${resolve})(${JSON.stringify(id)}).then(
        (folder) => console.log(JSON.stringify({ folder })),
        ({ name, code, message }) => console.log(JSON.stringify({ name, code, message })));`;
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { ...process.env, HF_ENDPOINT: endpoint, ...variables };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  test('downloads the files of a static model once, in one commit', async () => {
    const snapshot = join(cache, 'models--org--name', 'snapshots', commit);
    expect(await resolveInProcess('org/name')).toEqual({ folder: snapshot });
    for (const file of files) {
      const wanted = !file.startsWith('onnx') && !file.endsWith('.bin');
      expect(existsSync(join(snapshot, file))).toBe(wanted);
      if (wanted) expect(readFileSync(join(snapshot, file), 'utf8')).toBe(`content of ${file}`);
    }
    expect(readFileSync(join(cache, 'models--org--name', 'refs', 'main'), 'utf8')).toBe(commit);
    requests.length = 0;
    expect(await resolveInProcess('org/name')).toEqual({ folder: snapshot });
    expect(requests).toEqual([]);
  });

  test.each<[string, string, (path: string, bytes: Buffer) => Buffer]>([
    [
      'a flipped bit of the table',
      'model.safetensors has the hash',
      (path, bytes) => flipIn('safetensors', path, bytes),
    ],
    [
      'a flipped bit of the tokenizer',
      'tokenizer.json has the hash',
      (path, bytes) => flipIn('tokenizer', path, bytes),
    ],
    [
      'a table that ends early',
      'model.safetensors ends after 10 of',
      (path, bytes) => (path.endsWith('safetensors') ? bytes.subarray(0, 10) : bytes),
    ],
    [
      'a table that is too long',
      'bytes that the hub lists',
      (path, bytes) => (path.endsWith('safetensors') ? Buffer.concat([bytes, bytes]) : bytes),
    ],
  ])('refuses %s, and keeps nothing of it', async (_, message, spoil) => {
    sent = (path) => spoil(path, content(path));
    expect(await resolveInProcess('org/name')).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining(message),
    });
    expect(existsSync(join(cache, 'models--org--name', 'refs'))).toBe(false);
    sent = content;
    const snapshot = join(cache, 'models--org--name', 'snapshots', commit);
    expect(await resolveInProcess('org/name')).toEqual({ folder: snapshot });
    for (const file of readdirSync(snapshot, { recursive: true, encoding: 'utf8' })) {
      if (statSync(join(snapshot, file)).isFile()) {
        expect(readFileSync(join(snapshot, file), 'utf8')).toBe(`content of ${file}`);
      }
    }
  });

  test('keeps nothing of a refused file that is slow to be opened', async () => {
    sent = (path) => flipIn('safetensors', path, content(path));
    const resolve = `(() => {
      const fs = require('node:fs');
      const { open } = fs;
      fs.open = (...args) => setTimeout(() => open(...args), 200);
      return require(${compiled('hub.js')}).resolveModelFolder;
    })()`;
    expect(await resolveInProcess('org/name', {}, resolve)).toMatchObject({ code: 'ERR_IO' });
    const left = readdirSync(cache, { recursive: true, encoding: 'utf8' });
    expect(left.filter((path) => path.endsWith('.incomplete'))).toEqual([]);
  });

  function flipIn(name: string, path: string, bytes: Buffer): Buffer {
    if (!path.includes(name)) return bytes;
    const flipped = Buffer.from(bytes);
    flipped[5]! ^= 1;
    return flipped;
  }

  test.each(['../../../../out', '', 'main', commit.slice(1), 7])('refuses the commit %p of a hub', async (hostile) => {
    sha = hostile as string;
    expect(await resolveInProcess('org/name')).toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('expected a commit hash for sha'),
    });
    expect(existsSync(join(cache, 'models--org--name'))).toBe(false);
  });

  test('gives up a download of which nothing comes any more', async () => {
    stalls = true;
    expect(await resolveInProcess('org/name', { HF_HUB_DOWNLOAD_TIMEOUT: '0.3' })).toEqual({
      name: 'IoError',
      code: 'ERR_IO',
      message: 'org/name cannot be downloaded: the hub has sent nothing for 0.3 s',
    });
    expect(await resolveInProcess('org/name', { HF_HUB_DOWNLOAD_TIMEOUT: 'soon' })).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: 'expected a number of seconds for HF_HUB_DOWNLOAD_TIMEOUT but received "soon"',
    });
  });

  test('tells models that are not there from a hub that cannot be reached', async () => {
    expect(await resolveInProcess('org/other')).toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
    expect(await resolveInProcess('org/name', { HF_ENDPOINT: 'http://127.0.0.1:1' })).toMatchObject({ code: 'ERR_IO' });
  });

  test('downloads what is needed of a dataset', async () => {
    listed = ['corpus/a.parquet', 'queries/a.parquet', 'corpus/b.parquet', 'README.md'];
    const resolve = `(id) => require(${compiled('hub-cache.js')}).resolveFolder({
      type: 'dataset',
      files: /^(?:corpus|queries)\\/a\\.parquet$/,
      isComplete: async (folder) => require('node:fs').existsSync(folder + '/corpus/a.parquet'),
      checkListed: (_, paths) => { if (paths.length !== 2) throw new Error(paths.join()); },
      notFound: (message) => new RangeError(message),
    }, id)`;
    const snapshot = join(cache, 'datasets--org--name', 'snapshots', commit);
    expect(await resolveInProcess('org/name', {}, resolve)).toEqual({ folder: snapshot });
    const found = readdirSync(snapshot, { recursive: true, encoding: 'utf8' }).sort();
    expect(found).toEqual(['corpus', 'corpus/a.parquet', 'queries', 'queries/a.parquet']);
    requests.length = 0;
    expect(await resolveInProcess('org/name', {}, resolve)).toEqual({ folder: snapshot });
    expect(requests).toEqual([]);
    expect(await resolveInProcess('org/other', {}, resolve)).toEqual({
      name: 'RangeError',
      message: expect.stringContaining('org/other: the hub has no such dataset'),
    });
  });

  describe('the datasets of NanoBEIR', () => {
    const model = `({
      similarityFnName: 'cosine',
      encodeQuery: async (texts) => ({ data: new Float32Array(texts.length).fill(1), shape: [texts.length, 1] }),
      encodeDocument: async (texts) => ({ data: new Float32Array(texts.length).fill(1), shape: [texts.length, 1] }),
      encode() {},
      searchTopK: () => ({ indices: Uint32Array.of(0, 1), scores: Float32Array.of(1, 1), k: 2 }),
    })`;
    const evaluate = `(datasetId) => new (require(${JSON.stringify(require.resolve('stillvec'))}).NanoBEIREvaluator)({
      datasetId,
      datasetNames: ['nq'],
    }).evaluate(${model}).then((metrics) => metrics['NanoBEIR_mean_cosine_mrr@10'])`;

    test('are downloaded and read', async () => {
      texts = {
        'corpus/NanoNQ.jsonl': '{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}',
        'queries/NanoNQ.jsonl': '{"_id": "q1", "text": "which"}',
        'qrels/NanoNQ.jsonl': '{"query-id": "q1", "corpus-id": "d2"}',
      };
      listed = [...Object.keys(texts), 'corpus/NanoMSMARCO.jsonl', 'README.md'];
      expect(await resolveInProcess('org/name', {}, evaluate)).toEqual({ folder: 0.5 });
      const snapshot = join(cache, 'datasets--org--name', 'snapshots', commit);
      expect(existsSync(join(snapshot, 'corpus/NanoMSMARCO.jsonl'))).toBe(false);
    });

    test('are refused where a file is not listed, and where the hub has none', async () => {
      listed = ['corpus/NanoNQ-00000-of-00001.parquet', 'queries/NanoNQ-00000-of-00001.parquet'];
      expect(await resolveInProcess('org/name', {}, evaluate)).toEqual({
        name: 'UnsupportedError',
        code: 'ERR_UNSUPPORTED',
        message: 'org/name has no qrels/NanoNQ-*.parquet, as NanoBEIR has',
      });
      expect(await resolveInProcess('org/other', {}, evaluate)).toMatchObject({ name: 'IoError', code: 'ERR_IO' });
    });
  });

  test('downloads the pooling of a model, and no code', async () => {
    const needed = ['model.safetensors', 'modules.json', 'pooling.json', 'tokenizer.json'];
    listed = [...needed, 'stillvec_pooling.py'];
    const snapshot = join(cache, 'models--org--name', 'snapshots', commit);
    expect(await resolveInProcess('org/name')).toEqual({ folder: snapshot });
    expect(readdirSync(snapshot).sort()).toEqual(needed);
  });

  test('downloads nothing of a model that has no safetensors', async () => {
    listed = ['pytorch_model.bin', 'tokenizer.json'];
    expect(await resolveInProcess('org/name')).toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringContaining('org/name has no model.safetensors'),
    });
    expect(existsSync(join(cache, 'models--org--name'))).toBe(false);
  });
});
