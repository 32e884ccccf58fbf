/**
 * Which sockets can be made, and which of their options set: the filter alone decides, by registers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { OPTION_LEVELS } from '../../src/linux/socket-options.ts';
import { isRoot, who } from '../support/environment.ts';
import { pythonResults } from './python.ts';

const SCRIPT = String.raw`
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0); r = libc.syscall(number, *[ctypes.c_long(a) for a in arguments]); e = ctypes.get_errno()
    if r >= 0 and number == 41: os.close(r)
    return 'ok' if r >= 0 else errno.errorcode.get(e, str(e))
HIGH, STREAM, DGRAM, RAW, SEQPACKET = 5 << 32, 1, 2, 3, 5
def made(*arguments): return call(41, *arguments)
result = {'tcp': made(2, STREAM, 0), 'tcp 6': made(2, STREAM, 6), 'tcp6': made(10, STREAM, 0), 'udp': made(2, DGRAM, 17), 'udp6 flags': made(10, DGRAM | 0o2004000, 0), 'unix': made(1, STREAM, 0),
  'unix packets': made(1, SEQPACKET, 0), 'route': made(16, RAW, 0), 'high bits': made(2 | HIGH, STREAM | HIGH, HIGH)}
result['refused families'] = sorted({made(f, t, 0) for f in list(range(0, 60)) + [2**31, -1] for t in (STREAM, DGRAM, RAW, SEQPACKET) if f not in (1, 2, 10, 16)})
result['refused types'] = sorted({made(f, t, p) for f in (2, 10) for t in (0, RAW, 4, SEQPACKET, 6, 10) for p in (0, 1, 6, 17, 58, 255)})
result['invalid types'] = sorted({made(f, t, p) for f in (2, 10) for t in (11, 15, 17, 2**31 | 1) for p in (0, 255)} | {made(2, STREAM, 263), made(10, RAW, -1)})
result['refused streams'] = sorted({made(f, STREAM, p) for f in (2, 10) for p in (1, 17, 132, 256, 262, 33)})
result['refused datagrams'] = sorted({made(f, DGRAM, p) for f in (2, 10) for p in (2, 6, 33, 132, 136, 255)})
result['refused netlink'] = sorted({made(16, RAW, p) for p in range(1, 23)})
s = {2: socket.socket(2, 1), 10: socket.socket(10, 2)}
def option(family, level, name): return call(54, s[family].fileno(), level, name, 0, 0)
result['refused options'] = sorted({option(2, l, n) for l, n in ((0, 3), (0, 4), (0, 19), (6, 19))} | {option(10, 41, n) for n in (3, 4, 5, 6, 32, 36, 54, 55, 57, 59, 75)})
result['absent options'] = sorted({option(2, l, n) for l, n in ((132, 100), (132, 110), (284, 1), (6, 31))} | {option(10, 41, 1)})
result['joins'] = sorted({option(2, 0, n) for n in (35, 39, 42, 46)} | {option(10, 41, n) for n in (20, 27, 42, 46)})
result['option high bits'] = option(10, 41 | HIGH, 57 | HIGH)
result['refused query'] = call(55, s[2].fileno(), 132, 111, 0, 0)
s[2].setsockopt(6, 1, 1); s[2].setsockopt(1, 9, 1); result['options'] = 'ok'
print(json.dumps(result))
`;

/** The kernel's own words for joins of nothing. */
async function nativeJoins(): Promise<unknown> {
  return (await pythonResults(SCRIPT, []))['joins'];
}

for (const options of [['--mainstream-network-families'], ['--no-outbound-network'], ['--allowed-ports=1']]) {
  void test(`families, types, protocols and options under ${options.join(' ')} (${who})`, async () => {
    const { joins, ...results } = await pythonResults(SCRIPT, [], { sandbox: options });
    assert.deepEqual(
      joins,
      options.includes('--mainstream-network-families') ? await nativeJoins() : ['EPERM'],
    );
    assert.deepEqual(results, {
      tcp: 'ok',
      'tcp 6': 'ok',
      tcp6: 'ok',
      udp: 'ok',
      'udp6 flags': 'ok',
      unix: 'ok',
      'unix packets': 'ok',
      route: 'ok',
      'high bits': 'ok',
      'refused families': ['EAFNOSUPPORT'],
      'refused types': ['EAFNOSUPPORT', 'EPERM', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT'],
      'invalid types': ['EINVAL'],
      'refused streams': ['EPROTONOSUPPORT'],
      'refused datagrams': ['EPROTONOSUPPORT'],
      'refused netlink': ['EPROTONOSUPPORT'],
      'refused options': ['EPERM'],
      'absent options': ['ENOENT', 'ENOPROTOOPT'],
      'option high bits': 'EPERM',
      'refused query': 'ENOPROTOOPT',
      options: 'ok',
    });
  });
}

/**
 * Every type, with flags and without, of the ordinary families and of numbers that are none, with protocols known and unknown; and every
 * option, of every level that sockets have, set to 0.
 */
const TABLE = String.raw`
import ctypes, errno, json, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0); r = libc.syscall(number, *[ctypes.c_long(a) for a in arguments]); e = ctypes.get_errno()
    if r >= 0 and number == 41: os.close(r)
    return 'ok' if r >= 0 else errno.errorcode.get(e, str(e))
made, zero = {}, ctypes.c_int(0)
for family in (-1, 0, 1, 2, 10, 16, 38, 40, 46, 99, 2**31 - 1):
    for kind in (*range(17), 0x801, 0x80002, 0x8000f, 0x100001, 2**31 | 1):
        for protocol in (0, 1, 2, 6, 17, 33, 58, 132, 136, 255, 256, 262, 263, 300, -1): made['%d %d %d' % (family, kind, protocol)] = call(41, family, kind, protocol)
options = {}
for name, s in (('tcp', socket.socket(2, 1)), ('udp', socket.socket(2, 2)), ('tcp6', socket.socket(10, 1)), ('udp6', socket.socket(10, 2))):
    for level in (0, 1, 6, 17, 41, 58, 132, 136, 255, 270, 282, 284, 999, -1):
        for option in (*range(131), -1): options['%s %d %d' % (name, level, option)] = call(54, s.fileno(), level, option, ctypes.addressof(zero), 4)
print(json.dumps({'made': made, 'options': options}))
`;

interface Table {
  readonly made: Record<string, string>;
  readonly options: Record<string, string>;
}

async function table(sandbox?: readonly string[]): Promise<Table> {
  // Root has no more rights inside.
  const prefix = isRoot && sandbox === undefined ? ['setpriv', '--bounding-set=-net_admin,-net_raw'] : [];
  const { made, options } = await pythonResults(TABLE, [], { sandbox, prefix });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script that wrote it is above
  return { made, options } as Table;
}

/** What is there natively and closed inside, as "What is not there" of docs/network.md has it. */
function closedSocket(family: number, kind: number, protocol: number): readonly string[] {
  // Numbers that mean nothing are looked at before there is any family.
  if (kind % 16 > 10 || (kind & ~0x8080f) !== 0) return [];
  if (![1, 2, 10, 16].includes(family)) return ['EAFNOSUPPORT'];
  // SOCK_PACKET of AF_INET is AF_PACKET's.
  if (family === 2 && kind === 10) return ['EAFNOSUPPORT'];
  if (family === 16) return kind % 16 === 2 || kind % 16 === 3 ? ['EPROTONOSUPPORT'] : [];
  if (kind % 16 === 3) return protocol === 0 ? ['EPROTONOSUPPORT'] : ['EPERM'];
  return kind % 16 === 1 || kind % 16 === 2 ? ['EPROTONOSUPPORT'] : ['ESOCKTNOSUPPORT'];
}

void test(`what the kernel does not have has its errors, what is closed those of a kernel without it (${who})`, async () => {
  const natively = await table();
  for (const options of [['--mainstream-network-families'], ['--no-outbound-network']]) {
    const inside = await table(options);
    const others = Object.entries(inside.made).filter(([key, said]) => {
      const [family = 0, kind = 0, protocol = 0] = key.split(' ').map(Number);
      return said !== natively.made[key] && !closedSocket(family, kind, protocol).includes(said);
    });
    assert.deepEqual(
      others.map(([key, said]) => `${key}: ${said}, natively ${natively.made[key]}`),
      [],
    );
    const closed = new Set(
      OPTION_LEVELS.flatMap(({ level, protocol, routing }) =>
        Object.values(options.includes('--no-outbound-network') ? { ...protocol, ...routing } : protocol).map(
          (option) => `${level} ${option}`,
        ),
      ),
    );
    const changed = Object.entries(inside.options).filter(([key, said]) => {
      const [, level = '', option = ''] = key.split(' ');
      if (said === natively.options[key]) return false;
      if (level === '6' && option === '31') return said !== 'ENOENT';
      // SCTP, UDP-Lite and MPTCP.
      const isAbsent = ['132', '136', '284'].includes(level) || (level === '41' && option === '1');
      if (isAbsent) return said !== 'ENOPROTOOPT';
      if (closed.has(`${level} ${option}`)) return said !== 'EPERM';
      // Netfilter's, which only the administrator's tools use.
      return !['0', '41'].includes(level) || Number(option) < 64 || said !== 'ENOPROTOOPT';
    });
    assert.deepEqual(
      changed.map(([key, said]) => `${key}: ${said}, natively ${natively.options[key]}`),
      [],
    );
  }
});
