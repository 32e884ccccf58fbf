/**
 * A file that the supervisor has opened for a program is the program's alone when it runs on: it can be executed once it is
 * closed, a lock on it ends with it, and whoever waits for its end is told.
 */
import { insideTest, saidBy } from '../support/escape.ts';
import assert from 'node:assert/strict';

const LOOPS = 250;

insideTest(
  'what was handed over is let go before the program runs on',
  String.raw`
import fcntl, select
# Not there when the sandbox began, so that Landlock backs nothing in it.
os.mkdir(ROOT + '/new'); os.chdir(ROOT + '/new')
program = open('/bin/true', 'rb').read()
busy = locked = open_ends = 0
for _ in range(${LOOPS}):
    fd = os.open('x', os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o755)
    os.write(fd, program); os.close(fd)
    pid = os.fork()
    if pid == 0:
        try: os.execv('./x', ['x'])
        except OSError as error: os._exit(error.errno)
    busy += os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0
    os.unlink('x')
    fd = os.open('lock', os.O_CREAT | os.O_WRONLY); fcntl.flock(fd, fcntl.LOCK_EX); os.close(fd)
    other = os.open('lock', os.O_RDONLY)
    try: fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError: locked += 1
    os.close(other)
os.mkfifo('fifo')
reader = os.open('fifo', os.O_RDONLY | os.O_NONBLOCK)
for _ in range(${LOOPS}):
    os.close(os.open('fifo', os.O_WRONLY | os.O_NONBLOCK))
    poll = select.poll(); poll.register(reader, select.POLLIN)
    open_ends += not (poll.poll(0) and poll.poll(0)[0][1] & select.POLLHUP)
say(busy=busy, locked=locked, open_ends=open_ends)`,
  (outcome) => assert.deepEqual(saidBy(outcome), { busy: 0, locked: 0, open_ends: 0 }),
  { policy: ({ root }) => [`--write-allow=${root}/new`] },
);
