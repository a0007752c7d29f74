// clang-format over every C++ file of native/, clang-tidy over those of the addon. Both in the version that the project
// is pinned to: other versions format and find other things. Run after a build: clang-tidy reads compile_commands.json.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { execFileSync } from 'node:child_process';
import { fail, run } from './support/run.mjs';
import { onPath } from './support/toolchain.mjs';

const version = 19;
const [format, tidy] = ['clang-format', 'clang-tidy'].map((name) =>
  onPath(`${name}-${version}`) ? `${name}-${version}` : name,
);
if (!onPath(format) || !onPath(tidy)) fail(`clang-format and clang-tidy ${version} are not installed`);

const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'native/*.cc', 'native/*.h'], {
  encoding: 'utf8',
})
  .trimEnd()
  .split('\n');
const formatted = await run(format, ['--dry-run', '-Werror', ...files]);
process.stdout.write(formatted.output);
console.log(`${format}: ${files.length} files, ${formatted.code === 0 ? 'all formatted' : 'not all formatted'}`);

const database = join('build', 'compile_commands.json');
if (!existsSync(database)) fail(`no ${database}: run \`npm run compile:native\` first`);
const sources = JSON.parse(readFileSync(database, 'utf8'))
  .map((entry) => relative('.', entry.file))
  .filter((file) => /^native.(?!test|bench|fuzz)/.test(file));
const found = [];
const queue = [...sources];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { code, output } = await run(tidy, ['-p', 'build', '--quiet', file]);
      if (code !== 0) found.push(file);
      if (code !== 0) process.stdout.write(output.replace(/^\d+ warnings.*\n/gm, ''));
    }
  }),
);
console.log(
  `${tidy}: ${sources.length} files, ${found.length === 0 ? 'nothing found' : `findings in ${found.join(', ')}`}`,
);
process.exit(formatted.code === 0 && found.length === 0 ? 0 : 1);
