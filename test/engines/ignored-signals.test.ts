/**
 * Signals that are ignored interrupt nothing natively, since they are not even sent. To a tracee they are sent, and calls that are
 * never begun again by themselves (signal(7)) must not end by them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { makeGround, python } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';

/** Each wait, with a signal in the middle of it, and with signals that do not end before it does. */
const SCRIPT = String.raw`
import errno
libc.epoll_wait.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
signal.signal(signal.SIGUSR2, lambda *_: None); signal.siginterrupt(signal.SIGUSR2, True)
mine, peer = socket.socketpair()
mine.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack('qq', 0, 150000))
mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('qq', 0, 150000))
ep = sc(291, 0); room = ctypes.create_string_buffer(64); span = struct.pack('qq', 0, 150000000)
full, _ = socket.socketpair(); full.setblocking(False)
try:
    while True: full.send(b'x' * 4096)
except BlockingIOError: full.setblocking(True)
full.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('qq', 0, 150000))
waits = {
    'epoll_wait': lambda: sc(232, ep, room, 1, 150), 'epoll_pwait': lambda: sc(281, ep, room, 1, 150, None, 8), 'epoll_pwait2': lambda: sc(441, ep, room, 1, span, None, 8),
    'sigtimedwait': lambda: sc(128, struct.pack('Q', 1 << 40), None, span, 8), 'recv': lambda: sc(45, mine.fileno(), room, 1, 0, None, None), 'read': lambda: sc(0, mine.fileno(), room, 1),
    'send': lambda: sc(44, full.fileno(), room, 64, 0, None, 0), 'write': lambda: sc(1, full.fileno(), room, 64),
    'poll': lambda: sc(7, struct.pack('ihh', mine.fileno(), 1, 0), 1, 150), 'nanosleep': lambda: sc(35, span, None),
}
sc(14, 0, struct.pack('Q', 1 << 40), None, 8)
def sender(number, pauses):
    pid = os.fork()
    if pid == 0:
        parent = os.getppid()
        for pause in pauses():
            time.sleep(pause)
            os.kill(parent, number) if number else os._exit(0)
        os._exit(0)
    return pid
def once(): yield .03
def often():
    while True: yield .02
def results_of(wait):
    results = []
    for number in (0, signal.SIGWINCH, signal.SIGURG, signal.SIGUSR1, signal.SIGUSR2):
        # Where the machine is slow the one that is caught may come when the wait is over.
        for attempt in range(8):
            child = sender(number, once); result = wait()
            while True:
                try: os.waitpid(child, 0); break
                except InterruptedError: pass
            if number != signal.SIGUSR2 or result == -errno.EINTR: break
        results.append(result)
    child = sender(signal.SIGWINCH, often); results.append(wait()); os.kill(child, 9); os.waitpid(child, 0)
    return results
# All at once, each in a process of its own: they are nothing but waits.
pipes = {}
for name, wait in waits.items():
    pipes[name], own = os.pipe()
    if os.fork() == 0: os.write(own, repr(results_of(wait)).encode()); os._exit(0)
    os.close(own)
for name, pipe in pipes.items(): print(name, os.read(pipe, 999).decode())
`;

let natively: Promise<Outcome> | undefined;

for (const engine of ['notify', 'trace']) {
  void test(`ignored signals interrupt no wait, ${engine} (${who})`, async (t) => {
    const native = await (natively ??= run(python(SCRIPT, makeGround(t).root)));
    assert.match(native.stdout, /epoll_wait \[0, 0, 0, 0, -4, 0\]/, native.stderr);
    const { root, a } = makeGround(t);
    const inside = await run(
      secfiltWords([`--engine=${engine}`, `--write-allow=${a}`, '--', ...python(SCRIPT, root)]),
    );
    assert.deepEqual(inside, native);
  });
}
