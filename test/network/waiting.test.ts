/**
 * Calls that wait hold up nobody else, and a signal ends them as it would without secfilt.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { testEngine, who } from '../support/environment.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { pythonResults } from './python.ts';

/** A listener whose backlog is full: the kernel drops what comes, and connects wait for a long time. */
const FULL = String.raw`
import errno, json, os, resource, signal, socket, struct, sys, threading, time
def full():
    l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(0); held = []
    for _ in range(3):
        s = socket.socket(); s.setblocking(False); held.append(s)
        try: s.connect(l.getsockname())
        except BlockingIOError: pass
    time.sleep(0.05); return l, held
`;

const MANY = `${FULL}
folder, count = sys.argv[1], int(sys.argv[2])
l, held = full()
results = []
def connect():
    s = socket.socket()
    try: s.connect(l.getsockname()); results.append('ok')
    except OSError as e: results.append(errno.errorcode[e.errno])
def wait_in_send():
    a, b = socket.socketpair(); held.extend((a, b))
    try: a.sendmsg([bytes(8_000_000)]); results.append('sent')
    except OSError as e: results.append(errno.errorcode[e.errno])
threading.stack_size(262144)
for _ in range(count): threading.Thread(target=connect, daemon=True).start()
for _ in range(10): threading.Thread(target=wait_in_send, daemon=True).start()
time.sleep(0.3)
pid = os.fork()
if pid == 0:
    for i in range(1000):
        with open('%s/%d' % (folder, i), 'w') as f: f.write('x')
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
# The kernel itself ends a connect after some two minutes, which a slow machine may need.
finished = [r for r in results if r != 'ETIMEDOUT']
print(json.dumps({'code': code, 'files': len(os.listdir(folder)), 'finished': len(finished)}), flush=True)
os._exit(0)
`;

forEachBacking(
  `two hundred connects and some sends wait, and files are opened (${who})`,
  async (t, { env }) => {
    const folder = temporaryDirectory(t);
    const results = await pythonResults(MANY, [folder, '200'], {
      sandbox: ['--allowed-netmasks=127.0.0.0/8', `--write-allow=${folder}`],
      env,
    });
    assert.deepEqual(results, { code: 0, files: 1000, finished: 0 });
  },
);

/** Prints how the connect ended, and whether that was by the signal. */
const SIGNALLED = `${FULL}
kind = sys.argv[1]
l, held = full()
def child():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    got = []
    if kind == 'handler': signal.signal(signal.SIGINT, lambda *_: got.append(1))
    if kind == 'exception': pass
    if kind == 'default': signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if kind == 'ignored': signal.signal(signal.SIGINT, signal.SIG_IGN)
    if kind == 'blocked': signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    if kind == 'threads': [threading.Thread(target=time.sleep, args=(60,), daemon=True).start() for _ in range(3)]
    s = socket.socket()
    if kind in ('ignored', 'blocked'): s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 900_000))
    if kind == 'handler':
        import ctypes
        signal.siginterrupt(signal.SIGINT, True)
        a = struct.pack('=H', 2) + struct.pack('!H', l.getsockname()[1]) + socket.inet_aton('127.0.0.1') + bytes(8)
        libc = ctypes.CDLL(None, use_errno=True); os.write(ready[1], b'x'); libc.connect(s.fileno(), a, 16); os.write(1, errno.errorcode[ctypes.get_errno()].encode())
        time.sleep(0); os._exit(len(got))
    os.write(ready[1], b'x')
    try: s.connect(l.getsockname())
    except KeyboardInterrupt: os.write(1, b'KeyboardInterrupt'); os._exit(1)
    except OSError as e: os.write(1, errno.errorcode[e.errno].encode()); os._exit(0)
r, w = os.pipe(); ready = os.pipe(); pid = os.fork()
if pid == 0:
    os.dup2(w, 1); os.close(r); child(); os._exit(99)
os.close(w); os.read(ready[0], 1); time.sleep(0.3)
number = {'default': signal.SIGTERM, 'quit': signal.SIGQUIT, 'stop': signal.SIGSTOP, 'kill': signal.SIGKILL}.get(kind, signal.SIGINT)
os.kill(pid, number)
if kind == 'stop':
    stopped = os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1]); os.kill(pid, signal.SIGCONT); time.sleep(0.2); os.kill(pid, signal.SIGKILL)
status = os.waitpid(pid, 0)[1]
print(json.dumps({'said': os.read(r, 99).decode(), 'code': os.waitstatus_to_exitcode(status), 'stopped': kind == 'stop' and stopped}))
`;

const KINDS = [
  'handler',
  'exception',
  'threads',
  'default',
  'quit',
  'kill',
  'stop',
  'ignored',
  'blocked',
] as const;

for (const kind of KINDS) {
  void test(`a signal to a waiting connect, ${kind}: as natively (${who})`, async (t) => {
    if (kind === 'threads' && testEngine === 'trace') {
      t.skip(
        'a thread that a tracer holds takes no signal, so the kernel gives it to another (docs/engines.md)',
      );
      return;
    }
    const native = await pythonResults(SIGNALLED, [kind]);
    assert.notEqual(native['code'], 99, JSON.stringify(native));
    const sandboxed = await pythonResults(SIGNALLED, [kind], {
      sandbox: ['--allowed-netmasks=127.0.0.0/8'],
    });
    assert.deepEqual(sandboxed, native);
  });
}
