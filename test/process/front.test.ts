/** The front, dist/secfilt: what Node changes of its own start does not change for the command. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { projectRoot, secfiltScript, testEngine, who } from '../support/environment.ts';
import { run, start } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const FRONT = join(dirname(secfiltScript), 'secfilt');
const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
const ENGINES =
  testEngine === undefined || testEngine === 'auto' ? ['notify', 'trace', 'kernel'] : [testEngine];

/** Bash, which leaves the environment as it is, runs a script with secfilt and its options as words. */
function withFront(engine: string, script: string): [string, ...string[]] {
  return ['bash', '-c', script, 'bash', FRONT, `--engine=${engine}`, '--read-only', '--'];
}

for (const engine of ENGINES) {
  void test(`the limit of open files is the one that secfilt was started with, ${engine} (${who})`, async () => {
    const script = String.raw`ulimit -Sn 256; ulimit -Hn 2000; for soft in 1900 300 256 2000; do
      prlimit --nofile=$soft:2000 "$@" sh -c 'ulimit -Sn; ulimit -Hn'; done`;
    const { stdout, stderr } = await run(withFront(engine, script), { env: { PATH } });
    assert.deepEqual([stdout, stderr], ['1900\n2000\n300\n2000\n256\n2000\n2000\n2000\n', '']);
  });

  void test(`as a process whose parent nobody sees too, ${engine} (${who})`, async (t) => {
    const script = `ulimit -Sn 256; ulimit -Hn 2000; exec unshare --user --pid --fork --mount-proc "$@" sh -c 'ulimit -Sn'`;
    const { code, stdout, stderr } = await run(withFront(engine, script), { env: { PATH } });
    if (/^unshare: /m.test(stderr)) return t.skip('no user namespaces');
    assert.deepEqual([code, stdout], [0, '256\n'], stderr);
  });

  void test(`signals that were ignored are ignored by the command, no others, ${engine} (${who})`, async () => {
    const status = 'grep ^SigIgn /proc/self/status';
    for (const traps of ['', 'trap "" HUP;', 'trap "" INT QUIT;', 'trap "" PIPE CHLD TTIN XFSZ USR1 TERM;']) {
      const script = `${traps} ${status}; "$@" ${status}`;
      const { stdout, stderr } = await run(withFront(engine, script), { env: { PATH } });
      const [native, inside] = stdout.split('\n');
      assert.equal(inside, native, traps + stderr);
    }
  });

  void test(`nohup secfilt: neither it nor the command ends with the terminal, ${engine} (${who})`, async () => {
    const command = `sh -c 'echo ready; read line; echo "$line"'`;
    const child = start(withFront(engine, `trap "" HUP; exec "$@" ${command}`), { env: { PATH } });
    let said = '';
    child.stdout?.on('data', (data: Buffer) => {
      if (said === '') {
        child.kill('SIGHUP');
        child.stdin?.end('went on\n');
      }
      said += data.toString();
    });
    const end = await new Promise((resolve) => {
      child.on('close', (code, signal) => resolve(signal ?? code));
    });
    assert.deepEqual([said, end], ['ready\nwent on\n', 0]);
  });

  void test(`the environment is the command's to the byte, and none of it Node's, ${engine} (${who})`, async (t) => {
    const folder = temporaryDirectory(t);
    const preload = join(folder, 'preload.cjs');
    writeFileSync(preload, `require('node:fs').writeFileSync(${JSON.stringify(join(folder, 'loaded'))}, '')`);
    const script = String.raw`export NODE_EXTRA_CA_CERTS="$(printf '/none/\377\376')" NODE_OPTIONS="--require=$PRELOAD" OPENSSL_CONF=/none
      env 'a-b.c=d' "$EXECUTOR" -c '/usr/bin/env -0 | od -c; echo; exec "$@" /usr/bin/env -0' bash "$@" | cat`;
    const env = { PATH, PRELOAD: preload, EXECUTOR: '/bin/bash', SECFILTER_START: undefined };
    const native = await run(
      ['bash', '-c', script.replace('exec "$@" /usr/bin/env', 'exec /usr/bin/env'), 'bash'],
      { env },
    );
    const inside = await run(withFront(engine, script), { env });
    assert.equal(inside.stderr, '', 'Node warns of certificates that it cannot read');
    assert.equal(
      inside.stdout.replace(/^[^]*\n\n/, '').replaceAll(/_=[^\0]*\0/g, ''),
      native.stdout.replace(/^[^]*\n\n/, '').replaceAll(/_=[^\0]*\0/g, ''),
    );
    assert.ok(inside.stdout.includes('OPENSSL_CONF=/none') && !inside.stdout.includes('SECFILTER_START'));
    assert.ok(!existsSync(join(folder, 'loaded')), 'code of NODE_OPTIONS ran');
  });

  void test(`a note from outside is not passed on, and does no harm, ${engine} (${who})`, async () => {
    for (const note of ['', 'x', 'f'.repeat(33), `${'0'.repeat(16)}7fffffff7fffffff1`, '0'.repeat(400)])
      for (const words of [[FRONT], [process.execPath, secfiltScript]]) {
        const args = [...words, `--engine=${engine}`, '--read-only', '--', 'sh', '-c', 'env; exit 7'];
        const { code, stdout } = await run(args, { env: { PATH, SECFILTER_START: note } });
        assert.equal(code, 7, note);
        assert.doesNotMatch(stdout, /SECFILTER_START/, note);
      }
  });
}

void test(`it is found by links and by PATH, from any directory (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'bin'));
  symlinkSync(FRONT, join(folder, 'first'));
  symlinkSync('../first', join(folder, 'bin/secfilt'));
  for (const [words, path] of [
    [['./bin/secfilt'], PATH],
    [['sh', '-c', 'secfilt "$@"', 'sh'], `bin:${PATH}`],
    [['sh', '-c', 'cd bin; secfilt "$@"', 'sh'], `:${PATH}`],
  ] as const) {
    const outcome = await run([...words, '--read-only', '--', 'echo', 'a  b', ''], {
      cwd: folder,
      env: { PATH: path },
    });
    assert.deepEqual([outcome.code, outcome.stdout], [0, 'a  b \n'], outcome.stderr);
  }
});

void test('words of PATH that are too long for a path, or empty, are passed over', async () => {
  for (const length of [4090, 4091, 4096, 4097, 8191, 60_000]) {
    const path = `${'x'.repeat(length)}::${'y'.repeat(length)}:${PATH}`;
    const { code, stderr } = await run([FRONT, '--read-only', '--', '/bin/true'], { env: { PATH: path } });
    assert.deepEqual([code, stderr], [0, ''], String(length));
  }
});

void test('where there is no node it says so', async (t) => {
  const folder = temporaryDirectory(t);
  for (const path of ['', folder, `${folder}:`, 'x'.repeat(5000)]) {
    const { code, stderr } = await run([FRONT, 'true'], { cwd: folder, env: { PATH: path } });
    assert.equal(code, 125, path);
    assert.match(stderr, /^secfilt: cannot start: node is not in PATH/);
  }
});

void test('the package names it', async () => {
  const { default: manifest } = await import(join(projectRoot, 'package.json'), { with: { type: 'json' } });
  assert.deepEqual(manifest.bin, { secfilt: 'dist/secfilt' });
});
