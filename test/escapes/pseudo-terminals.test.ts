/** A pseudo-terminal made inside is the sandbox's own; another's is never opened, whatever number and name it has. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

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
