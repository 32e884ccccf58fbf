/**
 * The trace engine: what ptrace(2) makes of threads, signals and stops, and the known ways around a tracer. That its verdicts
 * are those of every engine is shown by the other tests, which are run with it too.
 */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type Backing, backings } from '../support/backing.ts';
import { isRoot, patience, who } from '../support/environment.ts';
import { python, saidBy } from '../support/escape.ts';
import { Errno } from '../support/numbers.ts';
import { type Outcome, run, secfiltWords, start } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Looks at what should soon be so, ten milliseconds apart. */
const TURNS = patience(500);

interface Ground {
  readonly root: string;
  readonly a: string;
  readonly o: string;
}

/** `a` is allowed, and `o` is not. */
function makeGround(t: TestContext): Ground {
  const root = temporaryDirectory(t);
  const ground = { root, a: join(root, 'a'), o: join(root, 'o') };
  mkdirSync(ground.a);
  mkdirSync(ground.o);
  writeFileSync(join(ground.o, 'f'), 'kept');
  return ground;
}

function words({ a }: Ground, command: readonly string[]): string[] {
  return secfiltWords(['--engine=trace', '--quiet', `--write-allow=${a}`, '--', ...command]);
}

function traceTest(
  name: string,
  body: (
    ground: Ground,
    inside: (command: readonly string[]) => Promise<Outcome>,
    t: TestContext,
  ) => Promise<void>,
): void {
  for (const backing of backings) {
    void test(`${name}, ${backing.name} (${who})`, async (t) => {
      const ground = makeGround(t);
      const inside = (command: readonly string[]): Promise<Outcome> => runInside(ground, backing, command);
      await body(ground, inside, t);
      assert.deepEqual(readdirSync(ground.o), ['f']);
      assert.equal(readFileSync(join(ground.o, 'f'), 'utf8'), 'kept');
    });
  }
}

function runInside(ground: Ground, backing: Backing, command: readonly string[]): Promise<Outcome> {
  return run(words(ground, command), { cwd: ground.root, env: backing.env });
}

traceTest('a thread that is not the first may execute another program', async (_ground, inside) => {
  const script = `
os.chdir(ROOT)
def wait(): time.sleep(100)
for _ in range(8): threading.Thread(target=wait, daemon=True).start()
def execute(): os.execvp('bash', ['bash', '-c', 'echo x >a/by-$$; echo x >o/new; echo $$; exit 6'])
print(os.getpid(), flush=True)
threading.Thread(target=execute).start()
time.sleep(100)`;
  const { stdout, stderr, code } = await inside(python(script, '.'));
  const [before, after] = stdout.trim().split('\n');
  assert.ok(before !== undefined && before === after, stdout);
  assert.equal(code, 6);
  assert.match(stderr, /Operation not permitted/);
});

traceTest(
  'threads, vfork and five hundred short processes: nothing is lost or doubled',
  async ({ a }, inside) => {
    const script = `
os.chdir(ROOT)
def write(name):
    for round in range(25):
        with open(f'a/{name}', 'a') as f: f.write('x')
        try: open('o/new', 'w'); os._exit(77)
        except PermissionError: pass
threads = [threading.Thread(target=write, args=(f't{i}',)) for i in range(16)]
for thread in threads: thread.start()
pids = []
for i in range(500):
    pids.append(os.posix_spawn('/bin/sh', ['sh', '-c', f'echo >>a/p{i % 20}; exit {i % 200}'], os.environ))
    if len(pids) >= 40:
        wanted = [(i - len(pids) + 1 + j) % 200 for j in range(len(pids))]
        got = [os.WEXITSTATUS(os.waitpid(pid, 0)[1]) for pid in pids]
        if got != wanted: sys.exit(f'{got} is not {wanted}')
        pids = []
for pid in pids: os.waitpid(pid, 0)
for thread in threads: thread.join()`;
    const { stderr, code } = await inside(python(script, '.'));
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const sizes = readdirSync(a).map((name) => readFileSync(join(a, name)).length);
    assert.deepEqual(sizes, Array(36).fill(25));
  },
);

traceTest(
  'under a storm of signals no call is lost or doubled, and no signal either',
  async ({ a }, inside) => {
    const script = `
os.chdir(ROOT)
heard = 0
def hear(number, frame):
    global heard
    heard += 1
signal.signal(signal.SIGUSR1, lambda *_: None)
signal.signal(signal.SIGURG, hear)
parent = os.getpid()
storm = os.fork()
if storm == 0:
    while os.getppid() == parent:
        os.kill(parent, signal.SIGURG); time.sleep(0.0001)
    os._exit(0)
failed = 0
flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
for i in range(2000):
    fd = sc(257, -100, b'a/f', flags, 0o644)
    if fd < 0: failed += 1; continue
    os.write(fd, b'x'); os.close(fd)
    if sc(257, -100, b'o/f', flags, 0o644) != -1: failed += 1
os.kill(storm, 9); os.waitpid(storm, 0)
say(failed=failed, heard=min(heard, 1))`;
    const said = saidBy(await inside(python(script, '.')));
    assert.deepEqual(said, { failed: 0, heard: 1 });
    assert.equal(readFileSync(join(a, 'f')).length, 2000);
  },
);

traceTest('a process of busy threads stops and goes on as a whole', async (_ground, inside) => {
  // Eight threads keep the tracer busy all the time; the ninth and oldest, which sleeps, is the one that takes the signal.
  const script = `
os.chdir(ROOT)
signal.alarm(${patience(60)})
child = os.fork()
if child == 0:
    def write(name):
        while True:
            with open(name, 'a') as f: f.write('x')
    for i in range(8): threading.Thread(target=write, args=(f'a/t{i}',), daemon=True).start()
    time.sleep(1000)
def written(): return sum(os.path.getsize('a/' + name) for name in os.listdir('a'))
stops = moved = continues = 0
for _ in range(8):
    while written() == 0: time.sleep(0.01)
    os.kill(child, signal.SIGSTOP)
    stops += os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])
    before = written(); time.sleep(0.1); moved += written() - before
    os.kill(child, signal.SIGCONT)
    continues += os.WIFCONTINUED(os.waitpid(child, os.WCONTINUED)[1])
    while written() == before: time.sleep(0.01)
os.kill(child, 9); os.waitpid(child, 0)
say(stops=stops, moved=moved, continues=continues)`;
  assert.deepEqual(saidBy(await inside(python(script, '.'))), { stops: 8, moved: 0, continues: 8 });
});

traceTest('a queued signal comes once, with what it carries', async (_ground, inside) => {
  // Real-time signals queue, and the value of sigqueue(3) is in their siginfo.
  const script = `
kind = signal.SIGRTMIN + 3
signal.pthread_sigmask(signal.SIG_BLOCK, [])
got = []
HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
def handle(number, info, context):
    raw = ctypes.string_at(info, 32)
    got.append(struct.unpack_from('iiiiiii', raw))
handler = HANDLER(handle)
action = struct.pack('Q128si4xQ', ctypes.cast(handler, ctypes.c_void_p).value, bytes(128), 4, 0)
libc.sigaction(kind, action, None)
for value in (7, 7, 9):
    libc.sigqueue(os.getpid(), kind, ctypes.c_void_p(value))
time.sleep(0.05)
say(count=len(got), values=sum(entry[6] for entry in got), own=int(all(entry[4] == os.getpid() for entry in got)))`;
  assert.deepEqual(saidBy(await inside(python(script, '.'))), { count: 3, values: 23, own: 1 });
});

traceTest(
  'what is opened takes the lowest number, its flags, and no place that is not there',
  async (_ground, inside) => {
    const script = `
import resource, fcntl
os.chdir(ROOT)
flags = os.O_RDWR | os.O_CREAT
holes = [os.open('/dev/null', os.O_RDONLY) for _ in range(4)]
os.close(holes[1])
plain = sc(257, -100, b'a/f', flags, 0o640)
closing = sc(257, -100, b'a/f', flags | os.O_CLOEXEC, 0o640)
resource.setrlimit(resource.RLIMIT_NOFILE, (closing + 1, 100))
full = sc(257, -100, b'a/f', flags, 0o640)
say(lowest=int(plain == holes[1]), next=closing - holes[3], full=full, inherits=fcntl.fcntl(plain, fcntl.F_GETFD),
    closes=fcntl.fcntl(closing, fcntl.F_GETFD), left=sum(sc(72, n, 1) >= 0 for n in range(closing + 1, 64)))`;
    const said = saidBy(await inside(python(script, '.')));
    assert.deepEqual(said, { lowest: 1, next: 1, full: -24, inherits: 0, closes: 1, left: 0 });
  },
);

traceTest(
  'K1 to K3: no second listener, no untraced child, no tracer, nothing for the undumpable',
  async (_ground, inside) => {
    const script = `
os.chdir(ROOT)
filter = struct.pack('HBBI', 6, 0, 0, 0x7fff0000)
block = ctypes.create_string_buffer(filter, 8)
program = struct.pack('H6xQ', 1, ctypes.addressof(block))
listener = sc(317, 1, 8, program)
def untraced(): return 0 if sc(56, 0x00800011, 0, 0, 0, 0) == -1 else 1
trace_me = sc(101, 0, 0, 0, 0)
child = os.fork()
if child == 0: time.sleep(100)
seized = sc(101, 0x4206, child, 0, 1 << 21)
os.kill(child, 9); os.waitpid(child, 0)
plain = sc(317, 1, 0, program)
say(listener=listener, plain=plain, untraced=untraced(), clone3=sc(435, bytes(88), 88), trace_me=trace_me, seized=seized,
    undumpable=sc(157, 4, 0), memory=sc(257, -100, b'/proc/self/mem', 1, 0), write=sc(257, -100, b'o/f', 1, 0))`;
    assert.deepEqual(saidBy(await inside(python(script, '.'))), {
      listener: -16,
      plain: 0,
      untraced: 0,
      clone3: -Errno.ENOSYS,
      trace_me: -Errno.EPERM,
      seized: -Errno.EPERM,
      undumpable: -Errno.EPERM,
      memory: -Errno.EPERM,
      write: -Errno.EPERM,
    });
  },
);

traceTest('a program that may not be looked into writes nowhere outside', async ({ root }, inside, t) => {
  if (isRoot) return t.skip('root may look into every program');
  // Executable, and not readable: the kernel makes its process undumpable.
  const copy = join(root, 'touch');
  copyFileSync('/usr/bin/touch', copy);
  chmodSync(copy, 0o111);
  const { code, stderr } = await inside([copy, 'o/new']);
  assert.equal(code, 1, stderr);
  assert.ok(!existsSync(join(root, 'o/new')));
});

traceTest('kill -9 of secfilt ends every process of the sandbox', async (ground, _inside, t) => {
  const script = `cd "$0"; (setsid sleep 300 & echo $! >a/one); sleep 300 & echo $! >a/two; wait`;
  const child = start(words(ground, ['bash', '-c', script, ground.root]), { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  const files = ['one', 'two'].map((name) => join(ground.a, name));
  for (let turn = 0; turn < TURNS && files.some((file) => contentOf(file) === ''); turn += 1) await sleep(10);
  const pids = files.map(contentOf);
  assert.ok(pids.every(isAlive), pids.join(' '));
  child.kill('SIGKILL');
  for (let turn = 0; turn < TURNS && pids.some(isAlive); turn += 1) await sleep(10);
  assert.deepEqual(pids.filter(isAlive), []);
});

function contentOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}

function isAlive(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It has ended, maybe between the opening of the file and the reading of it.
    return false;
  }
}
