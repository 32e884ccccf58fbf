/**
 * The README's second and third transcript, and what programs make of the same policies, in namespaces of our own.
 */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';

import { who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { Terminal } from '../support/terminal.ts';
import {
  GROUP,
  GROUP6,
  NAME,
  NEIGHBOUR,
  NEIGHBOUR6,
  WORLD,
  WORLD6,
  inside,
  makeGround,
  type Ground,
} from './namespaces.ts';

const NEIGHBOURS = ['--allowed-netmasks=192.168.1.0/24'];

function shell(t: TestContext, { network }: Ground, options: readonly string[]): Terminal {
  const words = [...network.inside, ...secfiltWords([...options, 'bash', '--norc', '--noprofile'])];
  const [file = '', ...rest] = words;
  const terminal = new Terminal([file, ...rest], {});
  t.after(() => terminal.close());
  return terminal;
}

void test(`secfilt --no-outbound-network=1 bash (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  const terminal = shell(t, ground, ['--no-outbound-network=1']);
  await terminal.expect(/\$ $/);
  terminal.type(`telnet ${NAME} 25\n`);
  // What libc says when no resolver can be asked; glibc once said "Name or service not known" then.
  await terminal.expect(/Temporary failure in name resolution|Name or service not known/);
  terminal.type(`telnet ${NEIGHBOUR} 2222; echo; exec 3<> /dev/tcp/${WORLD}/80; echo over\n`);
  await terminal.expect(/Operation not permitted/);
  await terminal.expect(/Operation not permitted/);
  terminal.type('exit\n');
  await terminal.ended;
  assert.deepEqual(await ground.outside.arrivals(), []);
});

void test(`secfilt --allowed-netmasks=192.168.1.0/24 bash (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  const terminal = shell(t, ground, ['--allowed-netmasks=192.168.1.0/24']);
  await terminal.expect(/\$ $/);
  terminal.type(`telnet ${NEIGHBOUR} 2222\n`);
  await terminal.expect(`Trying ${NEIGHBOUR}...\n`);
  await terminal.expect(`Connected to ${NEIGHBOUR}.\n`);
  await terminal.expect('SSH-2.0-Test');
  terminal.type('\u001d');
  await terminal.expect('telnet> ');
  terminal.type('q\n');
  await terminal.expect(/Connection closed\.\n[^]*\$ $/);
  assert.deepEqual(await ground.outside.arrivals(`tcp ${NEIGHBOUR} 2222`), [`tcp ${NEIGHBOUR} 2222`]);
  terminal.type(`telnet ${WORLD} 2222\n`);
  await terminal.expect(`Trying ${WORLD}...\n`);
  await terminal.expect(/Operation not permitted/);
  await terminal.expect(/\$ $/);
  terminal.type('exit\n');
  await terminal.ended;
  assert.deepEqual(await ground.outside.arrivals(), []);
});

const NODE = `require('net').connect(80, process.argv[1]).on('connect', () => process.exit(0)).on('error', (e) => { console.error(e.code); process.exit(1) })`;
const PYTHON = `import socket, sys; socket.create_connection((sys.argv[1], 80), 5)`;

/** Programs that connect to port 80 of a host. */
const programs: Readonly<Record<string, (host: string) => readonly string[]>> = {
  curl: (host) => ['curl', '-sS', '-m', '5', `http://${host.includes(':') ? `[${host}]` : host}/`],
  nc: (host) => ['nc', '-z', '-w', '5', host, '80'],
  python: (host) => ['python3', '-c', PYTHON, host],
  node: (host) => [process.execPath, '-e', NODE, host],
  bash: (host) => ['bash', '-c', `exec 3<> /dev/tcp/${host}/80`],
  git: (host) => ['git', 'ls-remote', `http://${host.includes(':') ? `[${host}]` : host}/git`],
};

for (const [near, far, mask] of [
  [NEIGHBOUR, WORLD, '192.168.1.0/24'],
  [NEIGHBOUR6, WORLD6, 'fd00:1::/64'],
] as const) {
  for (const [name, words] of Object.entries(programs)) {
    void test(`${name} reaches ${near} and not ${far} (${who})`, async (t) => {
      const ground = await makeGround(t);
      if (ground === undefined) return;
      const allowed = await inside(ground, [`--allowed-netmasks=${mask}`], words(near));
      // Here is no repository, which only its server can know.
      if (name === 'git') assert.match(allowed.stderr, /not found/);
      else assert.equal(allowed.code, 0, JSON.stringify(allowed));
      const near80 = `tcp ${near} 80`;
      assert.ok((await ground.outside.arrivals(near80)).includes(near80));
      const refused = await inside(ground, [`--allowed-netmasks=${mask}`], words(far));
      assert.notEqual(refused.code, 0, JSON.stringify(refused));
      assert.deepEqual(await ground.outside.arrivals(), []);
      await run([...ground.network.inside, ...words(far)]);
      const far80 = `tcp ${far} 80`;
      assert.ok((await ground.outside.arrivals(far80)).includes(far80), 'natively it is reached');
    });
  }
}

/** Asks for a name as resolvers do, by each call that sends datagrams. */
const QUERY = String.raw`
import ctypes, errno, json, socket, struct, sys
host, query = sys.argv[1], struct.pack('!HHHHHH', 7, 0x100, 1, 0, 0, 0) + b'\x04host\x07example\x00' + struct.pack('!HH', 1, 1)
def answer(s):
    s.settimeout(3); data = s.recv(512); return socket.inet_ntoa(data[-4:])
def by(send):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: send(s); return answer(s)
    except OSError as e: return errno.errorcode.get(e.errno, str(e))
class iovec(ctypes.Structure): _fields_ = [('base', ctypes.c_char_p), ('len', ctypes.c_size_t)]
class mmsghdr(ctypes.Structure):
    _fields_ = [('name', ctypes.c_char_p), ('namelen', ctypes.c_uint32), ('iov', ctypes.POINTER(iovec)), ('iovlen', ctypes.c_size_t), ('control', ctypes.c_char_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int), ('pad', ctypes.c_int), ('count', ctypes.c_uint32), ('pad2', ctypes.c_int)]
def many(s):
    # As glibc asks for both kinds of addresses: connected, two at once.
    s.connect((host, 53)); v = iovec(query, len(query)); libc = ctypes.CDLL(None, use_errno=True)
    if libc.sendmmsg(s.fileno(), (mmsghdr * 2)(*[mmsghdr(None, 0, ctypes.pointer(v), 1, None, 0, 0, 0, 0, 0)] * 2), 2, 0x4000) != 2: raise OSError(ctypes.get_errno(), '')
print(json.dumps({'sendto': by(lambda s: s.sendto(query, (host, 53))), 'sendmsg': by(lambda s: s.sendmsg([query], [], 0, (host, 53))), 'sendmmsg': by(many)}))
`;

void test(`names are asked for where the resolver is allowed, and nowhere else (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  for (const options of [['--allow-resolv'], NEIGHBOURS, ['--allowed-ports=53']]) {
    const found = await inside(ground, options, ['getent', 'hosts', NAME]);
    assert.match(found.stdout, new RegExp(`^${WORLD}\\s`), JSON.stringify(found));
    const asked = await inside(ground, options, ['python3', '-c', QUERY, NEIGHBOUR]);
    assert.deepEqual(JSON.parse(asked.stdout), { sendto: WORLD, sendmsg: WORLD, sendmmsg: WORLD });
  }
  await ground.outside.arrivals();
  for (const options of [
    ['--no-outbound-network'],
    ['--allowed-netmasks=10.0.0.0/8'],
    ['--allowed-ports=54'],
  ]) {
    const found = await inside(ground, options, ['getent', 'hosts', NAME]);
    assert.equal(found.code, 2, JSON.stringify(found));
    const asked = await inside(ground, options, ['python3', '-c', QUERY, NEIGHBOUR]);
    assert.deepEqual(JSON.parse(asked.stdout), { sendto: 'EPERM', sendmsg: 'EPERM', sendmmsg: 'EPERM' });
  }
  assert.deepEqual(await ground.outside.arrivals(), []);
});

void test(`--allow-resolv opens port 53 of the resolver only (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  const probe = `for to in ${NEIGHBOUR}/53 ${NEIGHBOUR}/80 ${WORLD}/53; do (exec 3<> /dev/tcp/$to) 2> /dev/null && echo $to; done`;
  const { stdout } = await inside(ground, ['--allow-resolv'], ['bash', '-c', probe]);
  assert.equal(stdout, `${NEIGHBOUR}/53\n`);
  assert.deepEqual(await ground.outside.arrivals(`tcp ${NEIGHBOUR} 53`), [`tcp ${NEIGHBOUR} 53`]);
});

/** Datagrams that are addressed to an allowed host and routed to another, or to many. */
const ROUTED = String.raw`
import errno, json, socket, struct, sys
near, far, near6, far6 = sys.argv[1:5]
def attempt(f):
    try: f(); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
def udp6(): return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
# Type 2 (mobility) and type 4 (segment routing) headers whose last segment is the far host.
two = bytes([0, 2, 2, 1, 0, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, far6)
four = bytes([0, 4, 4, 1, 1, 0, 0, 0]) + socket.inet_pton(socket.AF_INET6, far6) + socket.inet_pton(socket.AF_INET6, near6)
def label():
    s = udp6(); s.setsockopt(socket.IPPROTO_IPV6, 32, socket.inet_pton(socket.AF_INET6, near6) + struct.pack('!I', 0) + struct.pack('=BBHHHI', 0, 255, 1, 6, 0, 0))
def option(value): s = udp6(); s.setsockopt(socket.IPPROTO_IPV6, 57, value); s.sendto(b'x', (near6, 2222))
def group(): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('224.0.0.1', 2222))
def broadcast(to): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1); s.sendto(b'x', (to, 2222))
print(json.dumps({
  'segment option': attempt(lambda: option(four)), 'mobility option': attempt(lambda: option(two)),
  'segment message': attempt(lambda: udp6().sendmsg([b'x'], [(socket.IPPROTO_IPV6, 57, four)], 0, (near6, 2222))),
  'mobility message': attempt(lambda: udp6().sendmsg([b'x'], [(socket.IPPROTO_IPV6, 57, two)], 0, (near6, 2222))),
  'old message': attempt(lambda: udp6().sendmsg([b'x'], [(socket.IPPROTO_IPV6, 5, four)], 0, (near6, 2222))),
  'hop options': attempt(lambda: udp6().sendmsg([b'x'], [(socket.IPPROTO_IPV6, 54, bytes(8))], 0, (near6, 2222))),
  'ip options': attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b'x'], [(socket.IPPROTO_IP, 7, bytes([131, 7, 4]) + socket.inet_aton(far) + b'\0')], 0, (near, 2222))),
  'flow label': attempt(label), 'multicast': attempt(group), 'multicast 6': attempt(lambda: udp6().sendto(b'x', ('ff02::1', 2222, 0, 2))), 'broadcast': attempt(lambda: broadcast('255.255.255.255')),
  'scope': attempt(lambda: udp6().sendto(b'x', (far6, 2222, 0, 2))),
}))
`;

void test(`nothing is routed past an allowed host (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  const words = ['python3', '-c', ROUTED, NEIGHBOUR, WORLD, NEIGHBOUR6, WORLD6];
  const options = ['--allowed-netmasks=192.168.1.0/24,fd00:1::/64'];
  const { stdout } = await inside(ground, options, words);
  const results: unknown = JSON.parse(stdout);
  assert.ok(typeof results === 'object' && results !== null);
  assert.deepEqual(new Set(Object.values(results)), new Set(['EPERM']), stdout);
  assert.deepEqual(await ground.outside.arrivals(), []);
  const native = await run([...ground.network.inside, ...words]);
  t.diagnostic(`natively: ${native.stdout.trim()}`);
  assert.notDeepEqual(await ground.outside.arrivals(), [], 'natively something arrives');
});

/** Joins a group in every way, and stays for a moment. */
const JOIN = String.raw`
import errno, json, socket, struct, sys, time
aton, group, group6, here = socket.inet_aton, sys.argv[1], sys.argv[2], '192.168.1.1'
device = socket.if_nameindex()[-1][0]; keep = []
def join(family, level, option, value):
    s = socket.socket(family, socket.SOCK_DGRAM); keep.append(s)
    try: s.setsockopt(level, option, value); return 'ok'
    except OSError as e: return errno.errorcode[e.errno]
def storage(address): return struct.pack('=HH4s', 2, 0, aton(address)).ljust(128, bytes(1))
def storage6(address): return struct.pack('=HHI16sI', 10, 0, 0, socket.inet_pton(10, address), 0).ljust(128, bytes(1))
at = struct.pack('=I4x', device)
results = {
  'v4': join(2, 0, 35, aton(group) + aton(here)), 'v4 source': join(2, 0, 39, aton(group) + aton(here) + aton('192.168.1.2')),
  'v4 any': join(2, 0, 42, at + storage(group)), 'v4 any source': join(2, 0, 46, at + storage(group) + storage('192.168.1.2')),
  'v6': join(10, 41, 20, socket.inet_pton(10, group6) + struct.pack('=I', device)),
  'v6 any': join(10, 41, 42, at + storage6(group6)), 'v6 any source': join(10, 41, 46, at + storage6(group6) + storage6('fd00:1::2')),
}
time.sleep(0.2)
print(json.dumps(results))
`;

async function joined(ground: Ground, options: readonly string[] | undefined): Promise<unknown[]> {
  const words = ['python3', '-c', JOIN, GROUP, GROUP6];
  const { stdout } = await (options === undefined
    ? run([...ground.network.inside, ...words])
    : inside(ground, options, words));
  const results: unknown = JSON.parse(stdout);
  assert.ok(typeof results === 'object' && results !== null);
  return [...new Set(Object.values(results))];
}

void test(`no group is announced to the network (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  for (const options of [['--no-outbound-network'], ['--allowed-ports=5353'], NEIGHBOURS]) {
    assert.deepEqual(await joined(ground, options), ['EPERM']);
    assert.deepEqual(await ground.outside.arrivals(), []);
  }
  for (const options of [['--mainstream-network-families'], undefined]) {
    assert.deepEqual(await joined(ground, options), ['ok']);
    for (const version of ['group 4', 'group 6']) {
      const arrived = await ground.outside.arrivals(version);
      assert.ok(arrived.includes(version), arrived.join());
    }
  }
});
