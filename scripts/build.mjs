// Bundles the command: Node starts one CommonJS file faster than a tree of modules, and faster still when V8 finds it compiled.
//   dist/secfilt            what is run: notes what Node will change, and starts it (src/launch/front.ts)
//   dist/secfilt.cjs        what Node runs: loads the program with its code cache
//   dist/program.cjs        the program
//   dist/program-HASH.cache V8's code cache of it, which another version of Node does not take and does not need
//   dist/library/           what a program imports, as an ES module and as CommonJS, with its types
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const output = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

const koffiDirect = {
  name: 'koffi-direct',
  setup: ({ onResolve }) => {
    const path = join(import.meta.dirname, 'koffi-direct.cjs');
    onResolve({ filter: /^koffi$/ }, ({ importer }) => (importer === path ? { external: true } : { path }));
  },
};

const compiledFilters = {
  name: 'compiled-filters',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/plan\/filter\/compiled\.ts$/ }, async () => ({
      contents: `export const COMPILED = ${JSON.stringify(await compileFilters())}`,
    }));
  },
};

const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['src/cli/main.ts'],
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  keepNames: false,
  plugins: [koffiDirect, compiledFilters],
  banner: { js: '(function (require, module, __dirname) {' },
  footer: { js: '})' },
  define: {
    'import.meta.url': 'undefined',
    'import.meta.dirname': '__dirname',
    KOFFI_VERSION: JSON.stringify(manifest.dependencies.koffi),
  },
  logLevel: 'warning',
});
const program = outputFiles[0].text;
// It is read as Latin-1, which is faster than UTF-8 and the same for ASCII.
if (Buffer.byteLength(program) !== program.length) throw new Error('the bundle is not ASCII');

/** What secfilt's own failures end with (src/cli/exit-code.ts). */
const FAILURE = 125;

const cacheName = `program-${createHash('sha256').update(program).digest('hex').slice(0, 16)}.cache`;
const command = `#!/usr/bin/env node
'use strict';
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const filename = __dirname + '/program.cjs';
let cachedData;
try {
  cachedData = readFileSync(__dirname + '/${cacheName}');
} catch {}
try {
  new Script(readFileSync(filename, 'latin1'), { filename, cachedData }).runInThisContext()(require, module, __dirname);
} catch (error) {
  // Nothing runs, and the reason is not buried under a line of a quarter of a million characters.
  process.stderr.write('secfilt: cannot start: ' + String(error.message).split('\\n')[0] + '\\n');
  process.exit(${FAILURE});
}
`;

mkdirSync(output, { recursive: true });
write('program.cjs', program);
const { status, stderr } = spawnSync(
  process.execPath,
  [join(import.meta.dirname, 'code-cache.cjs'), join(output, 'program.cjs'), join(output, cacheName)],
  { encoding: 'utf8', timeout: 30_000, env: { ...process.env, NODE_OPTIONS: '' } },
);
if (status !== 0) {
  rmSync(join(output, cacheName), { force: true });
  console.error(`build: no code cache, starts will be slower: ${stderr}`);
}
write('secfilt.cjs', command, 0o755);
write('secfilt', (await bundled('src/launch/front.ts')).buildFront(), 0o755);
for (const name of readdirSync(output)) {
  if (name.endsWith('.cache') && name !== cacheName) rmSync(join(output, name));
}
const types = libraryTypes();
await buildLibrary('esm', 'module');
await buildLibrary('cjs', 'commonjs');

/** One module of each kind: which of the two a file is, and what its types are, the nearest package.json says. */
async function buildLibrary(format, type) {
  const folder = join('library', format);
  const { metafile, outputFiles: files } = await build({
    absWorkingDir: root,
    entryPoints: ['src/library/index.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format,
    define: format === 'cjs' ? { 'import.meta.dirname': '__dirname' } : {},
    logLevel: 'warning',
  });
  const stranger = Object.keys(metafile.inputs).find(
    (path) => !/^src\/(?:library|options|policy)\//.test(path),
  );
  if (stranger !== undefined) throw new Error(`the library would bring ${stranger} into other programs`);
  rmSync(join(output, folder), { recursive: true, force: true });
  write(join(folder, 'package.json'), `${JSON.stringify({ type })}\n`);
  write(join(folder, 'index.js'), files[0].text);
  for (const [name, text] of types) write(join(folder, name), text);
}

/** The declarations that the library's own lead to, by their names in a folder without others. */
function libraryTypes() {
  const folder = join(output, 'declarations');
  const words = ['node_modules/typescript/bin/tsc', '-p', 'src/library/tsconfig.json', '--outDir', folder];
  const { status, stdout } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error(`tsc: ${stdout}`);
  const found = new Map();
  const collect = (path) => {
    const name = relative(join(folder, 'library'), path).replaceAll('../', '').replaceAll('/', '-');
    if (found.has(name)) return `./${name}`;
    found.set(name, '');
    const text = readFileSync(path, 'utf8').replaceAll(/(?<=from ')(\.[^']*)\.ts(?=')/g, (_, specifier) =>
      collect(resolve(dirname(path), `${specifier}.d.ts`)).replace(/\.d\.ts$/, '.js'),
    );
    found.set(name, text);
    return `./${name}`;
  };
  collect(join(folder, 'library/index.d.ts'));
  rmSync(folder, { recursive: true });
  return found;
}

/** Runs filters.ts: the compiler that is built in is the one that has compiled them. */
async function compileFilters() {
  return (await bundled('scripts/filters.ts')).compileAll();
}

/** What a TypeScript module exports. */
async function bundled(entryPoint) {
  const path = join(output, 'bundled.cjs');
  await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['koffi'],
    define: { 'import.meta.url': 'undefined' },
    logLevel: 'warning',
  });
  const require = createRequire(path);
  const loaded = require(path);
  delete require.cache[path];
  rmSync(path);
  return loaded;
}

/** Replaces a file as a whole: somebody may be running it. */
function write(name, text, mode = 0o644) {
  const path = join(output, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, text);
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}
