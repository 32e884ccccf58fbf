/**
 * A second thread changes the address, the header or the descriptor while a call is decided. Whatever the calls return,
 * nothing arrives at the listener that is not allowed; natively it does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { patience, who } from '../support/environment.ts';
import { listen, settle } from './listeners.ts';
import { pythonResults } from './python.ts';

const SECONDS = 2;

/** Fewer tries than this prove nothing; a slow machine makes fewer. */
const TRIES = 1000 / patience(1);

/**
 * Prints how many tries there were, and how each ended. With a least number of tries it goes on for a while until they
 * are made and one was refused.
 */
const RACE = String.raw`
import collections, ctypes, errno, json, os, socket, struct, sys, threading, time
kind, good, bad, port_good, port_bad, seconds, least = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
libc = ctypes.CDLL(None, use_errno=True)
sys.setswitchinterval(0.00005)
class iovec(ctypes.Structure): _fields_ = [('base', ctypes.c_char_p), ('len', ctypes.c_size_t)]
class msghdr(ctypes.Structure):
    _fields_ = [('name', ctypes.c_void_p), ('namelen', ctypes.c_uint32), ('iov', ctypes.POINTER(iovec)), ('iovlen', ctypes.c_size_t),
                ('control', ctypes.c_char_p), ('controllen', ctypes.c_size_t), ('flags', ctypes.c_int)]
class mmsghdr(ctypes.Structure): _fields_ = [('hdr', msghdr), ('len', ctypes.c_uint32)]
def sin(host, port): return struct.pack('=H', 2) + struct.pack('!H', port) + socket.inet_aton(host) + bytes(8)
GOOD, BAD = sin(good, port_good), sin(bad, port_bad)
goods, bads = ctypes.create_string_buffer(GOOD, 16), ctypes.create_string_buffer(BAD, 16)
buffer = ctypes.create_string_buffer(GOOD, 16)
vector = iovec(b'race', 4)
header = msghdr(ctypes.addressof(buffer), 16, ctypes.pointer(vector), 1, None, 0, 0)
many = (mmsghdr * 1)(mmsghdr(header, 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); connected.connect((good, port_good))
fd = os.dup(udp.fileno())
stop = False
# The address of the bad host under the family that an IPv6 socket reads as "to my peer", an IPv4 one as IPv4.
unspecified = struct.pack('=H', 0) + BAD[2:]
header_connected = msghdr(ctypes.addressof(bads), 0, ctypes.pointer(vector), 1, None, 0, 0)
def flip():
    while not stop:
        if kind in ('connect', 'sendto', 'sendmsg', 'sendmmsg'):
            ctypes.memmove(buffer, BAD, 16); ctypes.memmove(buffer, GOOD, 16)
        elif kind == 'header name':
            header.name = ctypes.addressof(bads); header.name = ctypes.addressof(goods)
        elif kind == 'header length':
            header_connected.namelen = 16; header_connected.namelen = 0
        elif kind == 'descriptor':
            os.dup2(udp6.fileno(), fd); os.dup2(udp.fileno(), fd)
def call():
    if kind == 'connect':
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        r = libc.connect(s.fileno(), buffer, 16); e = ctypes.get_errno()
        if r == 0: libc.send(s.fileno(), b'race', 4, 0)
        s.close(); return r, e
    if kind == 'sendto': r = libc.sendto(udp.fileno(), b'race', 4, 0, buffer, 16)
    elif kind in ('sendmsg', 'header name'): r = libc.sendmsg(udp.fileno(), ctypes.byref(header), 0)
    elif kind == 'sendmmsg': r = libc.sendmmsg(udp.fileno(), many, 1, 0)
    elif kind == 'header length': r = libc.sendmsg(connected.fileno(), ctypes.byref(header_connected), 0)
    elif kind == 'descriptor': r = libc.sendto(fd, b'race', 4, 0, unspecified, 16)
    return r, ctypes.get_errno()
thread = threading.Thread(target=flip); thread.start()
count = collections.Counter(); end = time.time() + seconds
def goes_on():
    now = time.time()
    return now < end or (now < end + 30 and least > 0 and (sum(count.values()) < least or not count['EPERM']))
while goes_on():
    for _ in range(100):
        r, e = call()
        count['ok' if r >= 0 else errno.errorcode.get(e, str(e))] += 1
stop = True; thread.join()
print(json.dumps(count))
`;

const KINDS = [
  'connect',
  'sendto',
  'sendmsg',
  'sendmmsg',
  'header name',
  'header length',
  'descriptor',
] as const;

function countOf(results: Record<string, unknown>, name: string): number {
  const value = results[name] ?? 0;
  assert.ok(typeof value === 'number');
  return value;
}

for (const kind of KINDS) {
  void test(`race ${kind}: nothing arrives (${who})`, async (t) => {
    const good = await listen(t, '127.1.0.1');
    const bad = await listen(t, '127.2.0.1');
    const words = [kind, good.address, bad.address, String(good.port), String(bad.port)];
    for (let tries = 0; tries < 30 && bad.heard.length === 0; tries += 1) {
      await pythonResults(RACE, [...words, '0.5', '0']);
      await settle(bad);
    }
    assert.notEqual(bad.heard.length, 0, 'natively the race can be won');
    bad.heard.length = 0;

    const results = await pythonResults(RACE, [...words, String(SECONDS), String(TRIES)], {
      sandbox: ['--allowed-netmasks=127.1.0.0/16'],
    });
    await settle(bad);
    assert.equal(bad.heard.length, 0);
    t.diagnostic(JSON.stringify(results));
    assert.ok(countOf(results, 'EPERM') > 0, 'the forbidden side must have been tried');
    const tries = Object.values(results).reduce((sum: number, value) => sum + Number(value), 0);
    assert.ok(tries >= TRIES, `only ${tries} tries`);
  });
}
