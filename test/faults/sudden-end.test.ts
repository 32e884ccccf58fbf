/**
 * Targets that end while the supervisor performs their call: whole groups of processes and threads, killed at once in
 * the middle of changes and of connections that wait. The supervisor has few descriptors to lose: what one of these calls
 * does not give back makes the last ones fail.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

import { makeGround, python, saidBy } from '../support/escape.ts';
import { ended, forEachWay, until, usage } from '../support/faults.ts';
import { repetitions } from '../support/repeat.ts';
import { run, secfiltWords, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

const RUNS = repetitions('SECFILTER_FAULT_RUNS', 30);
const EXECS = repetitions('SECFILTER_FAULT_RUNS', 10);
/** What Node itself has open, the descriptors of threads that are kept (64, descriptor.ts), and little more. */
const MOST_DESCRIPTORS = 160;

const SCRIPT = String.raw`
full = socket.socket(); full.bind(('127.0.0.1', 0)); full.listen(0)
# Two connections fill its queue; all others wait until they are killed.
fillers = [socket.socket() for n in range(4)]
for filler in fillers: filler.setblocking(False); filler.connect_ex(full.getsockname())
place = struct.pack('>HH4s8x', 0x0200, full.getsockname()[1], bytes([127, 0, 0, 1]))

def change(n):
    while True:
        sc(90, f'{ROOT}/a/f', 0o600 + n % 8); sc(90, f'{ROOT}/o/f', 0o777)
        fd = sc(2, f'{ROOT}/a/n{n}', 0o102, 0o644)
        if fd >= 0: sc(3, fd)
        sc(82, f'{ROOT}/a/n{n}', f'{ROOT}/a/m{n}'); sc(87, f'{ROOT}/a/m{n}')
def connect(n):
    while True:
        fd = sc(41, 2, 1, 0); sc(42, fd, place, 16); sc(3, fd)
def begin(n):
    "A process with two threads, and on every third round a child that it does not wait for."
    os.setpgid(0, group or os.getpid())
    if n % 3 == 0: os.fork()
    threading.Thread(target=connect if n % 2 else change, args=(n,), daemon=True).start()
    (change if n % 4 < 2 else connect)(n)

import random
random.seed(5)
for turn in range(ROUNDS):
    group, pids = 0, []
    for n in range(4):
        pid = os.fork()
        if pid == 0:
            try: begin(turn + n)
            finally: os._exit(3)
        try: os.setpgid(pid, group or pid)
        except OSError: pass
        group = group or pid; pids.append(pid)
    time.sleep(random.random() / 50)
    for pid in reversed(pids[1:]): os.kill(pid, 9)
    os.killpg(group, 9)
    for pid in pids:
        status = os.waitpid(pid, 0)[1]
        assert status == 9, status
    # Without Landlock a group is reached one by one, so who is born in between is reached the next time.
    for again in range(1000):
        try: os.killpg(group, 9)
        except ProcessLookupError: break
        time.sleep(0.001)
    else: raise SystemExit('who was killed lives')
print('over', flush=True); sys.stdin.readline()
say(changed=sc(90, f'{ROOT}/a/f', 0o600), opened=sc(2, f'{ROOT}/a/last', 0o102, 0o644), refused=sc(90, f'{ROOT}/o/f', 0o777), connected=socket.socket().connect_ex(('127.0.0.1', 9)))
`;

function zombiesOf(parent: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /s, '')
          .split(' ');
        return fields[0] === 'Z' && fields[1] === `${parent}`;
      } catch {
        return false;
      }
    });
}

forEachWay(
  `P32 groups of targets end in the middle of their calls, ${RUNS} times`,
  async (t, options, backing) => {
    const ground = makeGround(t);
    const before = strictSnapshot(ground.o);
    const words = secfiltWords([
      ...options,
      `--write-allow=${ground.a}`,
      '--allowed-netmasks=127.0.0.0/8',
      '--',
      ...python(`ROUNDS = ${RUNS}\n${SCRIPT}`, ground.root),
    ]);
    const child = start(['prlimit', `--nofile=${MOST_DESCRIPTORS}:${MOST_DESCRIPTORS}`, ...words], {
      env: backing.env,
    });
    t.after(() => child.kill('SIGKILL'));
    let [said, errors] = ['', ''];
    child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr?.on('data', (data: Buffer) => (errors += data.toString()));
    await until(
      'the last round',
      () => said.includes('over') || child.exitCode !== null,
      30_000 + RUNS * 400,
    );
    assert.match(said, /over/, errors);
    // The supervisor reaps orphans when it comes to it, and gives back what waiting calls held.
    await until('the last orphan', () => zombiesOf(child.pid ?? 0).length === 0);
    const { descriptors } = usage(child.pid ?? 0);
    if (descriptors !== undefined)
      assert.ok(descriptors < MOST_DESCRIPTORS - 40, `${descriptors} descriptors`);
    child.stdin?.end('\n');
    await ended(child);
    await until('its last words', () => said.includes('}'));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script above wrote it
    const last = JSON.parse(said.slice(said.indexOf('{'))) as Record<string, number>;
    assert.equal(child.exitCode, 0, errors);
    assert.equal(last['changed'], 0, said);
    assert.ok((last['opened'] ?? -1) >= 0, said);
    assert.equal(last['refused'], -1, said);
    // Nobody listens there, which the kernel says: the supervisor has performed the call.
    assert.equal(last['connected'], 111, said);
    assert.deepEqual(strictSnapshot(ground.o), before);
  },
);

const EXEC_SCRIPT = String.raw`
turn = int(sys.argv[2]) if len(sys.argv) > 2 else 0
def change(n):
    while True:
        sc(90, f'{ROOT}/a/f', 0o600 + n); sc(90, f'{ROOT}/o/f', 0o777); sc(2, f'{ROOT}/o/f', 1)
        fd = sc(2, f'{ROOT}/a/n{n}', 0o102, 0o644)
        if fd >= 0: sc(3, fd)
if turn == ROUNDS:
    say(turn=turn, changed=sc(90, f'{ROOT}/a/f', 0o600), opened=sc(2, f'{ROOT}/a/last', 0o102, 0o644), refused=sc(90, f'{ROOT}/o/f', 0o777))
    sys.exit()
for n in range(3): threading.Thread(target=change, args=(n,), daemon=True).start()
time.sleep(turn % 7 / 1000)
# A thread that is not the first takes its number, and all others end where they are.
again = threading.Thread(target=lambda: os.execv(sys.executable, [*sys.orig_argv[:4], str(turn + 1)]))
again.start(); again.join()
`;

forEachWay(
  `F38 a thread starts another program in the middle of the calls of all others, ${EXECS} times`,
  async (t, options, backing) => {
    const ground = makeGround(t);
    const before = strictSnapshot(ground.o);
    const words = secfiltWords([
      ...options,
      `--write-allow=${ground.a}`,
      '--',
      ...python(`ROUNDS = ${EXECS}\n${EXEC_SCRIPT}`, ground.root),
    ]);
    const outcome = await run(words, { env: backing.env, timeout: 60_000 + EXECS * 500 });
    const { turn, changed, opened, refused } = saidBy(outcome);
    assert.deepEqual([turn, changed, refused], [EXECS, 0, -1]);
    assert.ok((opened ?? -1) >= 0, outcome.stdout);
    assert.deepEqual(strictSnapshot(ground.o), before);
  },
);

const ENDS: Readonly<Record<string, string>> = {
  'exit_group(2)': 'os._exit(0)',
  'execve(2)': `os.execv('/bin/true', ['true'])`,
  'a signal': 'os.kill(os.getpid(), 9)',
};

for (const [name, end] of Object.entries(ENDS)) {
  forEachWay(
    `P32 the first thread is in a call as another ends the process by ${name}`,
    async (t, options, backing) => {
      const ground = makeGround(t);
      const script = `
import random
random.seed(7)
def later():
    time.sleep(random.random() / 100)
    ${end}
for turn in range(${RUNS}):
    pid = os.fork()
    if pid == 0:
        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
        threading.Thread(target=later).start()
        place = struct.pack('QQQ', 0o101, 0o600, 0)
        while True:
            # Opened by the supervisor, with Landlock or without.
            fd = sc(437, -100, ROOT + '/a/n', place, 24)
            if fd < 0: fd = sc(2, ROOT + '/a/n', 0o102, 0o600)
            if fd >= 0: sc(3, fd)
    os.waitpid(pid, 0)
say(done=1)`;
      const words = [
        ...options,
        '--quiet',
        `--write-allow=${ground.a}`,
        '--',
        ...python(script, ground.root),
      ];
      const outcome = await run(secfiltWords(words), { env: backing.env, timeout: 60_000 });
      assert.deepEqual(saidBy(outcome), { done: 1 });
      assert.equal(outcome.stderr, '');
    },
  );
}
