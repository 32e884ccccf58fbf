/**
 * Who sorts addresses connects a UDP socket to each of them, at port 0 (glibc) or 65535 (musl), and sends nothing: under a list
 * of ports that goes as natively, and what is sent all the same goes to an allowed port.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { engines } from '../support/escape.ts';
import { isRoot, who } from '../support/environment.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { run } from '../support/run.ts';
import { pythonResults, pythonWords } from './python.ts';

const ADDRESSES = ['127.0.0.1', '::1', '2001:db8::1', '::ffff:127.0.0.1', '203.0.113.1', '255.255.255.255'];

const SOURCES = String.raw`
import errno, json, socket, sys
def source(address, port):
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
    try: s.connect((address, port))
    except OSError as e: return errno.errorcode[e.errno]
    return s.getsockname()[0]
print(json.dumps({'%s %d' % (a, p): source(a, p) for a in sys.argv[1:] for p in (0, 65535)}))
`;

for (const { name, options } of engines) {
  void test(`the source of each address is as natively, ${name} (${who})`, async () => {
    const sandbox = [...options, '--allowed-ports=443'];
    assert.deepEqual(
      await pythonResults(SOURCES, ADDRESSES, { sandbox }),
      await pythonResults(SOURCES, ADDRESSES),
    );
  });

  void test(`where the address is closed, ports 0 and 65535 are too, ${name} (${who})`, async () => {
    const sandbox = [...options, '--allowed-netmasks=10.0.0.0/8', '--allowed-ports=443'];
    assert.deepEqual(await pythonResults(SOURCES, ['127.0.0.1'], { sandbox }), {
      '127.0.0.1 0': 'EPERM',
      '127.0.0.1 65535': 'EPERM',
    });
  });
}

/** Listens at two ports, of which one is allowed, and at 65535; the child sends on a socket that was connected to each port. */
const SENDS = String.raw`
import json, os, socket, subprocess, sys
names, heard = ('good', 'bad', 'last'), {}
for name in names:
    heard[name] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); heard[name].bind(('127.9.0.1', 65535 if name == 'last' else 0)); heard[name].settimeout(0.2)
good = heard['good'].getsockname()[1]
words = [w.replace('PORT', str(good)) for w in sys.argv[1:]]
said = json.loads(subprocess.run(words + [str(s.getsockname()[1]) for s in heard.values()], stdout=subprocess.PIPE, check=True).stdout)
for name in names:
    got = []
    try:
        while True: got.append(heard[name].recv(99).decode())
    except OSError: pass
    said[name] = sorted(got)
said['peers'] = ['good' if p == good else p for p in said['peers']]
print(json.dumps(said))
`;

const SENDER = String.raw`
import json, socket, sys
peers = []
for port in [0] + [int(p) for p in sys.argv[1:]]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: s.connect(('127.9.0.1', port)); peers.append(s.getpeername()[1] if port in (0, 65535) else 'as asked')
    except OSError as e: peers.append(-e.errno); continue
    try: s.send(b'own %s' % (b'' if port else b'zero'))
    except OSError as e: peers[-1] = e.errno
print(json.dumps({'peers': peers}))
`;

void test(`natively ports 0 and 65535 are themselves (${who})`, async () => {
  const said = await pythonResults(SENDS, pythonWords(SENDER, [], {}));
  assert.deepEqual(said, {
    peers: [-107, 'as asked', 'as asked', 65535],
    good: ['own '],
    bad: ['own '],
    last: ['own '],
  });
});

for (const { name, options } of engines) {
  void test(`what is sent goes to an allowed port, ${name} (${who})`, async () => {
    const sandbox = [...options, '--allowed-ports=PORT'];
    const said = await pythonResults(SENDS, pythonWords(SENDER, [], { sandbox }));
    const good = ['own ', 'own ', 'own zero'];
    assert.deepEqual(said, { peers: ['good', 'as asked', -1, 'good'], good, bad: [], last: [] });
  });
}

/** The order of getaddrinfo(3), by a hosts file of the test's own. */
const ORDER = String.raw`
import json, socket
print(json.dumps({'order': [a[4][0] for a in socket.getaddrinfo('sorted.example', 443, type=socket.SOCK_STREAM)]}))
`;

void test(`getaddrinfo(3) has the order that it has natively (${who})`, async (t) => {
  if (!isRoot) return t.skip('a hosts file of its own takes a namespace, which root makes');
  const hosts = join(temporaryDirectory(t), 'hosts');
  // No route leads to the first, which would be preferred.
  writeFileSync(hosts, '100::1 sorted.example\n127.0.0.1 sorted.example\n');
  const prefix = [
    'unshare',
    '--mount',
    '--net',
    'sh',
    '-c',
    `ip link set lo up && mount --bind ${hosts} /etc/hosts && exec "$@"`,
    'sh',
  ];
  const possible = await run([...prefix, 'true']);
  if (possible.code !== 0) return t.skip('namespaces cannot be made');
  const native = await pythonResults(ORDER, [], { prefix });
  for (const { options } of engines) {
    const sandbox = [...options, '--allowed-ports=443'];
    assert.deepEqual(await pythonResults(ORDER, [], { prefix, sandbox }), native);
  }
});
