/** A pseudo-terminal made inside is the sandbox's own; another's is never opened, whatever number and name it has. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

import { throughClient } from '../support/client.ts';
import { isRoot } from '../support/environment.ts';
import { attackTest, insideTest, saidBy } from '../support/escape.ts';

/**
 * Outside: waits until the sandbox says that the number is free, takes it, and waits until the sandbox has tried. What is written to
 * the slave is heard at the master. The number is asked for as long as it takes: others on the machine make terminals too.
 */
const REUSER = `
import subprocess, select, tty
other, otherslave = os.openpty(); tty.setraw(otherslave)
open(ROOT + '/name', 'w').write(os.ttyname(otherslave))
p = subprocess.Popen(WORDS, stdin=other, stdout=subprocess.PIPE)
number = p.stdout.readline().decode().strip()
pairs = []
for _ in range(200):
    if number in [os.ttyname(s) for m, s in pairs]: break
    m, s = os.openpty(); tty.setraw(s); pairs.append((m, s))
open(ROOT + '/a/taken', 'w').close()
p.wait()
heard = b''
for m in [other] + [m for m, s in pairs]:
    while select.select([m], [], [], 0)[0]: heard += os.read(m, 99)
if heard: open(ROOT + '/heard', 'wb').write(heard)
sys.stdout.buffer.write(p.stdout.read())`;

attackTest({
  id: 'S18',
  title:
    "another's pseudo-terminal is written by its name, by the number that was one's own, and by a master that was handed in",
  outside: REUSER,
  script: `
m, s = os.openpty(); name = os.ttyname(s)
held = os.open(name, os.O_PATH); os.mkdir(ROOT + '/a/fd'); os.symlink(name, ROOT + '/a/fd/%d' % s); os.symlink(name, ROOT + '/a/l')
os.close(m)
print(name, flush=True)
keep = s
while not os.path.exists(ROOT + '/a/taken'): time.sleep(0.02)
other = open(ROOT + '/name').read()
paths = [name, other, ROOT + '/a/l', ROOT + '/a/fd/%d' % keep, '/proc/self/fd/%d' % keep, '/proc/self/fd/%d' % held,
    '/proc/self/fd/%d' % os.open(other, os.O_RDONLY | os.O_NOCTTY), '/dev/pts/../pts/' + os.path.basename(name)]
opened = 0
def attempt():
    global opened
    for path in paths:
        for flags in (0o401, 0o402, 0o403, 0o501, 0o1402):
            for number, args in ((2, (path, flags, 0o600)), (257, (-100, path, flags, 0o600)), (437, (-100, path, struct.pack('QQQ', flags, 0o600 if flags & 0o100 else 0, 0), 24))):
                fd = sc(number, *args)
                if fd >= 0: opened += 1; sc(1, fd, b'!', 1); os.close(fd)
        sc(90, path, 0o622)
    fd = sc(16, 0, 0x5441, 0o402)
    if fd >= 0: opened += 1; sc(1, fd, b'!', 1); os.close(fd)
thread = threading.Thread(target=attempt); thread.start(); thread.join(); attempt()
print(min(opened, 9))`,
  worked: ({ root }) => existsSync(`${root}/heard`) && readFileSync(`${root}/heard`, 'latin1') !== '',
  inside: (_ground, { stdout }) => assert.match(stdout, /^0\n/),
});

/** Outside: another file system of terminals, where each that a process inside could get has one of the same number. */
const SECOND_DEVPTS = `
import select, subprocess, tty
libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
place = ROOT + '/pts'
for path in (place, ROOT + '/bound', ROOT + '/a/pts'): os.mkdir(path)
libc.unshare(0x20000)
mounted = [libc.mount(b'none', b'/', None, 0x44000, None), libc.mount(b'devpts', place.encode(), b'devpts', 0, b'newinstance,ptmxmode=666,mode=666'),
    libc.mount(b'/dev/pts', (ROOT + '/bound').encode(), None, 0x1000, None), libc.mount(place.encode(), (ROOT + '/a/pts').encode(), None, 0x1000, None)]
pairs = []
highest = max([int(n) for n in os.listdir('/dev/pts') if n.isdigit()] + [0])
for _ in range(highest + 20 if mounted == [0] * 4 else 0):
    m = os.open(place + '/ptmx', os.O_RDWR | os.O_NOCTTY)
    fcntl.ioctl(m, 0x40045431, bytes(4))
    s = os.open('%s/%d' % (place, struct.unpack('i', fcntl.ioctl(m, 0x80045430, bytes(4)))[0]), os.O_RDWR | os.O_NOCTTY)
    tty.setraw(s); pairs.append((m, s))
modes = [tty.tcgetattr(s) for m, s in pairs]
if not pairs: open(ROOT + '/a/unmounted', 'w').close()
p = subprocess.run(WORDS, stdout=subprocess.PIPE)
heard = b'modes' if [tty.tcgetattr(s) for m, s in pairs] != modes else b''
for m, s in pairs:
    while select.select([m], [], [], 0)[0]: heard += os.read(m, 99)
if heard: open(ROOT + '/heard', 'wb').write(heard)
sys.stdout.buffer.write(p.stdout)`;

if (isRoot)
  attackTest({
    id: 'S18',
    title: 'a terminal of another devpts that has the number of an own one is written, and changed',
    outside: `import fcntl${SECOND_DEVPTS}`,
    policy: ({ a }) => [`--write-own=${a}`],
    script: `
import fcntl, tty
m, s = os.openpty(); number = os.path.basename(os.ttyname(s))
tty.setraw(s)
def attack():
    os.setsid()
    for place in ('pts/', 'a/pts/'):
        path = ROOT + '/' + place + number
        for flags in (0o401, 0o402, 2, 0o1001):
            fd = sc(2, path, flags)
            if fd >= 0: sc(1, fd, b'!', 1); os.close(fd)
        # Open for reading it becomes the session's, and /dev/tty means it.
        fd = sc(2, path, 0); sc(16, fd, 0x5402, bytes(64))
        sc(90, path, 0o600)
        for flags in (1, 2):
            fd = sc(2, '/dev/tty', flags)
            if fd >= 0: sc(1, fd, b'?', 1)
    return 0
in_child(attack)
bound = sc(2, ROOT + '/bound/' + number, 0o402)
heard = b''
if bound >= 0:
    os.write(bound, b'own')
    while b'own' not in heard: heard += os.read(m, 99)
print(int(b'own' in heard))`,
    worked: ({ root }) => existsSync(`${root}/heard`),
    lacking: ({ stdout }) => (stdout === '' ? 'it did not run' : 'no devpts can be mounted'),
    inside: ({ a }, { stdout }) => {
      // A service lives in another mount namespace.
      if (!existsSync(`${a}/unmounted`) && !throughClient) assert.equal(stdout, '1\n');
    },
  });

attackTest({
  id: 'S18',
  title:
    'a terminal that is received for reading is written by its name, and one that is received for writing is used',
  outside: `
import select, socket, subprocess, tty
pairs = [os.openpty() for _ in range(2)]
for m, s in pairs: tty.setraw(s)
listener = socket.socket(socket.AF_UNIX); listener.bind(ROOT + '/o/s'); listener.listen()
os.chmod(ROOT + '/o/s', 0o666)
p = subprocess.Popen(WORDS, stdout=subprocess.PIPE)
peer = listener.accept()[0]
name = os.ttyname(pairs[0][1])
socket.send_fds(peer, [name.encode()], [os.open(name, os.O_RDONLY | os.O_NOCTTY), pairs[1][1]])
said = p.stdout.read()
heard = [os.read(m, 99) if select.select([m], [], [], 0)[0] else b'' for m, s in pairs]
if heard[0]: open(ROOT + '/heard', 'wb').write(heard[0])
print(said.decode().strip(), heard[1].decode())`,
  policy: ({ a, o }) => [`--write-allow=${a}`, `--allow-unix=${o}/s`],
  script: `
import termios
client = socket.socket(socket.AF_UNIX); client.connect(ROOT + '/o/s')
name, (reading, writing), _, _ = socket.recv_fds(client, 99, 2)
opened = 0
for path in (name.decode(), '/proc/self/fd/%d' % reading):
    for flags in (0o401, 0o402, 2, 0o403):
        fd = sc(2, path, flags)
        if fd >= 0: opened += 1; sc(1, fd, b'!', 1)
modes = termios.tcgetattr(writing); modes[3] |= termios.TOSTOP; termios.tcsetattr(writing, termios.TCSANOW, modes)
os.write(os.open('/proc/self/fd/%d' % writing, os.O_WRONLY | os.O_NOCTTY), b'used')
print(opened)`,
  worked: ({ root }) => existsSync(`${root}/heard`),
  inside: (_ground, { stdout }) => assert.equal(stdout, '0 used\n'),
});

insideTest(
  'S01 code that changes while a thread takes its terminal: at worst its process ends, and others take theirs',
  String.raw`
def attack():
    os.setsid()
    m, s = os.openpty(); name = os.ttyname(s).encode()
    # openat(2), and elsewhere getpid(2), to where its instruction leads half of the time.
    page = low_memory(b'\xb8\x01\x01\0\0\x0f\x05\xc3' + bytes(0x3d) + b'\xb8\x27\0\0\0\x0f\x05\xc3')
    call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_char_p, ctypes.c_long, ctypes.c_long)(page)
    def flip():
        while True: ctypes.memmove(page + 5, b'\xeb\x3e', 2); ctypes.memmove(page + 5, b'\x0f\x05', 2)
    threading.Thread(target=flip, daemon=True).start()
    for _ in range(9): call(-100, name, 2, 0)
    return 0
def take():
    os.setsid(); os.open(os.ttyname(os.openpty()[1]), os.O_RDWR)
    return 1 if os.open('/dev/tty', os.O_RDWR) >= 0 else 2
ends = [in_child(attack) for _ in range(12)]
say(odd=len([end for end in ends if end not in (0, -9)]), taken=in_child(take))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { odd: 0, taken: 1 }),
  { skip: throughClient ? 'an open takes no terminal in a service' : undefined },
);

insideTest(
  'S18 ten thousand pairs one after another, and the last is as the first',
  `
for _ in range(10000):
    os.close(os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY))
m, s = os.openpty(); fd = os.open(os.ttyname(s), os.O_RDWR | os.O_NOCTTY); os.write(fd, b'y')
say(read=len(os.read(m, 9)), injected=sc(16, s, 0x5412, b'x'))`,
  (outcome) => {
    const said = saidBy(outcome);
    assert.deepEqual([said['read'], said['injected']], [1, -1]);
  },
);
