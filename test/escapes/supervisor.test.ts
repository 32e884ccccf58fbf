/**
 * The supervisor and the watchdog out of reach of what they watch. A stopped, killed or slowed supervisor shows from
 * outside: it is looked at while the attack still runs.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { attackTest, engines, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { run, secfiltWords, start } from '../support/run.ts';

/** SECFILT is the supervisor's number; OUT_OF_REACH has those of its helpers and threads too. */
const FIND = String.raw`
def ppid(pid):
    try: return int(open(f'/proc/{pid}/stat').read().rpartition(')')[2].split()[1])
    except OSError: return 0
SECFILT = os.getpid()
while SECFILT > 1 and b'secfilt.cjs' not in open(f'/proc/{ppid(SECFILT)}/cmdline', 'rb').read(): SECFILT = ppid(SECFILT)
SECFILT = ppid(SECFILT)
assert SECFILT > 1, 'no supervisor'
CHILDREN = [int(p) for p in os.listdir('/proc') if p.isdigit() and ppid(int(p)) == SECFILT]
FIRST = os.getpid()
while ppid(FIRST) != SECFILT: FIRST = ppid(FIRST)
# What else the supervisor has started: the watchdog, or the tracer's waker.
WATCHDOG = [p for p in CHILDREN if p != FIRST and ppid(p) == SECFILT and open(f'/proc/{p}/stat').read().rpartition(')')[2].split()[0] != 'Z']
TASKS = [int(t) for t in os.listdir(f'/proc/{SECFILT}/task')]
OUT_OF_REACH = [SECFILT] + WATCHDOG + TASKS
`;

const SIGNALS = [0, 1, 2, 3, 6, 9, 10, 12, 15, 17, 18, 19, 20, 23, 34, 64];

/** Every way to send a signal to a process or thread: [label, Python]. */
const WAYS = `
INFO = struct.pack('iiiiiI', 0, 0, -1, 0, 0, 0) + bytes(200)
def pidfd(pid, flags=0):
    fd = sc(434, pid, flags)
    return fd if fd >= 0 else -1
WAYS = {
  'kill': lambda p, s: sc(62, p, s),
  'tkill': lambda p, s: sc(200, p, s),
  'tgkill': lambda p, s: sc(234, SECFILT if p in TASKS else p, p, s),
  'rt_sigqueueinfo': lambda p, s: sc(129, p, s, INFO),
  'rt_tgsigqueueinfo': lambda p, s: sc(297, SECFILT if p in TASKS else p, p, s, INFO),
  'pidfd_send_signal': lambda p, s: sc(424, pidfd(p), s, 0, 0),
  'pidfd_send_signal to the thread': lambda p, s: sc(424, pidfd(p, 0o200), s, 0, 1),
  'pidfd_send_signal by a thread': lambda p, s: sc(424, pidfd(p, 0o200), s, 0, 2),
  'pidfd_send_signal to its group': lambda p, s: sc(424, pidfd(p), s, 0, 4),
  'pidfd_send_signal with information': lambda p, s: sc(424, pidfd(p), s, INFO, 0),
  'pidfd_send_signal by /proc': lambda p, s: sc(424, sc(2, f'/proc/{p}', 0o200000), s, 0, 0),
  'kill with garbage': lambda p, s: sc(62, 0xdead00000000 | p, s | 1 << 32),
}
`;

function stateOf(pid: number): string {
  return /^State:\t(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '?';
}

insideTest(
  'P14 P15 K4 no signal reaches the supervisor or the watchdog',
  `${FIND}${WAYS}
reached = {}
for name, way in WAYS.items():
    for pid in OUT_OF_REACH:
        for signal_number in ${JSON.stringify(SIGNALS)}:
            if way(pid, signal_number) >= 0: reached[f'{name} {pid} {signal_number}'] = 1
say(watchdogs=len(WATCHDOG), **reached)
`,
  (outcome) => assert.deepEqual(saidBy(outcome), { watchdogs: 1 }),
);

insideTest(
  'P14 kill(-1), the process group and the group of the supervisor: who is inside is reached, and nobody else',
  `${FIND}
# SIGURG, which harms nobody who does not ask for it: should it get out, the tests go on.
def sleeper(group):
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGURG, lambda *_: os._exit(42))
        if group: os.setpgid(0, 0)
        os.write(w, b'x')
        while True: time.sleep(1)
    os.read(r, 1)
    return pid
signal.signal(signal.SIGURG, signal.SIG_IGN)
for how in ('all', 'group', 'named group'):
    victims = [sleeper(False), sleeper(how == 'all')]
    if how == 'all': result = sc(62, -1, 23)
    elif how == 'group': result = sc(62, 0, 23)
    else: result = sc(62, -os.getpgid(0), 23)
    assert result == 0, (how, result)
    for pid in victims:
        assert os.waitpid(pid, 0)[1] == 42 << 8, how
# Nobody of these is inside.
say(init=sc(62, 1, 0), absent=sc(62, 0x3fffff, 0), absent_group=sc(62, -0x3fffff, 0))
`,
  (outcome) => {
    const said = saidBy(outcome);
    assert.deepEqual(said, { init: -1, absent: -3, absent_group: -3 });
  },
);

insideTest(
  'P16 limits, priority, scheduling and memory placement of the supervisor stay',
  `${FIND}
limit = struct.pack('QQ', 3, 3)
mask = struct.pack('Q', 1) + bytes(120)
attr = struct.pack('IIQiIQQQ', 48, 0, 0, 5, 0, 0, 0, 0)
CALLS = {
  **{f'prlimit {r}': (lambda p, r=r: sc(302, p, r, limit, 0)) for r in (0, 1, 3, 4, 7, 9)},
  'setpriority': lambda p: sc(141, 0, p, 10),
  'setpriority of the group': lambda p: sc(141, 1, os.getpgid(0), 10),
  'setpriority of group 0': lambda p: sc(141, 1, 0, 10),
  'setpriority of the user': lambda p: sc(141, 2, 0, 10),
  'ioprio_set': lambda p: sc(251, 1, p, 0x4007),
  'ioprio_set of the group': lambda p: sc(251, 2, 0, 0x4007),
  'ioprio_set of the user': lambda p: sc(251, 3, os.getuid(), 0x4007),
  'sched_setaffinity': lambda p: sc(203, p, 128, mask),
  'sched_setscheduler': lambda p: sc(144, p, 5, struct.pack('i', 0)),
  'sched_setparam': lambda p: sc(142, p, struct.pack('i', 0)),
  'sched_setattr': lambda p: sc(314, p, attr, 0),
  'move_pages': lambda p: sc(279, p, 0, 0, 0, 0, 0),
  'migrate_pages': lambda p: sc(256, p, 0, 0, 0),
}
done = {f'{name} {pid}': 1 for name, call in CALLS.items() for pid in OUT_OF_REACH if call(pid) >= 0}
# A thread sets its own, by the number that pthread_setaffinity_np passes, and that of its siblings.
me = sc(186)
sibling = threading.Thread(target=lambda: time.sleep(1)); sibling.start()
own = dict(affinity=sc(203, me, 128, mask), priority=sc(141, 0, me, 19), limit=sc(302, os.getpid(), 4, struct.pack('QQ', 0, 0), 0),
           sibling=sc(203, sibling.native_id, 128, mask), child=0)
pid = os.fork()
if pid == 0: signal.pause()
own['child'] = sc(203, pid, 128, mask)
os.kill(pid, 9)
say(**done, **own)
`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), { affinity: 0, priority: 0, limit: 0, sibling: 0, child: 0 }),
);

insideTest(
  'P17 F21 nothing of the supervisor in /proc is read or written',
  `${FIND}
opened = {}
def attempt(path, flags):
    for number, args in ((2, (path, flags, 0o600)), (437, (-100, path, struct.pack('QQQ', flags, 0o600 if flags & 0o100 else 0, 0), 24))):
        fd = sc(number, *args)
        if fd >= 0:
            # Having it open is not yet having it: the kernel checks some when they are read.
            if flags & 3 == 0:
                try: got = os.read(fd, 64)
                except OSError: got = b''
                if not got: os.close(fd); continue
            opened[f'{number} {path} {oct(flags)}'] = 1
NAMES = ['mem', 'maps', 'environ', 'auxv', 'syscall', 'stack', 'io', 'smaps', 'pagemap', 'personality', 'map_files/x', 'fd/0', 'fd/1', 'fd/3']
WRITTEN = ['mem', 'oom_score_adj', 'oom_adj', 'comm', 'clear_refs', 'coredump_filter', 'uid_map', 'gid_map', 'setgroups', 'projid_map',
           'attr/current', 'attr/exec', 'autogroup', 'timerslack_ns', 'loginuid', 'fd/1', 'fd/2', 'fd/3']
for pid in OUT_OF_REACH:
    own = [n for n in NAMES if pid == SECFILT or not n.startswith('fd/')]
    for name in own: attempt(f'/proc/{pid}/{name}', 0)
    for name in NAMES: attempt(f'/proc/{pid}/{name}', 0o100)
    for name in WRITTEN:
        for flags in (1, 2, 0o1001, 0o101): attempt(f'/proc/{pid}/{name}', flags)
    attempt(f'/proc/{pid}/task/{pid}/mem', 0); attempt(f'/proc/{pid}/task/{pid}/mem', 2)
# Every descriptor that the supervisor might have.
for fd in range(64):
    for flags in (0, 1, 2): attempt(f'/proc/{SECFILT}/fd/{fd}', flags | 0o100 if flags == 0 else flags)
    for number, args in ((90, (f'/proc/{SECFILT}/fd/{fd}', 0o777)), (76, (f'/proc/{SECFILT}/fd/{fd}', 0)), (86, (f'/proc/{SECFILT}/fd/{fd}', ROOT + '/a/l'))):
        if sc(number, *args) >= 0: opened[f'{number} fd {fd}'] = 1
    if sc(265, -100, f'/proc/{SECFILT}/fd/{fd}', -100, ROOT + '/a/l', 0x400) >= 0: opened[f'link fd {fd}'] = 1
for link in ('exe', 'cwd', 'root'):
    try: opened[os.readlink(f'/proc/{SECFILT}/{link}')] = 1
    except OSError: pass
say(**opened)
`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
);

insideTest(
  'P17 openat2, which the supervisor performs, opens nothing of a process outside that open does not',
  `${FIND}
def opened(path):
    fds = [sc(2, path, 0), sc(437, -100, path, bytes(24), 24)]
    for fd in fds:
        if fd >= 0: os.close(fd)
    return [int(fd >= 0) for fd in fds]
OUTSIDER = ppid(SECFILT)
NAMES = [f'{task}{name}' for task in ('', f'task/{OUTSIDER}/') for name in ('mem', 'environ', 'maps', 'smaps', 'auxv', 'pagemap', 'fdinfo/0')]
NAMES += ['timers', 'fd/0', 'exe']
more = {name: 1 for name in NAMES if opened(f'/proc/{OUTSIDER}/{name}') == [0, 1]}
# What is everybody's, one's own, or of a child stays.
child = os.fork()
if child == 0: signal.pause()
ours = ['/proc/self/environ', '/proc/thread-self/maps', f'/proc/{child}/environ', '/proc/meminfo', f'/proc/{OUTSIDER}', '/proc']
less = {path: 1 for path in ours if opened(path) != [1, 1]}
os.kill(child, 9)
say(**more, **less)
`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
);

for (const engine of engines) {
  for (const backing of backings) {
    void test(`P17 openat2 opens nothing of the supervisor in a second /proc, ${engine.name} ${backing.name} (${who})`, async (t) => {
      if (!isRoot) return t.skip('only root can mount');
      const { root, a } = makeGround(t);
      mkdirSync(`${root}/proc`);
      const mounted = [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'mount -t proc proc "$0" && exec "$@"',
        `${root}/proc`,
      ];
      const probe = await run([...mounted, 'true']);
      if (probe.code !== 0) return t.skip(`no /proc can be mounted: ${probe.stderr.trim()}`);
      const words = python(
        `${FIND}
def opened(path): return int(sc(437, -100, path, bytes(24), 24) >= 0)
say(there=int(os.path.exists(f'{ROOT}/proc/{SECFILT}/status')),
    opened=sum(opened(f'{ROOT}/proc/{SECFILT}/{name}') for name in ('mem', 'maps', 'environ', 'auxv')))`,
        root,
      );
      const options = [...engine.options, `--write-allow=${a}`];
      const outcome = await run([...mounted, ...secfiltWords([...options, '--', ...words])], {
        env: backing.env,
      });
      assert.deepEqual(saidBy(outcome), { there: 1, opened: 0 });
    });
  }
}

insideTest(
  'P17 P03 memory and descriptors of the supervisor are not to be had, nor is it traced',
  `${FIND}
remote = struct.pack('QQ', 0x400000, 8)
pidfds = [sc(434, pid, 0) for pid in OUT_OF_REACH]
CALLS = {
  'process_vm_readv': lambda p: sc(310, p, remote, 1, remote, 1, 0),
  'process_vm_writev': lambda p: sc(311, p, remote, 1, remote, 1, 0),
  'attach': lambda p: sc(101, 16, p, 0, 0),
  'seize': lambda p: sc(101, 0x4206, p, 0, 0),
  'seize and suspend seccomp': lambda p: sc(101, 0x4206, p, 0, 1 << 21),
  'kcmp': lambda p: sc(312, p, os.getpid(), 0, 0, 0),
  'get_robust_list': lambda p: sc(274, p, bytes(8), bytes(8)),
}
done = {f'{name} {pid}': 1 for name, call in CALLS.items() for pid in OUT_OF_REACH if call(pid) >= 0}
done.update({f'pidfd_getfd {p}': 1 for p in pidfds if p >= 0 for n in range(10) if sc(438, p, n, 0) >= 0})
done.update({f'init {name}': 1 for name, call in CALLS.items() if name != 'get_robust_list' and call(1) >= 0})
say(**done)
`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
);

for (const [what, request] of [
  ['F_SETOWN', 'sc(72, r, 8, VICTIM)'],
  ['F_SETOWN of the group', 'sc(72, r, 8, -os.getpgid(VICTIM))'],
  ['F_SETOWN_EX', "sc(72, r, 15, struct.pack('ii', 1, VICTIM))"],
  ['F_SETOWN_EX of the group', "sc(72, r, 15, struct.pack('ii', 2, os.getpgid(VICTIM)))"],
  ['FIOSETOWN', "sc(16, r, 0x8901, struct.pack('i', VICTIM))"],
  ['SIOCSPGRP', "sc(16, r, 0x8902, struct.pack('i', VICTIM))"],
] as const) {
  attackTest({
    id: 'P14',
    title: `SIGIO by ${what}`,
    // The victim outside says what it got; its number is in a file.
    prepare: (ground, t) => startVictim(ground, t),
    script: `VICTIM = int(open(ROOT + '/victim').read())
pair = socket.socketpair()
r, w = (end.fileno() for end in pair)
print(${request})
sc(72, r, 10, 12)
sc(72, r, 4, 0o22000)
os.write(w, b'x')
time.sleep(0.2)`,
    worked: ({ root }) => readFileSync(`${root}/heard`, 'utf8') !== '',
  });
}

for (const [what, request] of [
  ['kill(0)', 'sc(62, 0, 28)'],
  ['kill of the named group', 'sc(62, -os.getpgid(0), 28)'],
  ['pidfd_send_signal of its leader', 'sc(424, sc(434, os.getpgid(0), 0), 28, 0, 4)'],
] as const) {
  attackTest({
    id: 'P14',
    title: `the group that secfilt was started in is signalled by ${what}`,
    // SIGWINCH harms nobody who does not ask for it: the tests themselves are in the group.
    prepare: (ground, t) => startVictim(ground, t, 28, []),
    script: `print(${request}); time.sleep(0.2)`,
    worked: ({ root }) => readFileSync(`${root}/heard`, 'utf8') !== '',
    lacking: ({ stdout }) => (stdout === '-22\n' ? 'a pidfd means no group on this kernel' : undefined),
  });
}

/** @param words before its own: without setsid it is in the group of the tests */
async function startVictim(
  { root }: { root: string },
  t: { after(clean: () => void): void },
  number = 12,
  words: readonly string[] = ['setsid'],
): Promise<void> {
  const script = `signal.signal(${number}, lambda *_: open(ROOT + '/heard', 'a').write('x'))
open(ROOT + '/heard', 'w').close()
open(ROOT + '/victim', 'w').write(str(os.getpid()))
print('ready', flush=True)
while True: time.sleep(0.05)`;
  const victim = start([...words, ...python(script, root)], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => victim.kill('SIGKILL'));
  await said(victim);
}

function said(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('close', () => reject(new Error('it ended')));
  });
}

for (const engine of engines) {
  for (const backing of backings) {
    void test(`P13 P14 P15 K4 after all signals the supervisor runs, no inspector listens, and secfilt ends as its command, ${engine.name} ${backing.name} (${who})`, async () => {
      const child = start(
        secfiltWords([
          ...engine.options,
          '--read-only',
          '--',
          ...python(`${FIND}${WAYS}
for way in WAYS.values():
    for pid in OUT_OF_REACH:
        for signal_number in ${JSON.stringify(SIGNALS.filter((number) => number !== 0))}: way(pid, signal_number)
time.sleep(0.2)
s = socket.socket()
print('open' if s.connect_ex(('127.0.0.1', 9229)) == 0 else 'closed', flush=True)
sys.stdin.read()
sys.exit(7)`),
        ]),
        { env: backing.env },
      );
      let text = '';
      child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
      await said(child);
      assert.ok(child.pid !== undefined);
      assert.match(stateOf(child.pid), /[SR]/);
      const listening = execFileSync('sh', [
        '-c',
        `cat /proc/${child.pid}/net/tcp | grep -c ':240D .* 0A ' || true`,
      ]);
      assert.equal(String(listening).trim(), '0', 'port 9229 must not be listened on');
      child.stdin?.end();
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.deepEqual({ code, text }, { code: 7, text: 'closed\n' });
    });
  }
}
