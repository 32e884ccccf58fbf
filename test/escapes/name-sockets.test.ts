/**
 * Attacks on names of hosts by what sockets can be told beside an address, and by what looks names up: a question leaves only by who
 * has judged it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { attackNames, QUESTIONS } from '../network/name-attack.ts';
import { makeNetwork, NEIGHBOUR, WORLD } from '../network/namespaces.ts';
import { inEtc } from '../network/resolver.ts';
import { who } from '../support/environment.ts';
import { engines, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

attackNames({
  id: 'N45',
  title: 'a question whose message names the interface of another peer',
  options: ['--allowed-hosts=allowed.example', `--allowed-netmasks=${WORLD}`],
  script: `
bad = question('forbidden.example')
index = next(number for number, name in socket.if_nameindex() if name != 'lo')
def way(source): return [(socket.IPPROTO_IP, 8, struct.pack('=i4s4s', index, socket.inet_aton(source), bytes(4)))]
def peer(): s = udp(); s.connect(('${WORLD}', 80)); s.sendmsg([bad], way('0.0.0.0'), 0, RESOLVER)
def source(): s = udp(); s.connect(('${WORLD}', 80)); s.sendmsg([bad], way('192.168.1.1'), 0, RESOLVER)
def known(): s = udp(); s.connect((socket.gethostbyname('allowed.example'), 80)); s.sendmsg([bad], way('0.0.0.0'), 0, RESOLVER)
def alone(): udp().sendmsg([bad], way('0.0.0.0'), 0, RESOLVER)
def led(): s = udp(); s.connect(RESOLVER); s.sendmsg([bad], way('0.0.0.0'))
def mapped():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.connect(('::ffff:${WORLD}', 80)); s.sendmsg([bad], way('0.0.0.0'), 0, ('::ffff:${NEIGHBOUR}', 53))
def bound(): s = udp(); s.connect(RESOLVER); s.setsockopt(1, 25, socket.if_indextoname(index).encode()); s.send(bad)
def preferred(): s = udp(); s.connect(RESOLVER); s.setsockopt(0, 50, struct.pack('!i', index)); s.send(bad)
def routed(): s = udp(); s.connect(RESOLVER); s.setsockopt(0, 4, b'\\x83\\x07\\x04' + socket.inet_aton('${NEIGHBOUR}') + b'\\0'); s.send(bad)
tries(peer, source, known, alone, led, mapped, bound, preferred, routed)
`,
  natively: /^question forbidden\.example 1 udp$/,
});

void test(`N46 a message that bears the address and port of a resolver on this host (${who})`, async (t) => {
  const network = makeNetwork(t);
  if (network === undefined) return;
  inEtc(network, 'resolv.conf', 'nameserver 127.0.0.53\n');
  const attack = python(`${QUESTIONS}
for family, place in ((socket.AF_INET, '127.0.0.9'), (socket.AF_INET6, '::ffff:127.0.0.9')):
    s = socket.socket(family, socket.SOCK_DGRAM)
    tries(lambda: s.bind((place, 53)), lambda: s.sendmsg([b'x'], [(socket.IPPROTO_IP, 8, struct.pack('=i4s4s', 0, socket.inet_aton('127.0.0.53'), bytes(4)))], 0, (place.replace('.9', '.1'), 5353)))
`);
  // Who waits for the resolver's answer is outside.
  const waiting = `import subprocess
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 5353)); s.settimeout(0.2)
subprocess.run(sys.argv[1:])
try:
    while True: print('from', *s.recvfrom(100)[1])
except OSError: pass
`;
  const perform = async (words: readonly string[]): Promise<string> =>
    (await run([...network.inside, ...python(waiting, ...words)])).stdout;
  assert.match(await perform(attack), /^from 127\.0\.0\.53 53$/m, 'it works natively');
  for (const engine of engines) {
    const options = ['--quiet', ...engine.options, '--allowed-hosts=allowed.example,127.0.0.0/8'];
    const said = await perform(secfiltWords([...options, '--', ...attack]));
    assert.doesNotMatch(said, /^from 127\.0\.0\.53 53$/m, engine.name);
  }
});

void test(`N47 what tells the next run which resolvers and hosts there are (${who})`, async (t) => {
  const network = makeNetwork(t);
  if (network === undefined) return;
  const texts = { hosts: '127.0.0.1 localhost\n', 'resolv.conf': `nameserver ${NEIGHBOUR}\n` };
  // Each is mounted in the place of the system's own: nothing else is changed here.
  const attack = ['sh', '-c', 'for one in hosts resolv.conf; do echo "# more" >> /etc/$one; done'] as const;
  const perform = async (words: readonly string[]): Promise<string[]> => {
    for (const [name, text] of Object.entries(texts)) inEtc(network, name, text);
    await run([...network.inside, ...words]);
    const folder = `/etc/netns/${network.inside[3] ?? ''}`;
    return Object.keys(texts).map((name) => readFileSync(join(folder, name), 'latin1'));
  };
  const more = Object.values(texts).map((text) => `${text}# more\n`);
  assert.deepEqual(await perform(attack), more, 'it works natively');
  for (const { name, options } of engines) {
    const held = ['--quiet', ...options, '--write-allow=/etc', '--allowed-hosts=allowed.example', '--'];
    assert.deepEqual(await perform(secfiltWords([...held, ...attack])), Object.values(texts), name);
  }
});
