// Fails if a prebuilt addon asks for a newer C or C++ library than the systems we promise have, exports symbols that could
// clash with another addon's, or has grown beyond its size: `node scripts/check-binary.mjs FILE...`
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

// The C library that Node 20 itself needs, and the C++ library of the systems that have it (RHEL 8, Debian 10).
const newest = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11' };
// What Node looks up, and what the toolchain marks an ELF file with.
const exported = /^(napi_register_module_v\d+|node_api_module_get_api_version_v\d+|_init|_fini)$/;
const maxBytes = 4 * 1024 * 1024;

const files = process.argv.slice(2);
if (files.length === 0) throw new Error('usage: node scripts/check-binary.mjs FILE...');
for (const file of files) {
  const symbols = dynamicSymbols(file);
  const problems = [...checkNeeds(symbols), ...checkExports(symbols), ...checkSize(file)];
  console.log(`${file}: ${(statSync(file).size / 1024).toFixed(0)} kB, ${problems.length === 0 ? 'good' : 'not good'}`);
  for (const problem of problems) console.log(`  ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
}

/** The dynamic symbols of an ELF file of any architecture, as { name, library, version, defined }. */
function dynamicSymbols(file) {
  const text = execFileSync('readelf', ['--wide', '--dyn-syms', file], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const lines = text.matchAll(/^ +\d+: \S+ +\S+ \w+ +(?:GLOBAL|WEAK) +\w+ +(\S+) (\w+)(?:@+([A-Z]+)_([\d.]+))?/gm);
  return [...lines].map(([, section, name, library, version]) => ({
    name,
    library,
    version,
    defined: section !== 'UND',
  }));
}

function checkNeeds(symbols) {
  if (!symbols.some(({ name }) => name.startsWith('napi_'))) return ['has no Node-API symbols: not an addon'];
  return symbols
    .filter(({ library, version }) => library in newest && compare(version, newest[library]) > 0)
    .map(({ name, library, version }) => `${name} needs ${library}_${version}, newer than ${newest[library]}`);
}

function checkExports(symbols) {
  return symbols.filter(({ name, defined }) => defined && !exported.test(name)).map(({ name }) => `exports ${name}`);
}

function checkSize(file) {
  const { size } = statSync(file);
  return size > maxBytes ? [`${size} bytes are more than ${maxBytes}`] : [];
}

function compare(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
