// Runs test/programs with what takes too long, or needs too much, for every run of the suite (test/programs/slow, test/network/slow).
//   node scripts/test-programs.mjs [words for scripts/test.mjs]
// pnpm, yarn and node-pty are fetched by npm, uv by pip, where there is a network, into a folder that is removed again.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

const folder = mkdtempSync('/tmp/secfilter-managers-');
// The ordinary user runs them too.
chmodSync(folder, 0o755);
process.umask(0o022);
let status = 1;
try {
  // One by one: the last is compiled.
  for (const name of ['pnpm@9', 'yarn@1', 'node-pty@1']) {
    const npm = ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, name];
    if (spawnSync('npm', npm, { stdio: 'inherit' }).status !== 0)
      console.error(`test: npm installs no ${name} here, so that it is skipped if it is not there already`);
  }
  const python = join(folder, 'python');
  const pip = `python3 -m venv --copies "$0" && "$0/bin/pip" install -q --disable-pip-version-check --only-binary :all: uv`;
  if (spawnSync('sh', ['-c', pip, python], { stdio: 'inherit' }).status !== 0)
    console.error('test: pip fetches no uv here, so that it is skipped if it is not installed');
  // Nothing but uv is taken from there: Python is the machine's own.
  const bin = join(folder, 'node_modules/.bin');
  mkdirSync(bin, { recursive: true });
  if (existsSync(join(python, 'bin/uv'))) symlinkSync(join(python, 'bin/uv'), join(bin, 'uv'));
  const PATH = `${bin}:${process.env.PATH ?? ''}`;
  const words = [
    join(import.meta.dirname, 'test.mjs'),
    '--slow',
    '--only',
    'programs/',
    '--only',
    'network/slow/',
    ...process.argv.slice(2),
  ];
  const SECFILTER_NODE_PTY = join(folder, 'node_modules/node-pty');
  const env = { ...process.env, PATH, SECFILTER_NODE_PTY };
  status = spawnSync(process.execPath, words, { stdio: 'inherit', env }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);
