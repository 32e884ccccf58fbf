// Runs what a program of another Node would use (the library, the service and its clients) with the Node versions that are maintained
// beside the oldest one, which the suite runs with. They come from the package registry, by the package `node`.
//   node scripts/test-nodes.mjs [VERSION]...
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const VERSIONS = ['22', '24'];
const FOLDERS = ['build/test/library', 'build/test/service'];

const versions = process.argv.length > 2 ? process.argv.slice(2) : VERSIONS;
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: root, stdio: 'inherit' });
execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'inherit' });
const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => join(folder, name)),
);

const failed = versions.filter((version) => !passes(version));
console.log(failed.length === 0 ? 'all passed' : `FAILED: Node ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);

/** @param {string} version */
function passes(version) {
  const folder = mkdtempSync(join(tmpdir(), 'secfilter-node-'));
  try {
    execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', folder, `node@${version}`], {
      stdio: 'inherit',
    });
    const node = join(folder, 'node_modules/node/bin/node');
    console.log(`\n== Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`);
    const args = ['--test', '--test-reporter=spec', '--test-concurrency=2', ...files];
    return spawnSync(node, args, { cwd: root, stdio: 'inherit' }).status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
