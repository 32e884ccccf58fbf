/** A log that cannot be written: the sandbox stays as it is, the command ends as it would, and the loss is said once. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { isRoot, who } from '../support/environment.ts';
import { engines, type Ground, makeGround, python } from '../support/escape.ts';
import { ended, forEachWay, until } from '../support/faults.ts';
import { type Outcome, run, secfiltWords, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

const LOSS = /^secfilt: the log is incomplete, (\d+) of its lines could not be written: (.*)$/gm;
/** More refusals than the smallest file system or pipe buffer has room for: on a full device each is one more failed write. */
const REFUSALS = 1500;
const SCRIPT = `
refused = [sc(90, f'{ROOT}/o/f', 0o600) for n in range(${REFUSALS})]
say(refused=len([r for r in refused if r == -1]), inside=sc(90, f'{ROOT}/a/f', 0o600))
sys.exit(7)`;

function words(ground: Ground, options: readonly string[]): [string, ...string[]] {
  return secfiltWords([
    ...options,
    `--write-allow=${ground.a}`,
    '--quiet',
    '--',
    ...python(SCRIPT, ground.root),
  ]);
}

/** The command's result is that of a run without log, and the loss is said once, with its cause. */
function checkLoss({ code, stdout, stderr }: Outcome, cause: RegExp, least: number): void {
  assert.deepEqual([code, stdout], [7, `{"refused": ${REFUSALS}, "inside": 0}\n`], stderr);
  const losses = [...stderr.matchAll(LOSS)];
  assert.equal(losses.length, 1, stderr);
  assert.match(losses[0]?.[2] ?? '', cause);
  const lost = Number(losses[0]?.[1]);
  assert.ok(lost >= least && lost <= REFUSALS, stderr);
}

forEachWay('P39 the log is on a device that is full', async (t, options, backing) => {
  if (!existsSync('/dev/full')) return t.skip('no /dev/full');
  const ground = makeGround(t);
  const before = strictSnapshot(ground.o);
  const outcome = await run(words(ground, [...options, '--log=/dev/full']), { env: backing.env });
  checkLoss(outcome, /^no space left on device$/, REFUSALS);
  assert.deepEqual(strictSnapshot(ground.o), before);
});

forEachWay('P39 the log is on a file system that becomes full', async (t, options, backing) => {
  if (!isRoot) return t.skip('only root can mount a file system of 16 kB');
  const ground = makeGround(t);
  const before = strictSnapshot(ground.o);
  const mountPoint = join(ground.root, 'm');
  mkdirSync(mountPoint);
  // In a mount namespace of its own, which takes the mount with it.
  const script = `mount -t tmpfs -o size=16k none "$0" || exit 99
"$@"; code=$?; stat -c %s "$0/log" >"$0.size"; exit $code`;
  const inside = words(ground, [...options, `--log=${mountPoint}/log`]);
  const outcome = await run(['unshare', '-m', 'sh', '-c', script, mountPoint, ...inside], {
    env: backing.env,
  });
  if (outcome.code === 1 && outcome.stderr.startsWith('unshare:')) return t.skip('no mount namespaces here');
  if (outcome.code === 99) return t.skip('no tmpfs can be mounted here');
  checkLoss(outcome, /^no space left on device$/, 1);
  // What there was room for is there.
  assert.ok(Number(readFileSync(`${mountPoint}.size`, 'utf8')) > 0);
  assert.deepEqual(strictSnapshot(ground.o), before);
});

forEachWay('P39 the reader of the log goes away', async (t, options, backing) => {
  const ground = makeGround(t);
  const before = strictSnapshot(ground.o);
  const fifo = join(ground.root, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const waiting = `open(f'{ROOT}/a/started', 'w').close()\nsys.stdin.readline()\n${SCRIPT}`;
  const child = start(
    secfiltWords([
      ...options,
      `--write-allow=${ground.a}`,
      '--quiet',
      `--log=${fifo}`,
      '--',
      ...python(waiting, ground.root),
    ]),
    { env: backing.env },
  );
  t.after(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  await until('the command', () => existsSync(join(ground.a, 'started')));
  closeSync(reader);
  child.stdin?.end('\n');
  await ended(child);
  await until('its last words', () => stdout.endsWith('}\n') && /written: .*\n/.test(stderr));
  checkLoss({ code: child.exitCode, signal: null, stdout, stderr }, /^broken pipe$/, REFUSALS);
  assert.deepEqual(strictSnapshot(ground.o), before);
});

forEachWay('P39 the reader of the log never reads', async (t, options, backing) => {
  const ground = makeGround(t);
  const before = strictSnapshot(ground.o);
  const fifo = join(ground.root, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(reader));
  const outcome = await run(words(ground, [...options, `--log=${fifo}`]), { env: backing.env });
  checkLoss(outcome, /^resource temporarily unavailable$/, 1);
  assert.deepEqual(strictSnapshot(ground.o), before);
});

for (const { name, options } of engines) {
  void test(`P39 a log that cannot be opened: nothing runs, ${name} (${who})`, async (t) => {
    const ground = makeGround(t);
    writeFileSync(join(ground.root, 'file'), '');
    const log = `--log=${join(ground.root, 'file', 'log')}`;
    const { code, stdout, stderr } = await run(words(ground, [...options, log]));
    assert.deepEqual([code, stdout], [125, ''], stderr);
    assert.match(stderr, /^secfilt: --log: /);
  });
}
