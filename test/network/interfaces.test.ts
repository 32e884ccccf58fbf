/**
 * An allowed address stays where it is: no option, control message or scope id sends what is meant for this host, or for
 * a host elsewhere, to the next machine on the cable. That machine takes every packet, and answers every question who
 * has an address.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';

import { patience, testEngine, who } from '../support/environment.ts';
import { environment, type Outcome, run, secfiltWords } from '../support/run.ts';
import { makeNetwork, NEIGHBOUR, NEIGHBOUR6, type Network, serveOutside, WORLD } from './namespaces.ts';

/** Says what comes along the cable: the words of datagrams that begin with "way", and where connections would go. */
const SNIFFER = String.raw`
import socket, struct, sys, threading
device = [name for _, name in socket.if_nameindex() if name.startswith('sfb')][0]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind((device, 0)); mac = s.getsockname()[4]
def say(word): sys.stdout.write(word + '\n'); sys.stdout.flush()
def run():
    while True:
        try: d, a = s.recvfrom(65536)
        except OSError: return # the namespace goes
        kind = struct.unpack('!H', d[12:14])[0]
        if a[2] == socket.PACKET_OUTGOING: continue
        if kind == 0x806 and d[21] == 1:
            s.send(d[6:12] + mac + b'\x08\x06' + d[14:20] + b'\0\2' + mac + d[38:42] + d[22:28] + d[28:32])
        elif kind == 0x800 and d[23] == 6: say('tcp ' + socket.inet_ntoa(d[30:34]))
        elif kind == 0x86dd and d[20] == 6: say('tcp ' + socket.inet_ntop(10, d[38:54]))
        at = d.find(b'way ')
        if at >= 0: say(d[at:].decode())
threading.Thread(target=run, daemon=True).start(); say('ready'); sys.stdin.read()
`;

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, patience(300)));
}

async function sniff(t: TestContext, { outside }: Network): Promise<() => Promise<string[]>> {
  const [file, ...words] = [...outside, 'python3', '-c', SNIFFER];
  const child = spawn(file, words, { stdio: ['pipe', 'pipe', 'inherit'], env: environment() });
  t.after(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
  while (!text.includes('ready')) await settle();
  return async () => {
    await settle();
    const seen = text.split('\n').filter((line) => line !== '' && line !== 'ready');
    text = '';
    return [...new Set(seen)].toSorted();
  };
}

const COMMON = String.raw`
import ctypes, errno, json, socket, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
device = [name for _, name in socket.if_nameindex() if name.startswith('sfa')][0]; index = socket.if_nametoindex(device)
V4, V6, SOL, IP, IP6 = socket.AF_INET, socket.AF_INET6, 1, 0, 41
def linklocal():
    "Ours, once the kernel has looked that nobody else has it."
    for _ in range(1000):
        for line in open('/proc/net/if_inet6'):
            f = line.split()
            if f[5] == device and f[0].startswith('fe80') and not int(f[4], 16) & 0x40: return socket.inet_ntop(V6, bytes.fromhex(f[0]))
        time.sleep(0.01)
def udp(family): return socket.socket(family, socket.SOCK_DGRAM)
def disconnect(s): libc.connect(s.fileno(), bytes(16), 16)
def info4(n): return [(IP, 8, struct.pack('i4s4s', n, bytes(4), bytes(4)))]
def info6(n, kind=50): return [(IP6, kind, bytes(16) + struct.pack('i', n))]
def attempt(f):
    try: f(); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
`;

/** Every way to name an interface for a datagram or connection to a loopback or own address. */
const WAYS = `${COMMON}${String.raw`
here, here6, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
def with_option(name, family, level, option, value, to):
    def f():
        s = udp(family); s.setsockopt(level, option, value); s.sendto(b'way ' + name.encode(), to)
    return f
def with_message(name, family, control, to, flags=0):
    return lambda: udp(family).sendmsg([b'way ' + name.encode()], control, flags, to)
def with_peer(name, family, control, to):
    def f():
        s = udp(family); s.connect(to); s.sendmsg([b'way ' + name.encode()], control)
    return f
def bound(name, address, to):
    def f():
        s = udp(V6); s.bind((address, 0, 0, index)); s.sendto(b'way ' + name.encode(), to)
    return f
def bound_connected(name, address, to):
    def f():
        s = udp(V6); s.bind((address, 0, 0, index)); s.connect(to); s.send(b'way ' + name.encode())
    return f
def connected(name, to, again=False):
    def f():
        s = udp(V6)
        try: s.connect(('fe80::9', 9, 0, index))
        except OSError: pass
        if again: disconnect(s)
        s.connect(to); s.send(b'way ' + name.encode())
    return f
def tcp(family, option, to):
    def f():
        s = socket.socket(family); s.setblocking(False)
        if option == 'scope':
            try: s.connect(('fe80::9', 9, 0, index))
            except OSError: pass
            disconnect(s)
        else: s.setsockopt(SOL, 25, device.encode())
        s.connect(to)
    return f
mine, name = linklocal(), device.encode() + b'\0'
to, to6, mapped = (here, port), (here6, port), ('::ffff:' + here, port)
ways = {
  'SO_BINDTODEVICE': (V4, SOL, 25, name, to), 'SO_BINDTODEVICE 6': (V6, SOL, 25, name, to6), 'SO_BINDTODEVICE mapped': (V6, SOL, 25, name, mapped),
  'SO_BINDTOIFINDEX': (V4, SOL, 62, struct.pack('i', index), to), 'SO_BINDTOIFINDEX 6': (V6, SOL, 62, struct.pack('i', index), to6),
  'IP_UNICAST_IF': (V4, IP, 50, struct.pack('!I', index), to), 'IPV6_UNICAST_IF': (V6, IP6, 76, struct.pack('!I', index), to6),
  'IP_UNICAST_IF mapped': (V6, IP, 50, struct.pack('!I', index), mapped), 'IPV6_PKTINFO': (V6, IP6, 50, bytes(16) + struct.pack('i', index), to6),
}
results = {n: attempt(with_option(n, *a)) for n, a in ways.items()}
results |= {n: attempt(f) for n, f in {
  'message': with_message('message', V4, info4(index), to), 'message mapped': with_message('message mapped', V6, info6(index), mapped),
  'message mapped 4': with_message('message mapped 4', V6, info4(index), mapped),
  'message 6': with_message('message 6', V6, info6(index), to6), 'message 2292': with_message('message 2292', V6, info6(index, 2), to6),
  'second message': with_message('second message', V4, info4(0) + info4(index), to),
  'peer': with_peer('peer', V4, info4(index), to), 'peer 6': with_peer('peer 6', V6, info6(index), to6),
  'bound': bound('bound', mine, to6), 'bound to group': bound('bound to group', 'ff02::1', to6), 'bound to group, mapped': bound('bound to group, mapped', 'ff02::1', mapped),
  'bound, connected': bound_connected('bound, connected', mine, to6),
  'connected': connected('connected', to6), 'connected, disconnected': connected('connected, disconnected', to6, True),
  'tcp': tcp(V4, 'device', to), 'tcp 6': tcp(V6, 'device', to6), 'tcp scope': tcp(V6, 'scope', to6),
}.items()}
print(json.dumps(results))
`}`;

/** Those that leave natively on the kernels that are known. */
const LEAVING =
  'SO_BINDTODEVICE,SO_BINDTODEVICE 6,SO_BINDTOIFINDEX,IP_UNICAST_IF,IPV6_UNICAST_IF,IPV6_PKTINFO,message,message 6,second message,peer,peer 6,bound,bound to group'.split(
    ',',
  );

function inside(
  { inside: words }: Network,
  options: readonly string[],
  more: readonly string[],
): Promise<Outcome> {
  return run([...words, ...secfiltWords([...options, '--', ...more])]);
}

for (const [title, here, here6, port, options] of [
  ['loopback', '127.0.0.1', '::1', 2222, ['--allowed-netmasks=127.0.0.0/8,::1/128,fe80::/10,ff02::/16']],
  ['a resolver of this host', '127.0.0.53', '::1', 53, ['--allow-resolv']],
] as const) {
  void test(`S07 no interface leads past ${title} (${who})`, async (t) => {
    const network = makeNetwork(t);
    if (network === undefined) return;
    if (port === 53)
      writeFileSync(
        `/etc/netns/${network.inside.at(-1)}/resolv.conf`,
        'nameserver 127.0.0.53\nnameserver ::1\n',
      );
    const seen = await sniff(t, network);
    const words = ['python3', '-c', WAYS, here, here6, String(port)];
    const native = await run([...network.inside, ...words]);
    const arrived = await seen();
    t.diagnostic(`natively: ${arrived.join(', ')}`);
    for (const name of LEAVING.map((way) => `way ${way}`).concat(`tcp ${here}`))
      assert.ok(arrived.includes(name), `natively it leaves: ${name} ${JSON.stringify(native)}`);
    const { stdout, stderr } = await inside(network, options, words);
    assert.deepEqual(await seen(), [], stdout + stderr);
    const results: unknown = JSON.parse(stdout);
    assert.ok(typeof results === 'object' && results !== null);
    const refused = Object.entries(results).filter(([, result]) => result === 'EPERM');
    assert.deepEqual(
      LEAVING.filter((way) => !refused.some(([name]) => name === way)),
      [],
      stdout,
    );
  });
}

/** Sources that are not ours: whoever is asked answers to them. */
const SOURCES = `${COMMON}${String.raw`
def spoof(level, option):
    s = udp(V6); s.setsockopt(level, option, 1); s.bind(('2001:db8::77', 0)); s.sendto(b'way spoofed %d' % option, (sys.argv[1], 2222))
linklocal(); udp(V6).sendto(b'x', (sys.argv[1], 9)); time.sleep(0.5)
print(json.dumps([attempt(lambda: spoof(IP6, 78)), attempt(lambda: spoof(IP, 15))]))
`}`;

void test(`S07 nothing is sent in the name of another host (${who})`, async (t) => {
  const network = makeNetwork(t);
  if (network === undefined) return;
  const seen = await sniff(t, network);
  const words = ['python3', '-c', SOURCES, NEIGHBOUR6];
  await run([...network.inside, ...words]);
  assert.deepEqual(await seen(), ['way spoofed 15', 'way spoofed 78'], 'natively it is');
  const { stdout } = await inside(network, [`--allowed-netmasks=${NEIGHBOUR6}`], words);
  assert.equal(stdout, '["EPERM", "EPERM"]\n');
  assert.deepEqual(await seen(), []);
});

/** What ordinary programs do with interfaces. */
const ORDINARY = `${COMMON}${String.raw`
near, near6, far = sys.argv[1:4]
def options():
    for family, level, numbers in ((V4, IP, (1, 6, 8, 10, 11, 12, 13, 24, 33, 34, 49)), (V6, IP6, (16, 18, 19, 23, 25, 26, 29, 33, 49, 51, 62, 66, 67, 70))):
        for number in numbers: udp(family).setsockopt(level, number, 1)
    s = socket.socket()
    for level, number in ((SOL, 2), (SOL, 9), (SOL, 12), (SOL, 15), (6, 1), (6, 3), (6, 12), (6, 18), (IP, 1)): s.setsockopt(level, number, 1)
    socket.socket(16, 3, 0).setsockopt(270, 11, 1)
def mine(to, control, family): udp(family).sendmsg([b'way'], control, 0, to)
def echo(family, to, level, option, kind):
    "As servers answer: by the interface and from the address that they were asked at."
    a = udp(family); a.setsockopt(level, option, 1); a.bind((to, 0)); b = udp(family); b.sendto(b'x', a.getsockname()); a.settimeout(5)
    data, control, _, peer = a.recvmsg(9, 99); a.sendmsg([b'y'], [(l, t, v) for l, t, v in control], 0, peer); b.settimeout(5); assert b.recv(9) == b'y'
def scoped():
    linklocal(); s = udp(V6); s.sendto(b'way', ('ff02::1', 2222, 0, index))
def scoped_twice():
    s = udp(V6); s.connect(('fe80::9', 2222, 0, index)); disconnect(s); s.connect(('fe80::9', 2222, 0, index))
print(json.dumps({
  'options': attempt(options), 'message': attempt(lambda: mine((near, 2222), info4(index), V4)), 'message 6': attempt(lambda: mine((near6, 2222), info6(index), V6)),
  'by gateway': attempt(lambda: mine((far, 2222), info4(index), V4)), 'none': attempt(lambda: mine((near, 2222), info4(0), V4)),
  'echo': attempt(lambda: echo(V4, '127.0.0.1', IP, 8, 8)), 'echo 6': attempt(lambda: echo(V6, '::1', IP6, 49, 50)), 'echo own': attempt(lambda: echo(V4, '192.168.1.1', IP, 8, 8)),
  'scoped': attempt(scoped), 'twice': attempt(scoped_twice),
  'unknown': [attempt(lambda: socket.socket().setsockopt(l, n, 1)) for l, n in ((SOL, 9999), (IP, 999), (6, 999), (999, 1))],
}))
`}`;

void test(`S07 interfaces where the routing table has them, and ordinary options (${who})`, async (t) => {
  const network = makeNetwork(t);
  if (network === undefined) return;
  const { arrivals } = await serveOutside(t, network);
  const words = ['python3', '-c', ORDINARY, NEIGHBOUR, NEIGHBOUR6, WORLD];
  const native = await run([...network.inside, ...words]);
  await arrivals('udp ff02::1 2222');
  const netmasks = `--allowed-netmasks=127.0.0.0/8,::1/128,192.168.1.0/24,fd00:1::/64,${WORLD},fe80::/10,ff02::/16`;
  const sandboxed = await inside(network, [netmasks], words);
  assert.equal(sandboxed.stdout, native.stdout, sandboxed.stderr);
  const expected = [
    `udp ${NEIGHBOUR} 2222`,
    `udp ${NEIGHBOUR6} 2222`,
    `udp ${WORLD} 2222`,
    'udp ff02::1 2222',
  ];
  const found = await arrivals('udp ff02::1 2222');
  for (const line of expected) assert.ok(found.includes(line), `${line}: ${found.join(', ')}`);
});

if (testEngine === undefined || testEngine === 'auto') {
  void test(`S07 the kernel alone refuses the options too (${who})`, async () => {
    const script = `import socket
for level, option in ((1, 25), (1, 62), (0, 50), (0, 15), (41, 76), (41, 78), (41, 50)):
    s = socket.socket(socket.AF_INET6)
    try: s.setsockopt(level, option, bytes(20)); print('ok')
    except OSError as e: print(e.errno)`;
    const words = secfiltWords(['--engine=kernel', '--allowed-ports=80', '--', 'python3', '-c', script]);
    const { stdout, code, stderr } = await run(words);
    if (code === 125) return;
    assert.equal(stdout, '1\n'.repeat(7), stderr);
  });
}
