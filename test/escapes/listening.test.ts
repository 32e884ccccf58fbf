/** Where listening is restricted nothing listens elsewhere, by whatever call and in whatever order. Seen in the kernel's own tables, from outside. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { attackTest, engines, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';

/** Each way keeps its sockets open, and says which they are. */
const WAYS = String.raw`
libc = ctypes.CDLL(None, use_errno=True)
def inet(port, family=2): return struct.pack('<H', family) + struct.pack('>H', port) + bytes(12)
def bound(s, address):
    if libc.bind(s.fileno(), address, len(address)) != 0: raise OSError(ctypes.get_errno(), 'bind')
    return s
def tcp(family=socket.AF_INET): return socket.socket(family, socket.SOCK_STREAM)
def udp(family=socket.AF_INET): return socket.socket(family, socket.SOCK_DGRAM)
def at(s, *address): s.bind(address); return s
def listening(s): s.listen(5); return s
def disconnected():
    other = listening(at(tcp(), '127.0.0.1', 0)); s = tcp(); s.connect(other.getsockname())
    libc.connect(s.fileno(), bytes(16), 16); return listening(s)
def raced():
    # While a connect fails the socket has a loopback address; what it listens with then is every address.
    end = time.time() + 2; closed = at(tcp(), '127.0.0.1', 0); address = inet(closed.getsockname()[1])[:4] + socket.inet_aton('127.0.0.1') + bytes(8)
    while time.time() < end:
        s = tcp(); s.setblocking(False)
        def switch():
            for _ in range(40): libc.connect(s.fileno(), address, 16); libc.connect(s.fileno(), bytes(16), 16)
        t = threading.Thread(target=switch); t.start()
        for _ in range(20):
            if libc.listen(s.fileno(), 5) == 0: break
        t.join(); name = s.getsockname()
        if s.getsockopt(socket.SOL_SOCKET, 30) and not name[0].startswith('127.'): return s
    raise OSError(1, 'raced')
def handed():
    a, b = socket.socketpair(); s = at(tcp(), '0.0.0.0', 0); socket.send_fds(a, [b'x'], [s.fileno()])
    if os.fork() == 0:
        _, [fd], _, _ = socket.recv_fds(b, 1, 1)
        os._exit(0 if libc.listen(fd, 5) == 0 else 1)
    if os.wait()[1] != 0: raise OSError(1, 'handed')
    return s
P = 20000 + os.getpid() % 10000
WAYS = {
    'every address': lambda: listening(at(tcp(), '0.0.0.0', P)),
    'every address of IPv6': lambda: listening(at(tcp(socket.AF_INET6), '::', P + 1)),
    'IPv4 in IPv6': lambda: listening(at(tcp(socket.AF_INET6), '::ffff:0.0.0.0', P + 2)),
    'no family': lambda: listening(bound(tcp(), inet(P + 3, 0))),
    'a port of the kernel': lambda: listening(at(tcp(), '0.0.0.0', 0)),
    'no bind': lambda: listening(tcp()),
    'no bind, IPv6': lambda: listening(tcp(socket.AF_INET6)),
    'a connection before': disconnected,
    'a race': raced,
    'a socket handed to a child': handed,
    'datagrams': lambda: at(udp(), '0.0.0.0', P + 4),
    'datagrams of IPv6': lambda: at(udp(socket.AF_INET6), '::', P + 5),
    'datagrams, no family': lambda: bound(udp(), inet(P + 6, 0)),
}
made = {}; kept = []
for name, way in WAYS.items():
    try: s = way()
    except OSError: continue
    kept.append(s); made[name] = os.fstat(s.fileno()).st_ino
print(json.dumps(made), flush=True); sys.stdin.readline()
`;

/** Runs the ways, and prints those by which there is a socket that others can reach. */
const LOOK = String.raw`
import subprocess
child = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
made = json.loads(child.stdout.readline()); open_at = {}
for table in ('tcp', 'tcp6', 'udp', 'udp6'):
    for line in open('/proc/net/' + table).read().splitlines()[1:]:
        f = line.split(); host = f[1].split(':')[0]
        local = host.endswith('7F') or host == '0' * 24 + '01000000'
        if not local and (table.startswith('udp') or f[3] == '0A'): open_at[int(f[9])] = f[1]
print(json.dumps([name for name, inode in made.items() if inode in open_at]), flush=True)
child.communicate('\n')
`;

function waysThatWorked({ stdout }: Outcome): readonly string[] {
  const said: unknown = JSON.parse(stdout);
  assert.ok(Array.isArray(said));
  return said.map(String);
}

void test(`N43 every way to listen works without a sandbox (${who})`, async (t) => {
  const { root, a } = makeGround(t);
  const words = python(`WORDS = sys.argv[2:]\n${LOOK}`, root, ...python(WAYS, root));
  const outcome = await run(words, { cwd: a, timeout: 30_000 });
  assert.equal(waysThatWorked(outcome).length, 13, JSON.stringify(outcome));
});

for (const [title, options] of [
  ['nowhere', ['--allowed-listen=none']],
  ['nowhere, without a network', ['--allowed-listen=none', '--no-outbound-network']],
  ['at another port', ['--allowed-listen=80,192.0.2.0/24']],
] as const) {
  attackTest({
    id: 'N43',
    title: `listening where only loopback is allowed: ${title}`,
    script: WAYS,
    outside: LOOK,
    policy: () => options,
    worked: (_, outcome) => waysThatWorked(outcome).length > 0,
  });
}

void test(`N43 listening nowhere: held by the kernel engine, where there are no datagram sockets (${who})`, async (t) => {
  const { root, a } = makeGround(t);
  const options = ['--engine=kernel', '--allowed-listen=none', '--no-outbound-network'];
  const words = secfiltWords([...options, '--', ...python(WAYS, root)]);
  const outcome = await run(python(`WORDS = sys.argv[2:]\n${LOOK}`, root, ...words), { cwd: a });
  if (/^secfilt: kernel: the kernel needs/m.test(outcome.stderr)) return t.skip(outcome.stderr.trim());
  assert.deepEqual(waysThatWorked(outcome), [], JSON.stringify(outcome));
});

insideTest(
  'N43 what is allowed listens: its ports, and the loopback at any port',
  String.raw`
out = {}
def works(name, make):
    try: make(); out[name] = 1
    except OSError as e: out[name] = -e.errno
def tcp(host, port, family=socket.AF_INET, bind=True):
    s = socket.socket(family, socket.SOCK_STREAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if bind: s.bind((host, port))
    s.listen(5); c = socket.socket(family, socket.SOCK_STREAM)
    c.connect(('127.0.0.1' if family == socket.AF_INET else '::1', s.getsockname()[1])); return s
def udp(host, port): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((host, port)); return s
P = 30000 + os.getpid() % 2000
kept = tcp('127.0.0.1', P)
works('a port', lambda: tcp('0.0.0.0', 32750))
works('of IPv6', lambda: tcp('::', 32751, socket.AF_INET6))
works('loopback', lambda: tcp('127.0.0.1', 0))
works('loopback of IPv6', lambda: tcp('::1', 0, socket.AF_INET6))
works('datagrams', lambda: udp('0.0.0.0', 32752))
works('client of datagrams', lambda: udp('0.0.0.0', 0))
works('client', lambda: socket.create_connection(kept.getsockname(), source_address=('0.0.0.0', 0)))
works('another protocol', lambda: udp('0.0.0.0', 32751))
works('taken', lambda: tcp('0.0.0.0', P))
works('of nobody', lambda: tcp('192.0.2.77', 81))
works('twice', lambda: kept.bind(('0.0.0.0', 81)))
works('connected', lambda: socket.create_connection(kept.getsockname()).listen(1))
works('of datagrams', lambda: udp('127.0.0.1', 0).listen(1))
print(json.dumps(out))`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      'a port': 1,
      'of IPv6': 1,
      loopback: 1,
      'loopback of IPv6': 1,
      datagrams: 1,
      'client of datagrams': 1,
      client: 1,
      'another protocol': -1,
      taken: -98,
      'of nobody': -99,
      twice: -22,
      connected: -22,
      'of datagrams': -95,
    }),
  { policy: () => ['--allowed-listen=32750-32751/tcp,32752/udp'] },
);

const AFTERWARDS = String.raw`
import json, socket
def way(family, address):
    s = socket.socket(family)
    try: s.listen(5); return 'listens'
    except OSError as e: refusal = e.errno
    before = s.getsockname()[1]; s.bind((address, 0)); s.listen(5)
    return [refusal, before, s.getsockname()[0]]
print(json.dumps([way(socket.AF_INET, '127.0.0.1'), way(socket.AF_INET6, '::1')]))
`;

for (const { name, options } of engines) {
  void test(`a socket that was refused to listen has no port and may be bound, ${name} (${who})`, async () => {
    const words = [...options, '--allowed-listen=9', '--', 'python3', '-c', AFTERWARDS];
    const { stdout, stderr } = await run(secfiltWords(words));
    assert.deepEqual(stdout === '' ? stderr : JSON.parse(stdout), [
      [1, 0, '127.0.0.1'],
      [1, 0, '::1'],
    ]);
  });
}
