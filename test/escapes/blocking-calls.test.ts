/**
 * Whatever a program makes a performed call wait for, the supervisor does not wait with it: others of the sandbox get
 * their answers, and SIGTERM to secfilt ends it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { patience, who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { secfiltWords, start } from '../support/run.ts';

/** A process of the sandbox that asks for something again and again, and writes down how often it had an answer. */
const BYSTANDER = String.raw`
import errno, fcntl, resource
os.chdir(ROOT + '/a')
if os.fork() == 0:
    libc.prctl(1, 9)
    for n in range(1, 10**9):
        os.close(os.open('x', os.O_WRONLY | os.O_CREAT, 0o600)); os.chmod('x', 0o600)
        with open('count.', 'w') as f: f.write(str(n))
        os.rename('count.', 'count'); time.sleep(0.005)
while not os.path.exists('count'): time.sleep(0.01)
def flip(fd):
    "Sets a socket to block, as fast as can be."
    def run():
        while True: fcntl.fcntl(fd, fcntl.F_SETFL, 0)
    for _ in range(2): threading.Thread(target=run, daemon=True).start()
def forever(f):
    def run():
        while True:
            try: f()
            except OSError: pass
            time.sleep(0.002)
    threading.Thread(target=run, daemon=True).start()
def filled():
    l = socket.socket(socket.AF_UNIX); l.bind('l'); l.listen(0); KEPT.append(l)
    s = socket.socket(socket.AF_UNIX); s.setblocking(False); KEPT.append(s); s.connect('l')
sys.setswitchinterval(0.0001)
`;

/** What is done for ever by the process itself. */
const BLOCKS: Readonly<Record<string, string>> = {
  'connect of a Unix socket that is set back to block': String.raw`
filled(); s = socket.socket(socket.AF_UNIX); flip(s.fileno()); address = struct.pack('=H', 1) + b'l\0'
forever(lambda: sc(42, s.fileno(), address, len(address)))
`,
  'connect of many Unix sockets, blocking or not': String.raw`
filled(); address = struct.pack('=H', 1) + b'l\0'
for _ in range(4):
    s = socket.socket(socket.AF_UNIX); flip(s.fileno()); forever(lambda s=s: (fcntl.fcntl(s.fileno(), fcntl.F_SETFL, os.O_NONBLOCK), sc(42, s.fileno(), address, len(address))))
`,
  'connect to a host that does not answer': String.raw`
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(0)
for _ in range(3):
    s = socket.socket(); s.setblocking(False); KEPT.append(s)
    try: s.connect(l.getsockname())
    except OSError: pass
def attempt():
    s = socket.socket(); flip(s.fileno()); s.connect(l.getsockname())
for _ in range(3): forever(attempt)
`,
  'the last close of a socket that lingers': String.raw`
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(99)
def attempt():
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096); s.connect(l.getsockname()); peer = l.accept()[0]
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 3600)); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack('ll', 0, 100_000))
    def send():
        try: s.sendmsg([bytes(8000000)])
        except OSError: pass
    thread = threading.Thread(target=send); thread.start(); time.sleep(0.03)
    # The send waits, and the supervisor has the only descriptor that is left.
    null = os.open('/dev/null', 0); os.dup2(null, s.fileno()); thread.join()
    peer.close(); s.close(); os.close(null)
forever(attempt)
`,
  'opens of FIFOs': String.raw`
os.mkfifo('p')
for _ in range(80): forever(lambda: os.open('p', os.O_WRONLY))
`,
  'a leased file': String.raw`
open('leased', 'w').close()
if os.fork() == 0:
    libc.prctl(1, 9)
    signal.signal(signal.SIGIO, signal.SIG_IGN); fd = os.open('leased', os.O_RDONLY); fcntl.fcntl(fd, 1024, 0)
    while True: time.sleep(1)
time.sleep(0.2); forever(lambda: os.truncate('leased', 1)); forever(lambda: os.close(os.open('leased', os.O_WRONLY | os.O_TRUNC)))
`,
  'sends to whom reads nothing': String.raw`
a, b = socket.socketpair(); c, d = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); flip(a.fileno()); flip(c.fileno())
forever(lambda: a.sendmsg([bytes(8000000)])); forever(lambda: c.sendmsg([bytes(60000)]))
l = socket.socket(); l.bind(('127.0.0.1', 0)); l.listen(9); s = socket.socket(); s.connect(l.getsockname()); flip(s.fileno())
forever(lambda: s.sendmsg([bytes(8000000)]))
`,
};

for (const [title, script] of Object.entries(BLOCKS)) {
  for (const engine of engines) {
    for (const { name, env } of backings) {
      void test(`S13 ${title}: nobody waits with it, ${engine.name} ${name} (${who})`, async (t) => {
        const { root, a } = makeGround(t);
        const options = [...engine.options, `--write-allow=${a}`, '--allowed-netmasks=127.0.0.0/8'];
        const words = python(`${BYSTANDER}\n${script}\nprint('ready', flush=True)\ntime.sleep(600)`, root);
        const child = start(secfiltWords([...options, '--', ...words]), {
          cwd: a,
          env,
          stdio: ['ignore', 'pipe', 'ignore'],
        });
        t.after(() => void child.kill('SIGKILL'));
        const ended = once(child, 'exit');
        assert.ok(child.stdout !== null);
        await once(child.stdout, 'data');
        const count = (): number =>
          existsSync(join(a, 'count')) ? Number(readFileSync(join(a, 'count'), 'latin1')) : 0;
        // Enough to be sure that it is not between two waits.
        const wanted = count() + 20;
        const end = Date.now() + patience(40_000);
        while (count() < wanted) {
          assert.ok(Date.now() < end, `a bystander has no answers: ${count()} of ${wanted}`);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        child.kill('SIGTERM');
        const late = setTimeout(() => child.kill('SIGKILL'), patience(20_000));
        const [, signal]: unknown[] = await ended;
        clearTimeout(late);
        assert.equal(signal, 'SIGTERM');
      });
    }
  }
}
