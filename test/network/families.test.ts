/**
 * Which sockets can be made, and which of their options set: the filter alone decides, by registers.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
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
