/**
 * Unix sockets of others are closed under any restriction: by path, by any other name for it, and by abstract name.
 * Whether the server outside heard anything is the truth.
 */
import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { type Scope, temporaryDirectory } from '../support/temporary.ts';
import { pythonResults, pythonValue, pythonWords } from './python.ts';

interface Server {
  readonly heard: string[];
}

/** A stream server outside. */
async function serve(t: Scope, path: string): Promise<Server> {
  const heard: string[] = [];
  const server = createServer((socket) => {
    heard.push('connected');
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  t.after(() => void server.close());
  return { heard };
}

const DATAGRAMS = String.raw`
import socket, sys
socks = []
for path in sys.argv[1:]:
    stream = path.startswith('stream '); path = path.removeprefix('stream ')
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM); s.bind('\0' + path[1:] if path.startswith('@') else path); socks.append(s)
    if stream: s.listen(5)
print('ready', flush=True); sys.stdin.read()
for s in socks:
    s.setblocking(False)
    try:
        while True: print(s.recv(99).decode() if s.type == socket.SOCK_DGRAM else s.accept() and 'connected', flush=True)
    except BlockingIOError: pass
`;

/** Datagram servers and servers of abstract names outside; what is returned ends them and tells what they got. */
async function serveDatagrams(t: Scope, ...paths: string[]): Promise<() => Promise<string>> {
  const child = spawn('python3', ['-c', DATAGRAMS, ...paths], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8');
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (data: string) => {
      text += data;
      if (text.startsWith('ready\n')) resolve();
    });
  });
  return async () => {
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.stdin.end();
    await ended;
    return text.slice('ready\n'.length);
  };
}

const ATTEMPTS = String.raw`
import ctypes, errno, json, os, socket, struct, sys
folder, abstract = sys.argv[1], sys.argv[2]
os.chdir(folder)
libc = ctypes.CDLL(None, use_errno=True)
STREAM, DGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
def to(name, kind=STREAM):
    s = socket.socket(socket.AF_UNIX, kind); s.connect(name)
    if kind == DGRAM: s.send(b'connected')
def send(name): socket.socket(socket.AF_UNIX, DGRAM).sendto(b'sendto', name)
def sendmsg(name): socket.socket(socket.AF_UNIX, DGRAM).sendmsg([b'sendmsg'], [], 0, name)
def override(name):
    a, b = socket.socketpair(socket.AF_UNIX, DGRAM); a.sendmsg([b'override'], [], 0, name)
def descriptor():
    d = os.open('.', os.O_PATH); to('/proc/self/fd/%d/s' % d)
def object():
    d = os.open('s', os.O_PATH); to('/proc/self/fd/%d' % d)
def unterminated():
    # 108 bytes of path, and no NUL behind them.
    prefix = folder.encode(); a = struct.pack('=H', 1) + prefix + b'/' * (108 - len(prefix) - 1) + b's'
    s = socket.socket(socket.AF_UNIX)
    if libc.connect(s.fileno(), a, len(a)) < 0: raise OSError(ctypes.get_errno(), '')
def unlinked_inside(name, make):
    # A name first bound inside is made to mean the server outside.
    l = socket.socket(socket.AF_UNIX); l.bind(name); l.listen(1); to(name); os.unlink(name); make(name); to(name)
attempts = {
  'path': lambda: to(folder + '/s'), 'relative': lambda: to('s'), 'dots': lambda: to('../' + os.path.basename(folder) + '/./s'), 'symlink': lambda: to('l'), 'directory symlink': lambda: to('dl/s'), 'hard link': lambda: to('h'),
  'cwd': lambda: to('/proc/self/cwd/s'), 'descriptor': descriptor, 'object': object, 'unterminated': unterminated, 'moved': lambda: (os.rename('w/m', 'w/n'), to('w/n')),
  'replaced by a link': lambda: unlinked_inside('w/x', lambda n: os.symlink(folder + '/s', n)), 'replaced by a rename': lambda: unlinked_inside('w/y', lambda n: os.rename('w/r', n)),
  'replaced by a hard link': lambda: unlinked_inside('w/z', lambda n: os.link('w/t', n)),
  'abstract': lambda: to('\0' + abstract), 'datagram connect': lambda: to('d', DGRAM), 'datagram sendto': lambda: send('d'), 'datagram sendmsg': lambda: sendmsg(folder + '/d'), 'datagram override': lambda: override('d'),
  'abstract datagram': lambda: send('\0' + abstract), 'abstract datagram sendmsg': lambda: sendmsg('\0' + abstract),
}
def attempt(f):
    try: f(); return 'ok'
    except OSError as e: return errno.errorcode.get(e.errno, e.errno)
print(json.dumps({name: attempt(f) for name, f in attempts.items() if not sys.argv[3:] or name in sys.argv[3:]}))
`;

interface Ground {
  readonly folder: string;
  readonly abstract: string;
  readonly servers: readonly Server[];
  readonly datagrams: () => Promise<string>;
}

async function makeGround(t: Scope): Promise<Ground> {
  const folder = temporaryDirectory(t);
  const abstract = `sf-${process.pid}-${Math.random()}`;
  mkdirSync(join(folder, 'w'));
  const paths = ['s', 'w/m', 'w/r', 'w/t'].map((name) => join(folder, name));
  const servers = await Promise.all(paths.map((path) => serve(t, path)));
  symlinkSync('s', join(folder, 'l'));
  symlinkSync('.', join(folder, 'dl'));
  linkSync(join(folder, 's'), join(folder, 'h'));
  chmodSync(folder, 0o755);
  const datagrams = await serveDatagrams(t, join(folder, 'd'), `@${abstract}`, `stream @${abstract}`);
  return { folder, abstract, servers, datagrams };
}

function heardBy(servers: readonly Server[]): number {
  return servers.reduce((sum, { heard }) => sum + heard.length, 0);
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 100));
}

void test(`natively every Unix socket is reached (${who})`, async (t) => {
  const { folder, abstract, servers, datagrams } = await makeGround(t);
  const results = await pythonResults(ATTEMPTS, [folder, abstract]);
  assert.deepEqual(new Set(Object.values(results)), new Set(['ok']), JSON.stringify(results));
  await settled();
  assert.equal(heardBy(servers), 14);
  assert.equal((await datagrams()).trim().split('\n').length, 7);
});

for (const [policy, options] of [
  ['--no-outbound-network', () => ['--no-outbound-network']],
  ['--mainstream-network-families', () => ['--mainstream-network-families']],
  ['--write-allow', (folder: string) => [`--write-allow=${folder}`]],
] as const) {
  forEachBacking(`no Unix socket outside is reached under ${policy} (${who})`, async (t, { env }) => {
    const { folder, abstract, servers, datagrams } = await makeGround(t);
    const results = await pythonResults(ATTEMPTS, [folder, abstract], { sandbox: options(folder), env });
    await settled();
    assert.equal(heardBy(servers), 0, JSON.stringify(results));
    assert.equal(await datagrams(), '');
    assert.deepEqual(new Set(Object.values(results)), new Set(['EPERM']), JSON.stringify(results));
  });
}

void test(`--allow-unix opens exactly what it names (${who})`, async (t) => {
  const { folder, abstract, servers, datagrams } = await makeGround(t);
  const results = await pythonResults(
    ATTEMPTS,
    [folder, abstract, 'path', 'symlink', 'relative', 'moved', 'abstract', 'datagram sendto'],
    { sandbox: ['--no-outbound-network', `--allow-unix=${folder}/l`, `--allow-unix=@${abstract}`] },
  );
  assert.deepEqual(results, {
    path: 'ok',
    symlink: 'ok',
    relative: 'ok',
    moved: 'EPERM',
    abstract: 'ok',
    'datagram sendto': 'EPERM',
  });
  await settled();
  assert.equal(heardBy(servers), 3);
  assert.equal(await datagrams(), 'connected\n');
});

const SWAP = String.raw`
import ctypes, errno, json, os, socket, struct, sys, threading, time
folder, seconds = sys.argv[1], float(sys.argv[2])
os.chdir(folder)
sys.setswitchinterval(0.00005)
libc = ctypes.CDLL(None, use_errno=True)
l = socket.socket(socket.AF_UNIX); l.bind('w/mine'); l.listen(100)
# Two names and a symbolic link whose meanings change all the time: renameat2 with RENAME_EXCHANGE.
os.symlink('w/mine', 'w/la'); os.symlink('../s', 'w/lb'); os.symlink('mine', 'w/lc')
stop = False
def swap():
    while not stop: libc.syscall(316, -100, b'w/lc', -100, b'w/lb', 2)
def accept():
    l.settimeout(0.1)
    while not stop:
        try: l.accept()
        except TimeoutError: pass
threads = [threading.Thread(target=f) for f in (swap, accept)]
for t in threads: t.start()
count = {}; end = time.time() + seconds
# On a slow machine the time may hold one outcome only.
while time.time() < end or (len(count) < 2 and time.time() < end + 30):
    s = socket.socket(socket.AF_UNIX)
    try: s.connect('w/lc'); r = 'ok'
    except OSError as e: r = errno.errorcode[e.errno]
    s.close(); count[r] = count.get(r, 0) + 1
stop = True
for t in threads: t.join()
print(json.dumps(count))
`;

forEachBacking(`a name that changes its meaning wins no race (${who})`, async (t, { env }) => {
  const { folder, servers } = await makeGround(t);
  const results = await pythonResults(SWAP, [folder, '1.5'], { sandbox: [`--write-allow=${folder}`], env });
  await settled();
  t.diagnostic(JSON.stringify(results));
  assert.equal(heardBy(servers), 0);
  assert.ok(Number(results['ok'] ?? 0) > 0 && Number(results['EPERM'] ?? 0) > 0);
});

/** Outside: binds datagram sockets, one after the other, each under the name `out`, and counts what they hear. */
const BIND_OUTSIDE = String.raw`
import json, os, select, socket, sys
folder = sys.argv[1]; os.chdir(folder); sockets, bound, heard = [], 0, 0
def look():
    global heard
    for s in select.select(sockets, [], [], 0)[0]: heard += len(s.recv(9)) > 0
while not os.path.exists('over'):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('new%d' % bound); os.chmod('new%d' % bound, 0o666); os.rename('new%d' % bound, 'out'); bound += 1; sockets.append(s)
    if len(sockets) > 200:
        look()
        for s in sockets[:100]: s.close()
        sockets = sockets[100:]
look(); print(json.dumps({'bound': bound, 'heard': heard}))
`;

/** Inside: binds a name while a child links what is outside over it, and sends there. */
const BIND_LINKED_OVER = String.raw`
import collections, errno, json, os, signal, socket, sys, time
folder, seconds = sys.argv[1], float(sys.argv[2]); os.chdir(folder); pid = os.fork(); count = collections.Counter(); end = time.time() + seconds
def quietly(f, *words):
    try: return f(*words)
    except OSError as e: return errno.errorcode[e.errno]
if pid == 0:
    while True: quietly(os.link, 'out', 'link'); quietly(os.rename, 'link', 'in')
sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); sender.setblocking(False)
# On a slow machine the time may hold one outcome only.
while time.time() < end or (not (count['own'] and count['EPERM']) and time.time() < end + 30):
    quietly(os.unlink, 'in'); s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.setblocking(False)
    if quietly(s.bind, 'in') is None:
        for _ in range(3): count[str(quietly(sender.sendto, b'escape', 'in'))] += 1
        while isinstance(quietly(s.recv, 9), bytes): count['own'] += 1
    s.close()
os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0); open('over', 'w').close(); print(json.dumps(count))
`;

for (const option of ['--no-outbound-network', '--write-allow=.'])
  forEachBacking(
    `a socket outside that is linked over a name as it is bound is not taken for it, ${option} (${who})`,
    async (t, { env }) => {
      const folder = temporaryDirectory(t);
      const [outside, inside] = await Promise.all([
        pythonResults(BIND_OUTSIDE, [folder]),
        pythonResults(BIND_LINKED_OVER, [folder, '2'], { sandbox: [option], env, cwd: folder }),
      ]);
      t.diagnostic(JSON.stringify({ outside, inside }));
      assert.equal(outside['heard'], 0);
      assert.ok(Number(outside['bound']) > 100);
      assert.ok(Number(inside['own'] ?? 0) > 0 && Number(inside['EPERM'] ?? 0) > 0);
    },
  );

const BIND_SWAP = String.raw`
import ctypes, errno, json, os, socket, sys, threading, time
folder, seconds = sys.argv[1], float(sys.argv[2])
os.chdir(folder)
sys.setswitchinterval(0.00005)
libc = ctypes.CDLL(None, use_errno=True)
os.mkdir('w/in'); os.symlink('../out', 'w/to')
stop = False
def swap():
    while not stop: libc.syscall(316, -100, b'w/in', -100, b'w/to', 2)
t = threading.Thread(target=swap); t.start()
count = {}; end = time.time() + seconds; n = 0
# On a slow machine the time may hold one outcome only.
while time.time() < end or (len(count) < 2 and time.time() < end + 30):
    s = socket.socket(socket.AF_UNIX); n += 1
    try: s.bind(folder + '/w/in/%d' % n); r = 'ok'
    except OSError as e: r = errno.errorcode[e.errno]
    s.close(); count[r] = count.get(r, 0) + 1
stop = True; t.join()
print(json.dumps(count))
`;

forEachBacking(
  `a bind makes nothing outside, whatever its path comes to mean (${who})`,
  async (t, { env }) => {
    const folder = temporaryDirectory(t);
    mkdirSync(join(folder, 'w'));
    mkdirSync(join(folder, 'out'));
    const results = await pythonResults(BIND_SWAP, [folder, '1.5'], {
      sandbox: [`--write-allow=${join(folder, 'w')}`],
      env,
    });
    assert.deepEqual(readdirSync(join(folder, 'out')), []);
    t.diagnostic(JSON.stringify(results));
    assert.ok(Number(results['ok'] ?? 0) > 0 && Number(results['EPERM'] ?? 0) > 0);
  },
);

void test(`a bind outside --write-allow is refused, and where it would fail says why (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const script = String.raw`
import errno, json, os, socket, sys
def bind(p):
    try: socket.socket(socket.AF_UNIX).bind(p); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
f = sys.argv[1]
print(json.dumps({p: bind(p.replace('@', f)) for p in ('@/new', '@/none/new', '@', '@/w/new', '@/w/../up')}))`;
  mkdirSync(join(folder, 'w'));
  assert.deepEqual(
    await pythonResults(script, [folder], { sandbox: [`--write-allow=${join(folder, 'w')}`] }),
    { '@/new': 'EPERM', '@/none/new': 'ENOENT', '@': 'EADDRINUSE', '@/w/new': 'ok', '@/w/../up': 'EPERM' },
  );
});

const LEFT = String.raw`
import errno, json, os, socket, sys
def said(name, kind):
    try: socket.socket(socket.AF_UNIX, kind).connect(name); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
print(json.dumps({name: [said(name, kind) for kind in (1, 2, 5)] for name in ('closed', 'closed datagram', 'silent', 'datagram', 'server', 'missing', 'file')}))
`;

const LEAVES = String.raw`
import os, socket, subprocess, sys
os.chdir(sys.argv[1]); open('file', 'w').close(); kept = []
for name, kind, listens, closes in (('closed', 1, 1, 1), ('closed datagram', 2, 0, 1), ('silent', 1, 0, 0), ('datagram', 2, 0, 0), ('server', 1, 1, 0)):
    s = socket.socket(socket.AF_UNIX, kind); s.bind(name); kept.append(s)
    if listens: s.listen(9)
    if closes: s.close()
sys.exit(subprocess.run(sys.argv[2:]).returncode)
`;

void test(`a socket file outside that nobody has is ECONNREFUSED, as natively (${who})`, async (t) => {
  const folder = temporaryDirectory(t);
  const ask = async (sandbox: readonly string[] | undefined): Promise<unknown> => {
    const left = temporaryDirectory(t);
    const words = pythonWords(LEFT, [], { sandbox });
    return pythonResults(LEAVES, [left, ...words]);
  };
  const natively = await ask(undefined);
  for (const sandbox of [['--no-outbound-network'], [`--write-allow=${folder}`]]) {
    const inside = JSON.stringify(await ask(sandbox));
    assert.equal(inside, JSON.stringify(natively).replaceAll('"ok"', '"EPERM"'));
  }
});

const ONE_SHOT = String.raw`
import json, os, socket
count = 0
for i in range(60):
    name, (r, w) = '\0sf-once-%d-%d' % (os.getpid(), i), os.pipe()
    child = os.fork()
    if child == 0:
        l = socket.socket(socket.AF_UNIX); l.bind(name); l.listen(1); os.write(w, b'x')
        a = l.accept()[0]; l.close(); a.send(b'once'); a.recv(1); os._exit(0)
    os.read(r, 1); c = socket.socket(socket.AF_UNIX)
    try: c.connect(name); count += c.recv(9) == b'once'
    except OSError: os.kill(child, 9)
    c.close(); os.waitpid(child, 0); os.close(r); os.close(w)
print(count)
`;

void test(`a connect stays made where the listener closes at once (${who})`, async () => {
  assert.equal(await pythonValue(ONE_SHOT, [], { sandbox: ['--no-outbound-network'] }), 60);
});
