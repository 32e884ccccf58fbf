/**
 * Things that go wrong at a bad moment: whatever it is, nothing outside changes, nobody is left hanging or unreaped, and
 * the run ends.
 */
import assert from 'node:assert/strict';
import { type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Backing } from '../support/backing.ts';
import { type Ground, makeGround, python } from '../support/escape.ts';
import { assertNoGrowth, ended, forEachWay, until, usage } from '../support/faults.ts';
import { repetitions } from '../support/repeat.ts';
import { run, secfiltWords, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

const RUNS = repetitions('SECFILTER_FAULT_RUNS', 5);

/** Makes referred calls of all kinds without an end, in two processes and two threads each. */
const BUSY = String.raw`
def work(n):
    while True:
        for place in ('a', 'o'):
            base = f'{ROOT}/{place}'
            sc(83, f'{base}/d{n}', 0o755); sc(82, f'{base}/d{n}', f'{base}/e{n}'); sc(84, f'{base}/e{n}')
            fd = sc(2, f'{base}/n{n}', 0o102, 0o644)
            if fd >= 0: sc(3, fd)
            sc(87, f'{base}/n{n}'); sc(90, f'{base}/f', 0o644); sc(76, f'{base}/f', 4); sc(437, -100, f'{base}/f', struct.pack('QQQ', 2, 0, 0), 24)
            sc(280, -100, f'{base}/f', 0, 0); sc(86, f'{base}/f', f'{base}/l{n}'); sc(87, f'{base}/l{n}')
if os.fork(): pass
for n in range(1): threading.Thread(target=work, args=(f'{os.getpid()}t',), daemon=True).start()
if os.getpid() != os.getsid(0): print('ready', flush=True)
work(os.getpid())
`;

function busy(ground: Ground, options: readonly string[], backing: Backing): ChildProcess {
  const words = python(BUSY, ground.root);
  return start(secfiltWords([...options, `--write-allow=${ground.a}`, '--', ...words]), {
    env: backing.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** Who still uses a ground: every process that has its path among its words. */
function users(ground: Ground): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(ground.root);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('close', () => reject(new Error('it ended before it began')));
  });
}

function endAll(ground: Ground): void {
  for (const pid of users(ground)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
}

forEachWay(
  `P13 the supervisor is killed at a random moment, ${RUNS} times`,
  async (t, options, backing, next) => {
    const ground = makeGround(t);
    const before = strictSnapshot(ground.o);
    t.after(() => endAll(ground));
    for (let turn = 0; turn < RUNS; turn += 1) {
      const child = busy(ground, options, backing);
      await ready(child);
      await sleep(next() * 40);
      child.kill('SIGKILL');
      await ended(child);
      if (backing.landlock || options.includes('--engine=trace')) {
        await until('the end of the sandbox', () => users(ground).length === 0);
      } else {
        // Without a signal scope nobody can tell who was in the sandbox: what is left can do nothing that is referred.
        await sleep(20);
        const quiet = strictSnapshot(ground.a);
        await sleep(60);
        assert.deepEqual(strictSnapshot(ground.a), quiet);
        endAll(ground);
        await until('the end of what was left', () => users(ground).length === 0);
      }
      assert.deepEqual(strictSnapshot(ground.o), before);
    }
  },
);

forEachWay(
  `P32 targets are killed in the middle of their calls, ${RUNS} times`,
  async (t, options, backing) => {
    const ground = makeGround(t);
    const before = strictSnapshot(ground.o);
    const script = `${BUSY.slice(0, BUSY.indexOf('if os.fork()'))}
import random
random.seed(3)
for turn in range(${RUNS * 10}):
    pid = os.fork()
    if pid == 0: work(turn)
    time.sleep(random.random() / 200)
    os.kill(pid, 9)
    assert os.waitpid(pid, 0)[1] == 9
print('done')`;
    const words = secfiltWords([
      ...options,
      `--write-allow=${ground.a}`,
      '--',
      ...python(script, ground.root),
    ]);
    const outcome = await run(words, { env: backing.env, timeout: 60_000 + RUNS * 500 });
    assert.deepEqual([outcome.code, outcome.stdout], [0, 'done\n'], JSON.stringify(outcome));
    assert.deepEqual(strictSnapshot(ground.o), before);
    assert.deepEqual(users(ground), []);
  },
);

forEachWay(
  `P39 a supervisor that may open no more files refuses, and says so to the caller, ${RUNS} times`,
  async (t, options, backing) => {
    const ground = makeGround(t);
    const before = strictSnapshot(ground.o);
    const script = `def attempts():
    new = sc(2, f'{ROOT}/a/new', 0o102, 0o644)
    if new >= 0: sc(3, new)
    return [new, sc(90, f'{ROOT}/a/f', 0o600), sc(83, f'{ROOT}/a/d', 0o755), sc(2, f'{ROOT}/o/f', 1),
            sc(90, f'{ROOT}/o/f', 0o777), sc(83, f'{ROOT}/o/d', 0o755)]
print('[]', flush=True)
while sys.stdin.readline(): print(json.dumps(attempts()), flush=True)`;
    const child = start(
      secfiltWords([...options, `--write-allow=${ground.a}`, '--', ...python(script, ground.root)]),
      { env: backing.env },
    );
    t.after(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
    const attempts = async (limit: string): Promise<number[]> => {
      const { code } = await run(['prlimit', `--nofile=${limit}:`, `--pid=${child.pid}`]);
      assert.equal(code, 0);
      text = '';
      child.stdin?.write('\n');
      await until('the calls', () => text.endsWith('\n'));
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script above wrote it
      return JSON.parse(text) as number[];
    };
    await until('the command', () => text.endsWith('\n'));
    for (let turn = 0; turn < RUNS; turn += 1) {
      // Fewer than it has open already: every further open fails with EMFILE.
      const starved = await attempts('3');
      // With Landlock behind it a call may go on that needs nothing opened; to what is outside never.
      assert.ok(starved.length === 6 && starved.slice(3).every((result) => result < 0), text);
      assert.deepEqual(strictSnapshot(ground.o), before);
      const fed = await attempts('1024');
      assert.ok(
        fed.slice(0, 3).every((result) => result >= 0 || result === -17),
        text,
      );
      assert.deepEqual(fed.slice(3), [-1, -1, -1]);
    }
    child.stdin?.end();
    await ended(child);
    assert.equal(child.exitCode, 0);
    assert.deepEqual(strictSnapshot(ground.o), before);
  },
);

forEachWay(
  'descriptors and memory of the supervisor do not grow with refusals, errors and deaths',
  async (t, options, backing) => {
    const ground = makeGround(t);
    const script = `print('ready', flush=True)
def round_of_calls(n):
    for base in ('a', 'o', 'absent', 'a/f/x', 'a/' + 'x' * 300, 'l'):
        path = f'{ROOT}/{base}/g'
        for number, args in ((2, (path, 0o102, 0o600)), (83, (path, 0o700)), (87, (path,)), (84, (path,)), (82, (path, path + 'h')), (86, (path, path + 'h')),
            (88, (path, path)), (90, (path, 0o600)), (92, (path, 0, 0)), (76, (path, 0)), (132, (path, 0)), (133, (path, 0o10600, 0)), (188, (path, 'user.x', 'y', 1, 0)),
            (437, (-100, path, struct.pack('QQQ', 2, 0, 0), 24)), (437, (-100, path, struct.pack('QQQ', 2, 0, 16), 24)), (257, (99, 'g', 1)), (257, (0, 'g', 1)), (91, (0, 0o600)),
            (2, (f'/proc/self/fd/{n % 9}', 1)), (2, (f'/proc/{os.getppid()}/fd/{n % 20}', 1)), (280, (n % 5, 0, 0, 0)), (16, (0, 0x40086602, b'x' * 8))):
            fd = sc(number, *args)
            if number in (2, 257, 437) and fd > 2: sc(3, fd)
for n in range(10): round_of_calls(n)
print('warm', flush=True); sys.stdin.readline()
for n in range(150):
    round_of_calls(n)
    if n % 10 == 0:
        pid = os.fork()
        if pid == 0:
            while True: round_of_calls(n)
        time.sleep(0.004); os.kill(pid, 9); os.wait()
print('end', flush=True); sys.stdin.readline()`;
    const child = start(
      secfiltWords([...options, `--write-allow=${ground.a}`, '--', ...python(script, ground.root)]),
      { env: backing.env, stdio: ['pipe', 'pipe', 'ignore'] },
    );
    t.after(() => child.kill('SIGKILL'));
    let text = '';
    child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
    await until('the first round', () => text.includes('warm'));
    const first = usage(child.pid ?? 0);
    child.stdin?.write('\n');
    await until('the last round', () => text.includes('end'));
    const last = usage(child.pid ?? 0);
    child.stdin?.end('\n');
    await ended(child);
    assert.equal(child.exitCode, 0);
    assertNoGrowth(first, last, 64);
  },
);
