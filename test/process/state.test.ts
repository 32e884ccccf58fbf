/**
 * What the command finds when it starts: as if a shell had started it.
 */
import assert from 'node:assert/strict';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { makeFifo } from '../support/native.ts';
import { type Outcome, run, type RunOptions, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Lines of /proc/self/status that a sandbox has no business with. */
const STATUS_FIELDS = /^(Umask|Uid|Gid|Groups|SigQ|SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt|Threads|Cpus_allowed):/;

interface Pair {
  readonly native: Outcome;
  readonly inside: Outcome;
}

/** Runs a command natively and under secfilt, both started by the words before it. */
async function both(
  before: readonly string[],
  command: readonly string[],
  options: RunOptions = {},
): Promise<Pair> {
  const native = await run([...before, ...command], options);
  const inside = await run([...before, ...secfiltWords(['--read-only', '--', ...command])], options);
  assert.equal(native.code, 0, native.stderr);
  return { native, inside };
}

function statusLines({ stdout }: Outcome): string[] {
  // The number of queued signals is the user's, not the process's: only its limit is compared.
  return stdout
    .split('\n')
    .filter((line) => STATUS_FIELDS.test(line))
    .map((line) => line.replace(/^SigQ:\s*\d+/, 'SigQ: '));
}

const python = (code: string) => ['python3', '-c', code];
/**
 * What the caller ignored or blocked cannot be known: Node sets both back before any of our code runs, and so it does
 * for every program that it starts.
 */
void test('signals, mask, user and umask are untouched', async () => {
  for (const before of [[], ['bash', '-c', 'umask 027; exec "$@"', 'bash']]) {
    const { native, inside } = await both(before, ['cat', '/proc/self/status']);
    assert.deepEqual(statusLines(inside), statusLines(native), before.join(' '));
    assert.match(native.stdout, /^NoNewPrivs:\t0$/m);
    assert.match(inside.stdout, /^NoNewPrivs:\t1$/m);
    assert.match(inside.stdout, /^Seccomp:\t2$/m);
  }
});

void test('a broken pipe kills the command, as it does anywhere', async () => {
  const { inside, native } = await both(
    ['bash', '-c', '"$@" | head -n 1; echo "${PIPESTATUS[0]}"', 'bash'],
    ['yes'],
  );
  assert.equal(native.stdout, 'y\n141\n');
  assert.deepEqual(inside, native);
});

void test('limits are those of the caller', async () => {
  // Node raises the soft limit of open files before any of our code runs; what it was is told by the parent only.
  const before = ['bash', '-c', 'ulimit -Sn $(ulimit -Hn); ulimit -Ss 4096; ulimit -Sc 0; exec "$@"', 'bash'];
  const { native, inside } = await both(before, ['cat', '/proc/self/limits']);
  assert.equal(inside.stdout, native.stdout);
});

void test('environment, directory, group, session and priority are untouched', async (t) => {
  const cwd = temporaryDirectory(t);
  // Both run in the same session; a group of its own would lose the terminal's signals.
  const script = 'env -0 | tr "\\0" "\\n"; pwd; ps -o pgid=,sid=,ni= -p $$; cat /proc/self/oom_score_adj';
  const before = ['bash', '-c', 'exec nice -n 3 "$@"', 'bash'];
  const { native, inside } = await both(before, ['bash', '-c', script], { cwd });
  assert.equal(inside.stdout, native.stdout);
});

/** Every open descriptor: a name that the shell's own look-up of the directory left behind is gone when it is tested. */
const LIST = 'cd /proc/$$/fd; for n in [0-9]*; do [ -e $n ] && [ $n -lt 255 ] && echo $n; done; echo end';
const FLAGS = 'cd /proc/$$/fdinfo; grep flags 0 1 2';

void test('descriptors 0 to 2 have the flags that they have natively', async (t) => {
  const directory = temporaryDirectory(t);
  for (const flags of ['r', 'r+', 'w', 'a', 'as+']) {
    const fd = openSync(join(directory, 'f'), flags === 'r' ? 'w+' : flags);
    const { native, inside } = await both([], ['bash', '-c', FLAGS], { stdio: [fd, 'pipe', fd] });
    closeSync(fd);
    assert.equal(inside.stdout, native.stdout);
  }
});

void test('descriptors from 3 on are closed', async (t) => {
  const directory = temporaryDirectory(t);
  const fd = openSync(join(directory, 'f'), 'w+');
  const list = ['bash', '-c', LIST];
  const stdio = ['ignore' as const, 'pipe' as const, 'pipe' as const, fd, fd, 'pipe' as const, fd];
  const natively = await run(list, { stdio });
  for (const stray of [3, 4, 5, 6]) assert.match(natively.stdout, new RegExp(`^${stray}$`, 'm'));
  const inside = await run(secfiltWords(['--read-only', '--', ...list]), { stdio });
  assert.equal(inside.stdout, '0\n1\n2\nend\n');
  const high = ['bash', '-c', 'exec 200<> "$0"; exec "$@"', join(directory, 'f')];
  const { stdout } = await run([...high, ...secfiltWords(['--read-only', '--', ...list])]);
  closeSync(fd);
  assert.equal(stdout, '0\n1\n2\nend\n');
});

void test('closed descriptors 0 to 2 harm nobody', async (t) => {
  const directory = temporaryDirectory(t);
  for (const redirection of ['<&-', '2>&-', '<&- 2>&-', '<&- >&- 2>&-', '>&-']) {
    const script = `"$@" ${redirection}; echo "code $?"`;
    const inner = ['bash', '-c', 'echo x > "$0/forbidden"; exit 9', directory];
    const native = await run(['bash', '-c', script, 'bash', 'bash', '-c', 'exit 9']);
    const inside = await run([
      'bash',
      '-c',
      script,
      'bash',
      ...secfiltWords(['--read-only', '--', ...inner]),
    ]);
    assert.equal(inside.stdout, native.stdout, redirection);
  }
});

/** Node makes descriptors that it passes on blocking, so this one is opened and looked at by Python. */
const shareFifo = python(`import fcntl,os,subprocess,sys
fd = os.open(sys.argv[1], os.O_RDWR | int(sys.argv[2]))
print(oct(fcntl.fcntl(fd, fcntl.F_GETFL)), flush=True)
subprocess.run(sys.argv[3:], stdin=fd, stdout=fd, stderr=fd if int(sys.argv[2]) else None)
print(oct(fcntl.fcntl(fd, fcntl.F_GETFL)))`);

void test('the status flags of shared descriptions are left alone', async (t) => {
  const fifo = join(temporaryDirectory(t), 'fifo');
  makeFifo(fifo);
  for (const [extra, expected] of [
    [0, '0o100002'],
    [constants.O_NONBLOCK, '0o104002'],
  ] as const) {
    const words = secfiltWords(['-v', '--read-only', '--', 'bash', '-c', 'echo x > /forbidden']);
    const { stdout } = await run([...shareFifo, fifo, String(extra), ...words]);
    assert.equal(stdout, `${expected}\n${expected}\n`);
  }
});

void test('standard input is passed on, byte by byte', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 256));
  const { native, inside } = await both([], ['md5sum'], { stdin: bytes });
  assert.deepEqual(inside, native);
  // What the command does not read is left for the next.
  const { stdout } = await run(
    [
      'bash',
      '-c',
      '"$@"; cat',
      'bash',
      ...secfiltWords(['--read-only', '--', 'bash', '-c', 'read x; echo "got $x"']),
    ],
    { stdin: 'one\ntwo\n' },
  );
  assert.equal(stdout, 'got one\ntwo\n');
});
