/**
 * Who is inside: processes that our own had for children before it became secfilt, orphans that come to it from elsewhere,
 * and descriptors of another mount namespace. None of them is the sandbox's.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { type Attack, attackTest, type Ground } from '../support/escape.ts';

/** A process outside that notes each SIGUSR2, and lasts as long as the ground. */
const JOB = String.raw`
def job():
    signal.signal(signal.SIGUSR2, lambda *_: open(ROOT + '/heard', 'a').write('x'))
    null = os.open('/dev/null', os.O_RDWR)
    for fd in (0, 1, 2): os.dup2(null, fd)
    open(ROOT + '/heard', 'w').close()
    open(ROOT + '/job.new', 'w').write(str(os.getpid()))
    os.rename(ROOT + '/job.new', ROOT + '/job')
    while os.path.exists(ROOT + '/heard'): time.sleep(0.02)
    os._exit(0)
def wait_for(name):
    end = time.time() + 20
    while not os.path.exists(ROOT + '/' + name):
        if time.time() > end: raise SystemExit(f'no {name}')
        time.sleep(0.01)
`;

const NAMESPACES = String.raw`
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
NEWNS, NEWUSER, NEWPID = 0x20000, 0x10000000, 0x20000000
def unshare(flags):
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(flags | (NEWUSER if uid else 0)) != 0: raise SystemExit('no namespaces')
    if uid:
        open('/proc/self/setgroups', 'w').write('deny')
        open('/proc/self/uid_map', 'w').write(f'{uid} {uid} 1'); open('/proc/self/gid_map', 'w').write(f'{gid} {gid} 1')
    if libc.mount(b'none', b'/', None, 0x44000, None) != 0: raise SystemExit('no mounts')
def mount(source, target, kind, flags):
    if libc.mount(source.encode(), target.encode(), kind, flags, None) != 0: raise SystemExit('no mounts')
`;

const START = 'os.execv(WORDS[0], WORDS)';

/** Each way in which the job comes to be our child. */
const COMINGS: Readonly<Record<string, string>> = {
  'a child from before': `${JOB}
if os.fork() == 0: job()
wait_for('job'); ${START}`,
  'a child from before that has filters of its own': `${JOB}
if os.fork() == 0:
    code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
    assert sc(157, 38, 1, 0, 0, 0) == 0
    for _ in range(3): assert sc(317, 1, 0, struct.pack('HxxxxxxQ', 1, ctypes.addressof(code))) == 0
    job()
wait_for('job'); ${START}`,
  'an orphan that a child from before leaves': `${JOB}
if os.fork() == 0:
    null = os.open('/dev/null', os.O_RDWR)
    for fd in (0, 1, 2): os.dup2(null, fd)
    wait_for('a/begun')
    if os.fork() == 0:
        time.sleep(0.1); job()
    os._exit(0)
${START}`,
  'an orphan that the first process of a container adopts': `${JOB}${NAMESPACES}
unshare(NEWNS | NEWPID)
first = os.fork()
if first == 0:
    mount('proc', '/proc', b'proc', 0); ${START}
second = os.fork()
if second == 0:
    wait_for('a/begun')
    if os.fork() == 0:
        time.sleep(0.1); job()
    os._exit(0)
os.waitpid(second, 0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(first, 0)[1]))`,
};

const FOUND = `${JOB}
open(ROOT + '/a/begun', 'w').close()
wait_for('job')
JOB = int(open(ROOT + '/job').read())
`;

function heard({ root }: Ground): boolean {
  return existsSync(join(root, 'heard')) && readFileSync(join(root, 'heard'), 'utf8') !== '';
}

const lacking: Attack['lacking'] = ({ stderr }) =>
  /no (?:namespaces|mounts)/.test(stderr) ? 'this system gives no namespaces' : undefined;

for (const [coming, outside] of Object.entries(COMINGS)) {
  attackTest({
    id: 'S05',
    title: `${coming} is signalled`,
    outside,
    script: `${FOUND}
# The orphan's parent may still be ending.
time.sleep(0.3)
sc(62, JOB, 12)
sc(200, JOB, 12); sc(234, JOB, JOB, 12)
pidfd = sc(434, JOB, 0)
if pidfd >= 0: sc(424, pidfd, 12, 0, 0)
time.sleep(0.3)`,
    worked: heard,
    lacking,
  });
}

attackTest({
  id: 'S05',
  title: 'everybody (kill -1) reaches nobody who was there before',
  natively: 'it would end the tests',
  outside: COMINGS['a child from before'] ?? '',
  script: `${FOUND}
sc(62, -1, 12)
time.sleep(0.3)`,
  worked: heard,
});

function fieldsOf({ root }: Ground): string[] {
  const text = readFileSync(`/proc/${readFileSync(join(root, 'job'), 'utf8')}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

attackTest({
  id: 'S05',
  title: 'the priority and the scheduler of a child from before',
  outside: COMINGS['a child from before'] ?? '',
  script: `${FOUND}
sc(141, 0, JOB, 10)
sc(144, JOB, 3, struct.pack('i', 0))`,
  // nice and policy (proc(5)).
  worked: (ground) => {
    const fields = fieldsOf(ground);
    return fields[16] !== '0' || fields[38] !== '0';
  },
});

attackTest({
  id: 'S05',
  title: 'the limits of a child from before',
  outside: COMINGS['a child from before'] ?? '',
  script: `${FOUND}
sc(302, JOB, 4, struct.pack('QQ', 4096, 4096), 0)`,
  worked: ({ root }) =>
    /^Max core file size +4096 /m.test(
      readFileSync(`/proc/${readFileSync(join(root, 'job'), 'utf8')}/limits`, 'latin1'),
    ),
});

/** In its mount namespace `a` is what everybody else calls `o`. */
const ELSEWHERE = `${JOB}${NAMESPACES}
os.chmod(ROOT + '/o/f', 0o600)
def elsewhere():
    unshare(NEWNS)
    mount(ROOT + '/o', ROOT + '/a', None, 0x1000)
`;

function isOtherwise({ o }: Ground): boolean {
  const names = readdirSync(o);
  if (names.length !== 1 || !existsSync(join(o, 'f'))) return true;
  return readFileSync(join(o, 'f'), 'latin1') !== 'kept' || (statSync(join(o, 'f')).mode & 0o777) !== 0o600;
}

/** Changes by a path that begins in a place, and by a descriptor of that place. */
const CHANGES = String.raw`
def change(place, start):
    for path in (place + 'f',):
        fd = sc(257, start, path, 0o1001)
        if fd >= 0: os.write(fd, b'x')
        sc(268, start, path, 0o666); sc(260, start, path, os.getuid(), os.getgid(), 0); sc(280, start, path, 0, 0)
    sc(258, start, place + 'd', 0o755); sc(259, start, place + 'p', 0o10644, 0); sc(266, 'x', start, place + 'l')
    sc(264, start, place + 'f', start, place + 'g'); sc(263, start, place + 'f', 0)
`;

attackTest({
  id: 'S05',
  title: 'files are changed through the root of a child from before, in another mount namespace',
  outside: `${ELSEWHERE}
if os.fork() == 0:
    elsewhere(); job()
end = time.time() + 5
while not os.path.exists(ROOT + '/job') and time.time() < end: time.sleep(0.01)
if not os.path.exists(ROOT + '/job'): raise SystemExit('no namespaces')
${START}`,
  script: `${FOUND}${CHANGES}
for link in ('root', 'cwd'): change(f'/proc/{JOB}/{link}{ROOT if link == "root" else ""}/a/', -100)
change(f'/proc/{JOB}/task/{JOB}/root{ROOT}/a/', -100)
start = sc(2, f'/proc/{JOB}/root{ROOT}/a', 0o200000)
if start >= 0: change('', start)`,
  worked: isOtherwise,
  lacking,
});

attackTest({
  id: 'S05',
  title: 'files are changed by a directory of another mount namespace that is handed in',
  outside: `${ELSEWHERE}
ours, theirs = socket.socketpair()
if os.fork() == 0:
    elsewhere()
    socket.send_fds(theirs, [b'x'], [os.open(ROOT + '/a', os.O_RDONLY)])
    # Without it the namespace would be gone, and names with it.
    job()
theirs.close()
received = socket.recv_fds(ours, 1, 1)[1]
if not received: raise SystemExit('no namespaces')
ours = socket.socketpair()
socket.send_fds(ours[0], [b'x'], received)
os.dup2(ours[1].fileno(), 0)
${START}`,
  script: `${CHANGES}
fd = socket.recv_fds(socket.socket(fileno=0), 1, 1)[1][0]
change(f'/proc/self/fd/{fd}/', -100)
change('', fd)
os.fchdir(fd)
sc(90, 'f', 0o666); sc(76, 'f', 0); sc(83, 'd', 0o755)
change('', -100)
sc(91, fd, 0o777)`,
  worked: (ground) => isOtherwise(ground) || (statSync(ground.o).mode & 0o777) === 0o777,
  lacking,
});
