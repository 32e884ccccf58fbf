/**
 * Random system calls with random arguments, inside: the supervisor goes on, gives back what it takes, and nothing
 * outside changes. SECFILTER_FUZZ_SECONDS says for how long; each run has other seeds when that is set.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { assertNoGrowth, ended, until, usage } from '../support/faults.ts';
import { repetitions } from '../support/repeat.ts';
import { secfiltWords, start } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

const SECONDS = repetitions('SECFILTER_FUZZ_SECONDS', 2);
const SEED = process.env['SECFILTER_FUZZ_SECONDS'] === undefined ? 7 : Date.now() % 2 ** 31;

const FUZZER = String.raw`
import random, resource, shutil, subprocess
SECONDS, SEED = float(sys.argv[2]), int(sys.argv[3])
SECFILT = os.getppid()
# Without an end, or with more processes than one can count; and what only ends or cripples the caller: exit, fork, mmap, close, timers, users.
LEFT_OUT = {0, 3, 7, 9, 10, 11, 12, 13, 14, 15, 17, 19, 23, 25, 26, 27, 28, 30, 33, 34, 35, 37, 38, 43, 45, 47, 56, 57, 58, 59, 60, 61, 74, 75, 101, 105, 106, 113, 114, 116,
    117, 119, 122, 123, 126, 128, 130, 131, 157, 158, 160, 162, 202, 216, 218, 219, 222, 223, 226, 230, 231, 232, 247, 270, 271, 273, 277, 281, 288, 292, 299, 306, 307,
    317, 322, 327, 329, 330, 331, 334, 435, 436, 441, 449, 453, 455, 456, 462}
SIGNALS = {62, 129, 424, 200, 234, 297}
NUMBERS = [n for n in list(range(0, 336)) + list(range(424, 480)) if n not in LEFT_OUT]
# Calls that are referred come more often.
OFTEN = [2, 85, 76, 82, 83, 84, 86, 87, 88, 90, 91, 92, 93, 94, 132, 133, 188, 189, 190, 197, 235, 257, 258, 259, 260, 261, 263, 264, 265, 266, 268, 280, 316, 437, 452, 463, 466, 469, 16,
    42, 44, 46, 49, 72, 302, 141, 203, 314, 62, 129, 234, 424]
def path(r):
    parts = [ROOT + '/a', ROOT + '/o', 'f', '..', '.', 'l', 'd', 'x' * 255, '/proc/self/fd', str(r.randrange(12)), '/proc/self', '/proc/thread-self', 'cwd', 'root', '/dev/null', '', '/',
        f'/proc/{SECFILT}', 'mem', '/dev/fd', 'n' + str(r.randrange(9))]
    raw = '/'.join(r.choice(parts) for _ in range(r.randrange(1, 5))).encode()
    if r.random() < 0.1: raw = bytes(r.randrange(1, 256) for _ in range(r.randrange(40)))
    return raw[:4095]
calls = mmap.mmap(-1, 8)
def prepare():
    "The ground as it was: what the last one has done to it would leave the next nothing to do."
    a = ROOT + '/a'
    if not os.path.isdir(a):
        try: os.unlink(a)
        except FileNotFoundError: pass
        os.mkdir(a)
    os.chmod(a, 0o755)
    for entry in list(os.scandir(a)):
        if entry.is_dir(follow_symlinks=False): subprocess.run(['chmod', '-R', 'u+rwx', entry.path]); shutil.rmtree(entry.path)
        else: os.unlink(entry.path)
    open(a + '/f', 'w').close(); os.symlink(ROOT + '/o', a + '/l')
started = False
def child(seed):
    global started
    r = random.Random(seed)
    signal.setitimer(signal.ITIMER_REAL, 0.4)
    for name in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE): resource.setrlimit(name, (65536 if name == resource.RLIMIT_FSIZE else 0,) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    os.chdir(ROOT + '/a')
    opened = [os.open(ROOT + '/a', os.O_RDONLY), os.open(ROOT + '/o', os.O_RDONLY), os.open(ROOT + '/o/f', os.O_RDONLY), os.open(ROOT + '/a/f', os.O_RDWR), *os.pipe(),
        *(s.detach() for s in socket.socketpair()), os.open('/dev/null', os.O_RDWR)]
    buffers = [ctypes.create_string_buffer(4200) for _ in range(6)]
    edge = mmap.mmap(-1, 8192)
    def argument():
        kind = r.randrange(12)
        if kind < 3:
            b = r.choice(buffers); raw = path(r); ctypes.memmove(b, raw + b'\0', len(raw) + 1); return ctypes.addressof(b)
        if kind == 3:
            b = r.choice(buffers); raw = bytes(r.choice((0, 0, 0, 1, 2, 255, r.randrange(256))) for _ in range(64)); ctypes.memmove(b, raw, 64); return ctypes.addressof(b)
        if kind == 4: return r.choice(opened) | (r.choice((0, 0xdead)) << 32)
        if kind == 5: return -100
        if kind == 6: return r.choice((0, 0, 1, 2, 3, 8, 24, 0o100, 0o1000, 0o101, 0o102, 0o1002, 0o20200002, 0x1000, 0x100, 0x400, 4096, 65536))
        if kind == 7: return 1 << r.randrange(64)
        if kind == 8: return r.randrange(-4, 600)
        if kind == 9: return r.getrandbits(64)
        if kind == 10: return ctypes.addressof(r.choice(buffers)) + 4190
        return r.choice((0, 1, 2**31, 2**32 - 1, 2**63, 0xffffffff80000000, 0x7fffffffffff))
    started = True
    while True:
        number = r.choice(OFTEN) if r.random() < 0.6 else r.choice(NUMBERS)
        if number in LEFT_OUT: continue
        args = [argument() for _ in range(6)]
        if number in SIGNALS: args[0] = r.choice((SECFILT, 1, SECFILT | 1 << 32)); args[1] = r.choice((0, 1, 9, 10, 17, 18, 19))
        if number == 302: args[0] = r.choice((SECFILT, 1, SECFILT | 1 << 32))
        if r.random() < 0.02: number |= 0x40000000
        sc(number, *args)
        struct.pack_into('Q', calls, 0, struct.unpack_from('Q', calls)[0] + 1)
count = 0
def rounds(seconds, least=0):
    global count
    end = time.time() + seconds
    while time.time() < end or count < least:
        prepare()
        pid = os.fork()
        if pid == 0:
            null = os.open('/dev/null', os.O_RDWR)
            for fd in (0, 1, 2): os.dup2(null, fd)
            try: child(SEED + count)
            except BaseException: os._exit(0 if started else 50)
        status = os.waitpid(pid, 0)[1]
        assert status != 50 << 8, count
        count += 1
    # While the supervisor is looked at from outside there is nobody else inside.
    print('rounds', count, 'calls', struct.unpack_from('Q', calls)[0], flush=True); sys.stdin.readline()
# Of so many threads the supervisor keeps what it keeps of any.
rounds(SECONDS / 2, 70); rounds(SECONDS)
`;

for (const { name, options } of engines) {
  for (const backing of backings) {
    const title = `random calls for ${SECONDS} s, ${name} ${backing.name} (${who}), seed ${SEED}`;
    void test(title, { timeout: 3_600_000 }, async (t) => {
      // First, as it must end also where the ground cannot be removed.
      const bystander = spawn('sleep', ['1000'], { stdio: 'ignore' });
      t.after(() => bystander.kill());
      const ground = makeGround(t);
      symlinkSync(ground.o, join(ground.a, 'l'));
      const before = strictSnapshot(ground.o);
      const bystanderBefore = factsOf(bystander.pid);
      const words = [...python(FUZZER, ground.root), String(SECONDS), String(SEED)];
      const child = start(
        secfiltWords([...options, `--write-allow=${ground.a}`, '--no-outbound-network', '--', ...words]),
        { env: backing.env },
      );
      t.after(() => child.kill('SIGKILL'));
      const said = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const)
        child[name]?.on('data', (data: Buffer) => (said[name] += data.toString()));
      const isOver = () => child.exitCode !== null || child.signalCode !== null;
      const rounds = async (count: number) => {
        const done = () => said.stdout.split('\n').length > count || isOver();
        await until('the rounds', done, SECONDS * 1000 + 60_000);
        assert.ok(!isOver(), JSON.stringify([child.exitCode, child.signalCode, said]).slice(-2000));
        return usage(child.pid ?? 0);
      };
      const first = await rounds(1);
      child.stdin?.write('\n');
      const last = await rounds(2);
      child.stdin?.end('\n');
      await ended(child);
      t.diagnostic(`${said.stdout.trim().replace('\n', ', ')}; ${JSON.stringify([first, last])}`);
      // The ground's own name may have been taken away from us inside; that is allowed there.
      try {
        chmodSync(ground.a, 0o755);
      } catch {
        // It is gone.
      }
      assert.deepEqual([child.exitCode, child.signalCode], [0, null], said.stderr.slice(-2000));
      const [, made = 0, calls = 0] = (/^rounds (\d+) calls (\d+)\n$/m.exec(said.stdout) ?? []).map(Number);
      assert.ok(made > 0 && calls > 50 * made, said.stdout);
      assert.doesNotMatch(said.stderr, /fault of secfilt/);
      assertNoGrowth(first, last, 8);
      assert.deepEqual(strictSnapshot(ground.o), before);
      assert.equal(bystander.exitCode ?? bystander.signalCode, null);
      assert.deepEqual(factsOf(bystander.pid), bystanderBefore);
    });
  }
}

/** What others could change of a process: its state, priorities, CPUs and limits. */
function factsOf(pid: number | undefined): string[] {
  const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'latin1');
  const fields = read('stat')
    .slice(read('stat').lastIndexOf(')') + 2)
    .split(' ');
  const cpus = /^Cpus_allowed:.*$/m.exec(read('status'))?.[0] ?? '';
  // Asleep or about to be is the same.
  return [
    (fields[0] ?? '').replace('R', 'S'),
    fields[15] ?? '',
    fields[16] ?? '',
    cpus,
    read('limits'),
    read('oom_score_adj'),
  ];
}
