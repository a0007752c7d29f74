import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { resolveModelFolder, type HubOptions } from '../../lib/formats/hub.js';

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

  beforeEach(async () => {
    requests = [];
    listed = files;
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://hub');
      requests.push(url.pathname);
      const resolved = /^\/org\/name\/(?:resolve|raw)\/([^/]+)\/(.*)$/.exec(url.pathname);
      const send = (value: unknown): void => {
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify(value));
      };
      if (url.pathname === '/api/models/org/name/revision/main') {
        send({
          _id: '1',
          id: 'org/name',
          sha: commit,
          downloads: 0,
          likes: 0,
          private: false,
          gated: false,
          lastModified: '2026-01-01',
        });
      } else if (url.pathname === `/api/models/org/name/tree/${commit}`) {
        send(listed.map((path) => ({ type: 'file', path, oid: 'x', size: `content of ${path}`.length })));
      } else if (resolved?.[1] === commit && resolved[2] !== undefined && listed.includes(resolved[2])) {
        const content = Buffer.from(`content of ${resolved[2]}`);
        const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
        const begin = Number(range?.[1] ?? 0);
        const end = Math.min(
          range?.[2] === undefined || range[2] === '' ? Infinity : Number(range[2]) + 1,
          content.length,
        );
        response.writeHead(range === null ? 200 : 206, {
          etag: `"${resolved[2]}"`,
          'content-length': end - begin,
          'content-range': `bytes ${begin}-${end - 1}/${content.length}`,
        });
        response.end(request.method === 'HEAD' ? undefined : content.subarray(begin, end));
      } else {
        response.writeHead(404);
        response.end('{"error":"Repository not found"}');
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    server.close();
  });

  /** Calls resolveModelFolder in a process of its own, since jest's context knows no dynamic import. */
  async function resolveInProcess(id: string, variables: NodeJS.ProcessEnv = {}): Promise<Record<string, string>> {
    const script = `
      const { resolveModelFolder } = require(${JSON.stringify(require.resolve('../../lib/formats/hub.js'))});
      resolveModelFolder(${JSON.stringify(id)}).then(
        (folder) => console.log(JSON.stringify({ folder })),
        ({ name, code, message }) => console.log(JSON.stringify({ name, code, message })));`;
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { ...process.env, HF_ENDPOINT: endpoint, ...variables };
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env });
    return JSON.parse(stdout) as Record<string, string>;
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

  test('tells models that are not there from a hub that cannot be reached', async () => {
    expect(await resolveInProcess('org/other')).toMatchObject({ code: 'ERR_MODEL_NOT_FOUND' });
    expect(await resolveInProcess('org/name', { HF_ENDPOINT: 'http://127.0.0.1:1' })).toMatchObject({ code: 'ERR_IO' });
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
