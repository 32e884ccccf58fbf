/**
 * Processes, threads, foreign tracers and filters: nothing escapes the referral by being another process, by running
 * another program or by restricting itself.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { throughClient } from '../support/client.ts';
import { attackTest, insideTest, saidBy } from '../support/escape.ts';

const WRITE = `
def write():
    fd = sc(2, ROOT + '/o/f', 0o1001)
    if fd < 0: return 1
    os.write(fd, b'x'); return 0
`;

attackTest({
  id: 'P10',
  title: 'an orphan of a session of its own writes after its parents have ended',
  script: `${WRITE}
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.2); write(); os._exit(0)
    os._exit(0)
os.wait(); time.sleep(0.5)`,
});

attackTest({
  id: 'P10 P20',
  title: 'a child made by vfork, one that executes, and one with the parent of its parent write',
  script: `${WRITE}
import subprocess
subprocess.run(['sh', '-c', 'echo x > "$0"', ROOT + '/o/f'], stderr=subprocess.DEVNULL)
os.posix_spawn('/bin/sh', ['sh', '-c', 'echo x > "$0" 2>/dev/null', ROOT + '/o/f'], os.environ)
# CLONE_PARENT | SIGCHLD: the new process is a child of our parent.
pid = sc(56, 0x8000 | 17, 0, 0, 0, 0)
if pid == 0: write(); os._exit(0)
time.sleep(0.5)`,
});

attackTest({
  id: 'P24',
  title: 'a filter of its own that traps, and a handler that makes the call again',
  script: `${WRITE}
# SECCOMP_RET_TRAP for open(2) made with the flags 0o1001; the handler calls openat(2).
def handler(*_):
    fd = sc(257, -100, ROOT + '/o/f', 0o1001)
    if fd >= 0: os.write(fd, b'x')
    os._exit(0)
signal.signal(signal.SIGSYS, handler)
instructions = [(0x20, 0, 0, 0), (0x15, 0, 1, 2), (6, 0, 0, 0x00030000), (6, 0, 0, 0x7fff0000)]
program = reg(b''.join(struct.pack('HBBI', *i) for i in instructions))
sc(157, 38, 1, 0, 0, 0)
assert sc(317, 1, 0, struct.pack('HxxxxxxQ', 4, program.value)) == 0
sc(2, ROOT + '/a/f', 0o1001)
time.sleep(0.1)`,
});

attackTest({
  id: 'P25 P04',
  title: 'a tracer inside lets the calls of its child pass',
  natively: 'there is nothing to let pass',
  script: `${WRITE}
# A filter that asks a tracer, a tracer that says yes; and one that turns a harmless call into another.
pid = os.fork()
if pid == 0:
    sc(101, 0, 0, 0, 0); os.kill(os.getpid(), 19)
    instructions = [(6, 0, 0, 0x7ff00000)]
    program = reg(b''.join(struct.pack('HBBI', *i) for i in instructions))
    sc(157, 38, 1, 0, 0, 0); sc(317, 1, 0, struct.pack('HxxxxxxQ', 1, program.value))
    write(); sc(39, ROOT + '/o/f', 0o1001); os._exit(0)
end = time.time() + 3
while time.time() < end:
    done, status = os.waitpid(pid, 1)
    if done == 0: time.sleep(0.002); continue
    if not os.WIFSTOPPED(status): break
    sc(101, 0x4200, pid, 0, 0x81)
    regs = ctypes.create_string_buffer(27 * 8)
    if sc(101, 12, pid, 0, ctypes.addressof(regs)) == 0:
        number = struct.unpack_from('q', regs, 15 * 8)[0]
        # getpid becomes open: at the entry, where the filter of the sandbox is asked after us.
        if number == 39: struct.pack_into('q', regs, 15 * 8, 2); sc(101, 13, pid, 0, ctypes.addressof(regs))
    sc(101, 24, pid, 0, 0)
os.kill(pid, 9)`,
});

insideTest(
  'P03 P25 who is traced by its parent inside ends as natively, and secfilt with it',
  `pid = os.fork()
if pid == 0:
    result = sc(101, 0, 0, 0, 0)
    os._exit(0 if result in (0, -1) else 50)
say(child=os.waitpid(pid, 0)[1])`,
  (outcome) => assert.deepEqual(saidBy(outcome), { child: 0 }),
);

insideTest(
  'P03 a command that makes secfilt its tracer still runs and ends',
  `sc(101, 0, 0, 0, 0)
os.execv('/bin/sh', ['sh', '-c', 'kill -USR2 $$; echo not reached'])`,
  (outcome) => assert.deepEqual([outcome.code, outcome.signal, outcome.stdout], [null, 'SIGUSR2', '']),
  { skip: throughClient ? 'its tracer is whoever has started the client, as without a sandbox' : undefined },
);

insideTest(
  'P09 P11 threads and five hundred short processes: none is lost, each is judged',
  `import subprocess
codes = []
for _ in range(50):
    pids = []
    for _ in range(10):
        pid = os.fork()
        if pid == 0: os._exit(7 if sc(2, ROOT + '/o/f', 1) == -1 and sc(2, ROOT + '/a/f', 1) >= 0 else 8)
        pids.append(pid)
    codes += [os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids]
results = []
def thread(n):
    for _ in range(20): results.append((sc(2, ROOT + '/o/f', 1), sc(83, f'{ROOT}/a/{n}', 0o755) and sc(84, f'{ROOT}/a/{n}')))
threads = [threading.Thread(target=thread, args=(n,)) for n in range(16)]
[t.start() for t in threads]; [t.join() for t in threads]
say(sevens=codes.count(7), refused=sum(1 for r, _ in results if r == -1), done=len(results))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { sevens: 500, refused: 320, done: 320 }),
);

insideTest(
  'P22 a storm of signals loses and doubles no call',
  `hits = 0
def handler(*_):
    global hits
    hits += 1
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
made = failed = refused = 0
for n in range(300):
    result = sc(83, f'{ROOT}/a/d{n}', 0o755)
    while result == -4: result = sc(83, f'{ROOT}/a/d{n}', 0o755)
    made += result == 0; failed += result == -17
    result = sc(83, f'{ROOT}/o/d{n}', 0o755)
    while result == -4: result = sc(83, f'{ROOT}/o/d{n}', 0o755)
    refused += result == -1
signal.setitimer(signal.ITIMER_REAL, 0)
say(made=made, failed=failed, refused=refused, there=len([n for n in os.listdir(ROOT + '/a') if n[0] == 'd']), hit=int(hits > 0))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { made: 300, failed: 0, refused: 300, there: 300, hit: 1 }),
);

insideTest(
  'P08 the calls of the vsyscall page harm nothing',
  `def call(address):
    function = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)(address)
    def run():
        function(None, None); return 0
    return in_child(run)
# Where a kernel has no such page, a fault ends the child.
values = [call(0xffffffffff600000 + n * 1024) for n in range(3)]
say(**{str(n): int(v in (0, -11)) for n, v in enumerate(values)})`,
  (outcome) => assert.deepEqual(saidBy(outcome), { 0: 1, 1: 1, 2: 1 }),
);

insideTest(
  'P32 F01 a process that is killed in the middle of a call leaves nothing behind and nobody hurt',
  `import random
random.seed(1)
for n in range(150):
    pid = os.fork()
    if pid == 0:
        while True:
            sc(83, ROOT + '/a/k', 0o755); sc(84, ROOT + '/a/k'); sc(83, ROOT + '/o/k', 0o755); sc(90, ROOT + '/a/f', 0o644)
    time.sleep(random.random() / 300)
    os.kill(pid, 9)
    assert os.waitpid(pid, 0)[1] == 9
say(after=sc(83, ROOT + '/a/after', 0o755), refused=sc(83, ROOT + '/o/after', 0o755))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { after: 0, refused: -1 }),
);

attackTest({
  id: 'F11 F12 3.6',
  title: 'a thread with a working directory and descriptors of its own: the leader has others',
  script: String.raw`
def thread():
    sc(272, 0x600)
    sc(80, ROOT + '/o')
    fd = sc(2, ROOT + '/o', 0o200000)
    for path, directory in (('f', -100), ('f', 100)):
        if directory == 100: sc(33, fd, 100)
        out = sc(257, directory, path, 0o1001)
        if out >= 0: sc(1, out, b'x', 1)
    sc(90, 'f', 0o777); sc(77, 100, 0); sc(268, 100, 'f', 0o777)
os.chdir(ROOT + '/a')
os.dup2(os.open(ROOT + '/a', os.O_RDONLY), 100)
t = threading.Thread(target=thread); t.start(); t.join()`,
});

attackTest({
  id: 'K3 P18',
  title: 'a program that cannot be looked into (mode 0111) writes',
  script: String.raw`
import shutil
shutil.copy('/bin/sh', ROOT + '/a/sh')
os.chmod(ROOT + '/a/sh', 0o111)
os.spawnv(os.P_WAIT, ROOT + '/a/sh', ['sh', '-c', 'exec 2>/dev/null; echo x > "$0"', ROOT + '/o/f'])`,
});

attackTest({
  id: 'P33 P23',
  title: 'a stopped and continued process repeats a call',
  script: `${WRITE}
pid = os.fork()
if pid == 0:
    while True: write()
for _ in range(20):
    os.kill(pid, 19); time.sleep(0.005); os.kill(pid, 18); time.sleep(0.005)
os.kill(pid, 9); os.wait()`,
  inside: ({ a }) => assert.equal(readFileSync(join(a, 'f'), 'latin1'), 'kept'),
});
