/**
 * A terminal of somebody else's that is open for reading takes commands by which it is changed: modes, size, what is queued in it.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

import { attackTest, insideTest, saidBy } from '../support/escape.ts';

/** Outside: a terminal that a session has, with keys typed into it, and how it is before and after. */
const WATCHED = `
import fcntl, pty, select, subprocess, termios
pid, master = pty.fork()
if pid == 0:
    while True: time.sleep(60)
name = '/dev/pts/%d' % struct.unpack('i', fcntl.ioctl(master, 0x80045430, bytes(4)))
slave = os.open(name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
while os.tcgetpgrp(master) != pid: time.sleep(0.01)
os.write(master, b'typed\\n')
def state():
    try:
        os.write(slave, b'shown')
        shown = b''
        while select.select([master], [], [], 0.5)[0] and b'shown' not in shown: shown += os.read(master, 99)
        numbers = [fcntl.ioctl(slave, command, bytes(8)) for command in (0x5413, 0x80045440, 0x541b, 0x5424)]
        return b'shown' in shown, termios.tcgetattr(slave), numbers, os.tcgetpgrp(master)
    except OSError as error: return error.errno
open(ROOT + '/name', 'w').write(name)
before = state()
p = subprocess.run(WORDS, stdout=subprocess.PIPE)
if state() != before: open(ROOT + '/changed', 'w').close()
os.kill(pid, signal.SIGKILL)
sys.stdout.buffer.write(p.stdout)`;

/** Every command of terminals, with what changes something where it changes anything; whatever it is meant to be is tried. */
const COMMANDS = `
import array, termios
name = open(ROOT + '/name').read()
own_master, own_slave = os.openpty()
words = [bytes(256), struct.pack('64i', *[1] * 64), struct.pack('HHHH', 7, 8, 9, 10) + bytes(248)]
sized = [0x402c542b, 0x402c542c, 0x402c542d, 0x40045431, 0x40045436, 0xc0285443, 0x40045439, 0x5437]
numbers = [n for n in range(0x5400, 0x5480) if n not in (0x5412, 0x540e)] + sized
def attack(fd):
    for number in numbers:
        for word in words + [0, 1, 2]: sc(16, fd, number, word)
    sc(16, fd, 0x540a, 0); sc(16, fd, 0x540b, 2); sc(16, fd, 0x540c)`;

const changed = {
  outside: WATCHED,
  worked: ({ root }: { readonly root: string }) => existsSync(`${root}/changed`),
} as const;

attackTest({
  id: 'S18',
  title: "another's terminal, opened for reading by every name, takes commands",
  ...changed,
  script: `${COMMANDS}
os.symlink(name, ROOT + '/a/l')
opened = [os.open(path, os.O_RDONLY | os.O_NOCTTY | flags) for path in (name, ROOT + '/a/l', '/proc/self/fd/%d' % os.open(name, os.O_PATH)) for flags in (0, os.O_NONBLOCK)]
one, two = socket.socketpair()
if os.fork() == 0:
    socket.send_fds(one, [b'x'], [os.open(name, os.O_RDONLY | os.O_NOCTTY)]); os._exit(0)
opened.append(socket.recv_fds(two, 9, 1)[1][0])
# Access mode 3 opens for neither reading nor writing, and takes commands.
opened.append(sc(2, name, 0o403))
for fd in opened[3:]: attack(fd)
thread = threading.Thread(target=attack, args=(opened[0],)); thread.start(); thread.join()`,
});

attackTest({
  id: 'S18',
  title: "another's terminal is put in the place of one's own while a command is judged",
  ...changed,
  script: `${COMMANDS}
foreign = os.open(name, os.O_RDONLY | os.O_NOCTTY)
changing = os.dup(own_slave)
done = False
def swap():
    while not done: sc(33, foreign, changing); sc(33, own_slave, changing)
def command():
    for _ in range(150):
        for number, word in ((0x5402, words[0]), (0x402c542b, words[0]), (0x5414, words[2]), (0x540c, 0)): sc(16, changing, number, word)
sc(33, foreign, changing); command()
thread = threading.Thread(target=swap); thread.start(); command()
done = True; thread.join(); done = False
# Nor by a process that only shares the descriptors (CLONE_FILES).
child = sc(56, 0x400 | 17, 0, 0, 0, 0)
if child == 0:
    swap()
command(); os.kill(child, 9); os.waitpid(child, 0)`,
});

insideTest(
  "S18 one's own terminal, opened for reading, takes commands, of a thread too",
  `
import fcntl, termios, tty
m, s = os.openpty()
def change(fd, number):
    tty.setraw(fd); os.close(os.dup(fd))
    fcntl.ioctl(fd, 0x5414, struct.pack('HHHH', number, 8, 0, 0)); termios.tcflush(fd, termios.TCIOFLUSH); termios.tcdrain(fd)
    return struct.unpack('HHHH', fcntl.ioctl(s, 0x5413, bytes(8)))[0] == number and not termios.tcgetattr(s)[3] & termios.ICANON
said = {}
fd = os.open(os.ttyname(s), os.O_RDONLY | os.O_NOCTTY)
said['alone'] = change(fd, 7)
modes = termios.tcgetattr(s); modes[3] |= termios.ICANON; termios.tcsetattr(s, termios.TCSANOW, modes)
def other(): said['threads'] = change(fd, 9)
thread = threading.Thread(target=other); thread.start(); thread.join()
waiting = threading.Event(); thread = threading.Thread(target=waiting.wait); thread.start()
said.update(bad=sc(16, 777, 0x5402, bytes(64)), null=sc(16, s, 0x5402, 0), pipe=sc(16, os.pipe()[0], 0x5402, bytes(64)),
    place=sc(16, os.open(os.ttyname(s), os.O_PATH), 0x5402, bytes(64)), unknown=sc(16, s, 0x547f, 0), file=sc(16, os.open('/etc/passwd', 0), 0x5402, 0))
waiting.set()
os.close(m)
said['hung'] = sc(16, fd, 0x5402, bytes(64))
say(**said)`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      alone: true,
      threads: true,
      bad: -9,
      null: -14,
      pipe: -25,
      place: -9,
      unknown: -25,
      file: -25,
      hung: -5,
    }),
);
