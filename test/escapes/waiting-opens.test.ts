/** Files that are not to be had at once: only those wait who want them, and not the supervisor. FIFOs: fifo.test.ts. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const CALLS = {
  truncate: "sc(76, ROOT + '/a/f', 2)",
  openat2: "sc(437, -100, ROOT + '/a/f', struct.pack('QQQ', 1, 0, 0), 24)",
  'open of mode 3': "sc(2, ROOT + '/a/f', 0o1003)",
  open: "sc(2, ROOT + '/a/f', 1)",
};

for (const [name, call] of Object.entries(CALLS)) {
  insideTest(
    `F08 a leased file: ${name} waits, and others do not wait for it`,
    `import fcntl
# Blocked, not handled: a handler's word can come just before one waits for it.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
fd = os.open(ROOT + '/a/f', os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
said = []
def attempt():
    result = ${call}
    # The descriptor must be as it was asked for.
    said.append(int(result >= 0) if result <= 0 else int(sc(72, result, 3) & 0o4000 == 0))
waiting = threading.Thread(target=attempt); waiting.start()
signal.sigwait({signal.SIGIO})
made = sc(83, ROOT + '/a/d', 0o755)
early = len(said)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
waiting.join()
say(made=made, early=early, late=said[0])`,
    (outcome) => assert.deepEqual(saidBy(outcome), { made: 0, early: 0, late: 1 }),
  );
}

insideTest(
  'F08 a leased file: an open with O_TRUNC that a signal ended truncates nothing afterwards',
  `import fcntl
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
class Enough(Exception): pass
def enough(*_): raise Enough
fd = os.open(ROOT + '/a/f', os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
child = os.fork()
if child == 0:
    os.close(fd)
    signal.signal(signal.SIGUSR1, enough)
    try: os.open(ROOT + '/a/f', os.O_WRONLY | os.O_TRUNC)
    except Enough: os._exit(7)
    os._exit(1)
signal.sigwait({signal.SIGIO})
os.kill(child, signal.SIGUSR1)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
# Who would wait for the file still has it by now.
for turn in range(20):
    os.close(os.open(ROOT + '/a/f', os.O_WRONLY)); time.sleep(0.01)
say(ended=ended, size=os.fstat(fd).st_size)`,
  (outcome) => assert.deepEqual(saidBy(outcome), { ended: 7, size: 4 }),
);

/** Each would empty the file. */
const EMPTYING = {
  truncate: "sc(76, ROOT + '/a/f', 0)",
  'open of mode 3': "sc(2, ROOT + '/a/f', 0o1003)",
  openat2: "sc(437, -100, ROOT + '/a/f', struct.pack('QQQ', 0o1001, 0, 0), 24)",
};

for (const [name, call] of Object.entries(EMPTYING)) {
  insideTest(
    `F08 a leased file: ${name} of a process that was killed meanwhile changes nothing afterwards`,
    `import fcntl
# Blocked, not handled: a handler's word can come just before one waits for it.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
fd = os.open(ROOT + '/a/f', os.O_RDWR)
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
child = os.fork()
if child == 0:
    os.close(fd)
    ${call}
    os._exit(1)
signal.sigwait({signal.SIGIO})
os.kill(child, signal.SIGKILL)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
# Long enough for it to be tried again, many times.
time.sleep(0.3)
say(ended=ended, size=os.fstat(fd).st_size)`,
    (outcome) => assert.deepEqual(saidBy(outcome), { ended: -9, size: 4 }),
  );
}

/** The output is a FIFO whose reader has gone: to open it again is to wait for another reader. */
const REOPENED = `said = []
thread = threading.Thread(target=lambda: said.append(sc(2, '/dev/stdout', 1))); thread.start()
while open(f'/proc/self/task/{thread.native_id}/stat').read().rsplit(')', 1)[1].split()[0] == 'R': time.sleep(0.01)
made = sc(83, ROOT + '/a/d', 0o755)
early = len(said)
reader = os.open(ROOT + '/o/p', os.O_RDONLY | os.O_NONBLOCK)
thread.join()
print(json.dumps(dict(made=made, early=early, late=int(said[0] > 2))), file=sys.stderr)`;

for (const engine of engines) {
  for (const backing of backings) {
    void test(`F41 F46 standard output opened again waits, and others do not, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const ground = makeGround(t);
      const fifo = join(ground.o, 'p');
      execFileSync('mkfifo', [fifo]);
      const words = secfiltWords([
        ...engine.options,
        `--write-allow=${ground.a}`,
        '--',
        ...python(REOPENED, ground.root),
      ]);
      const outer = 'exec 3<>"$0" 1>"$0" 3>&-; exec "$@"';
      const { stderr } = await run(['sh', '-c', outer, fifo, ...words], { env: backing.env });
      assert.match(stderr, /^{"made": 0, "early": 0, "late": 1}$/m);
    });
  }
}
