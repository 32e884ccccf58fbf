/** Rules about destinations and about listening, in namespaces of our own: what arrives outside, and who is heard there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { NEIGHBOUR, NEIGHBOUR6, WORLD, WORLD6, inside, makeGround } from './namespaces.ts';

/** Goes to each place, `tcp 192.168.1.2 80`, and prints what came of it. */
const GO = String.raw`
import errno, json, socket, sys
out = {}
for place in sys.argv[1:]:
    protocol, host, port = place.split(); family = socket.AF_INET6 if ':' in host else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if protocol == 'tcp' else socket.SOCK_DGRAM); s.settimeout(5)
    try:
        s.connect((host, int(port)))
        if protocol == 'udp': s.send(b'x')
        out[place] = 'ok'
    except OSError as e: out[place] = errno.errorcode.get(e.errno, str(e))
print(json.dumps(out))
`;

const PLACES = [NEIGHBOUR, NEIGHBOUR6, WORLD, WORLD6].flatMap((host) =>
  ['tcp', 'udp'].flatMap((protocol) => [53, 2222].map((port) => [protocol, host, port].join(' '))),
);

/** `led`: to where names are looked up, which is not outside. */
const EXPECTED: readonly (readonly [
  options: readonly string[],
  open: (place: string) => boolean,
  led?: (place: string) => boolean,
])[] = [
  [['--denied-netmasks=@private,@loopback'], (place) => place.includes(WORLD) || place.includes(WORLD6)],
  [['--denied-netmasks=@metadata'], () => true],
  [['--denied-ports=53'], (place) => place.endsWith('2222')],
  [
    [`--denied-hosts=${NEIGHBOUR}:53/udp,[${NEIGHBOUR6}]`],
    (place) => !place.includes(NEIGHBOUR6) && place !== `udp ${NEIGHBOUR} 53`,
  ],
  [
    [`--allowed-netmasks=${NEIGHBOUR}:53,${NEIGHBOUR6}/128:2222/tcp`],
    (place) =>
      place === `tcp ${NEIGHBOUR} 53` ||
      place === `udp ${NEIGHBOUR} 53` ||
      place === `tcp ${NEIGHBOUR6} 2222`,
  ],
  [
    [`--allow-net=0.0.0.0/0`, '--denied-netmasks=@private', `--allowed-netmasks=${NEIGHBOUR}:2222`],
    (place) => place.includes(WORLD) || place.endsWith(`${NEIGHBOUR} 2222`),
  ],
  [
    ['--allowed-hosts=*.example,host.example', '--allowed-ports=2222'],
    () => false,
    (place) => place.endsWith(`${NEIGHBOUR} 53`),
  ],
];

void test(`what rules allow arrives, and nothing else (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  for (const [options, isOpen, isLed = () => false] of EXPECTED) {
    const { stdout, stderr } = await inside(ground, options, ['python3', '-c', GO, ...PLACES]);
    const open = PLACES.filter(isOpen);
    const said: unknown = stdout === '' ? stderr : JSON.parse(stdout);
    assert.deepEqual(
      said,
      Object.fromEntries(PLACES.map((place) => [place, isOpen(place) || isLed(place) ? 'ok' : 'EPERM'])),
      options.join(' '),
    );
    const arrived = await ground.outside.arrivals(open.at(-1));
    // Each by itself: they come in any order.
    while (arrived.length < open.length) {
      const more = await ground.outside.arrivals();
      if (more.length === 0) break;
      arrived.push(...more);
    }
    assert.deepEqual(arrived.toSorted(), open.toSorted(), options.join(' '));
  }
});

/** Listens at ports of every address, and says at which. */
const LISTEN = String.raw`
import json, socket, sys
kept = []; out = []
for port in map(int, sys.argv[1:]):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try: s.bind(('0.0.0.0', port)); s.listen(5)
    except OSError: continue
    kept.append(s); out.append(port)
print(json.dumps(out), flush=True); sys.stdin.readline()
`;

/** Starts the words, waits for their first line, tries ports of a host from the other namespace, and ends them. */
const HEARD = String.raw`
import json, socket, subprocess, sys
host, words = sys.argv[1], json.loads(sys.argv[2]); out = []
ports = list(map(int, sys.argv[3:]))
child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True); child.stdout.readline()
for port in ports:
    try: socket.create_connection((host, port), 5).close(); out.append(port)
    except OSError: pass
print(json.dumps(out), flush=True); child.communicate('\n')
`;

void test(`who listens inside is heard outside at the ports that are allowed (${who})`, async (t) => {
  const ground = await makeGround(t);
  if (ground === undefined) return;
  const ports = ['8080', '8081'];
  for (const [options, heard] of [
    [['--mainstream-network-families'], [8080, 8081]],
    [['--allowed-listen=8080'], [8080]],
    [['--allowed-listen=none'], []],
  ] as const) {
    const words = [
      ...ground.network.inside,
      ...secfiltWords([...options, '--', 'python3', '-c', LISTEN, ...ports]),
    ];
    const looking = ['python3', '-c', HEARD, '192.168.1.1', JSON.stringify(words), ...ports];
    const { stdout, stderr } = await run([...ground.network.outside, ...looking]);
    assert.deepEqual(stdout === '' ? stderr : JSON.parse(stdout), heard, options.join(' '));
  }
});
