/** Opens of FIFOs that wait for the other end: interrupted and begun again, and very many of them. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { attackTest, type Ground, insideTest, saidBy } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';

/** Reads o/p for ever, and writes what it hears to `heard`. */
const READER = `
import os, sys
fifo = os.open(sys.argv[1] + '/o/p', os.O_RDWR); print('ready', flush=True)
while True:
    data = os.read(fifo, 99)
    with open(sys.argv[1] + '/heard', 'ab') as f: f.write(data)
`;

async function prepare({ root }: Ground, t: TestContext): Promise<void> {
  for (const folder of ['a', 'o']) execFileSync('mkfifo', ['-m', '666', join(root, folder, 'p')]);
  const reader = spawn('python3', ['-c', READER, root], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => void reader.kill('SIGKILL'));
  await new Promise((resolve) => reader.stdout.once('data', resolve));
}

function heard({ root }: Ground): string {
  const path = join(root, 'heard');
  return existsSync(path) ? readFileSync(path, 'latin1') : '';
}

/** Waits until the threads are in their calls: asleep, or stopped for a tracer, each time one looks for a second. */
const ASLEEP = String.raw`
def asleep(threads):
    def state(t):
        try: return open(f'/proc/self/task/{t.native_id}/stat').read().rsplit(')', 1)[1].split()[0]
        except OSError: return 'S' # it has ended
    quiet = 0
    while quiet < 20:
        time.sleep(0.05); quiet = quiet + 1 if all(state(t) in 'SDt' for t in threads) else 0
`;

attackTest({
  id: 'F46',
  title: 'the path changes while an open waits, and a handler has the open begun again',
  prepare,
  // A handler in C that does nothing, so that only the thread is interrupted and the kernel begins the call again.
  script: String.raw`${ASLEEP}
path = ctypes.create_string_buffer((ROOT + '/a/p').encode()); done = []
handler = ctypes.cast(low_memory(b'\xc3'), ctypes.c_void_p).value
restorer = low_memory(bytes.fromhex('b80f0000000f05'))
action = struct.pack('QQQQ', handler, 0x14000000, restorer, 0)
assert sc(13, signal.SIGUSR1, action, None, 8) == 0
def opening():
    fd = sc(2, path, 1); done.append(fd)
    if fd >= 0: os.write(fd, b'!')
thread = threading.Thread(target=opening); thread.start(); asleep([thread])
ctypes.memmove(path, (ROOT + '/o/p').encode(), len(ROOT) + 4)
sc(234, os.getpid(), thread.native_id, signal.SIGUSR1); asleep([thread])
while thread.is_alive(): # it may still wait for the first FIFO
    reader = os.open(ROOT + '/a/p', os.O_RDONLY | os.O_NONBLOCK); time.sleep(0.1); os.close(reader)
time.sleep(0.2)
say(result=done[0])
`,
  worked: (ground) => heard(ground) !== '',
  inside: (_ground, outcome) => {
    const { result = 0 } = saidBy(outcome);
    // Where Landlock decides, the kernel begins it again and it is refused; else the supervisor opens the first path.
    assert.ok(result >= 0 || result === -1 || result === -13, outcome.stdout);
  },
});

/** The supervisor makes the open itself only without Landlock: then so many may wait, and no more. */
const MOST_WAITING = 64;

insideTest(
  'a hundred opens of a FIFO wait at once: all others go on',
  String.raw`${ASLEEP}
os.mkfifo('p'); results = []
def opening(): results.append(sc(2, 'p', 1))
threads = [threading.Thread(target=opening) for _ in range(100)]
for thread in threads: thread.start()
asleep(threads)
early = list(results)
os.close(os.open('made', os.O_CREAT | os.O_WRONLY)) # the supervisor is there for others
reader = os.open('p', os.O_RDONLY | os.O_NONBLOCK)
for thread in threads: thread.join()
later = sc(2, 'p', 1)
say(early=len(early), refused=early.count(-23), opened=len([r for r in results if r >= 0]), later=int(later >= 0), made=int(os.path.exists('made')))
`,
  (outcome, engine, backing) => {
    const { early, refused, opened, later, made } = saidBy(outcome);
    const most = backing.landlock && landlockVersion() > 0 ? 100 : MOST_WAITING;
    assert.deepEqual(
      { early, refused, opened, later, made },
      { early: 100 - most, refused: 100 - most, opened: most, later: 1, made: 1 },
      engine,
    );
  },
);

insideTest(
  'an open of a FIFO that waits ends by a signal, goes on after a handler, and times out',
  String.raw`
os.mkfifo('p'); got = []
def ended_by_default():
    pid = os.fork()
    if pid == 0: signal.setitimer(signal.ITIMER_REAL, 0.3); sc(2, 'p', 1); os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def timed_out():
    signal.signal(signal.SIGALRM, lambda *_: got.append('alarm')); signal.siginterrupt(signal.SIGALRM, True); signal.setitimer(signal.ITIMER_REAL, 0.3)
    return sc(2, 'p', 1)
def restarted():
    "A hundred interruptions, and only then a reader."
    # The handler in C tells of each at once, Python's own only when the call has ended.
    told, tell = os.pipe(); os.set_blocking(tell, False); signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1); os.close(tell)
        for _ in range(100): os.read(told, 1)
        reader = sc(2, 'p', 0o4000)
        while os.read(told, 99): pass
        os._exit(reader < 0)
    signal.siginterrupt(signal.SIGALRM, False); signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    fd = sc(2, 'p', 1); signal.setitimer(signal.ITIMER_REAL, 0); signal.set_wakeup_fd(-1); os.close(tell); os.waitpid(pid, 0)
    return int(fd >= 0)
say(default=ended_by_default(), timeout=timed_out(), restarted=restarted(), alarms=int(len(got) > 1))
`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), { default: -14, timeout: -4, restarted: 1, alarms: 1 }, outcome.stdout),
);
