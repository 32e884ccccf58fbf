/** Rules about destinations: what they mean, by example, and against a slow reading of the same sentences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DestinationRule, HostName } from '../policy/destinations.ts';
import { parseDestination } from '../policy/destination-words.ts';
import type { AddressBytes, ListedDestinations, Network } from '../policy/policy.ts';
import { parsePortRange } from '../policy/ports.ts';
import { isInNetwork } from '../policy/within.ts';
import { AddressTable } from './address-table.ts';
import type { InternetProtocol } from './destination.ts';
import type { KnownNames } from './known-names.ts';
import { NetworkRules } from './network.ts';

type Said = readonly [effect: 'allow' | 'deny', word: string];

/** `ports 25` is about ports alone. */
function rulesOf(said: readonly Said[]): DestinationRule[] {
  return said.flatMap(([effect, word]): DestinationRule[] => {
    const ports = /^ports (.*)$/.exec(word)?.[1];
    if (ports !== undefined) {
      const ranges = ports.split(',').map(parsePortRange);
      return [{ effect, to: { kind: 'any' }, ports: ranges, protocol: undefined, said: word }];
    }
    const { places, ...rest } = parseDestination(word, 'hosts');
    return places.map((to) => ({ effect, to, ...rest, said: word }));
  });
}

function policyOf(
  rules: readonly DestinationRule[],
  lists: Partial<ListedDestinations> = {},
): ListedDestinations {
  const isOpen = rules.every(({ effect }) => effect === 'deny');
  return {
    kind: 'listed',
    networks: isOpen ? undefined : [],
    ports: undefined,
    endpoints: [],
    rules,
    ...lists,
  };
}

const addressOf = (text: string): AddressBytes => {
  const [place] = parseDestination(text, 'networks').places;
  assert.ok(place?.kind === 'network');
  return place.network.address;
};

function knowing(names: Readonly<Record<string, readonly string[]>>): KnownNames {
  const known = new Map(Object.entries(names).map(([address, all]) => [addressOf(address).join('.'), all]));
  return { namesOf: (address) => known.get(address.join('.')) ?? [] };
}

const NAMES = knowing({
  '192.0.2.1': ['www.example.org'],
  '192.0.2.2': ['example.org'],
  '192.0.2.3': ['a.b.example.org', 'other.example'],
  '10.0.0.5': ['db.internal'],
  '2001:db8::1': ['www.example.org'],
});

/** A word for each question: `.` allowed, else the rule that refuses. */
function answers(policy: ListedDestinations, questions: readonly string[]): string[] {
  const rules = new NetworkRules(policy, NAMES);
  return questions.map((question) => {
    const [, address = '', port = '', protocol = 'tcp'] = /^(\S+) (\d+)(?: (\w+))?$/.exec(question) ?? [];
    assert.ok(protocol === 'tcp' || protocol === 'udp' || protocol === 'icmp');
    const verdict = rules.judge(addressOf(address), Number(port), protocol);
    return verdict.kind === 'refuse' ? verdict.rule : '.';
  });
}

function expect(
  said: readonly Said[],
  expected: Readonly<Record<string, string>>,
  lists?: Partial<ListedDestinations>,
): void {
  const questions = Object.keys(expected);
  const policy = policyOf(rulesOf(said), lists);
  assert.deepEqual(answers(policy, questions), Object.values(expected), JSON.stringify(said));
}

void test('a name opens the addresses that it was given out for, at its ports and by its protocol', () => {
  const no = 'outside --allowed-hosts';
  expect([['allow', 'www.example.org:443/tcp']], {
    '192.0.2.1 443': '.',
    '2001:db8::1 443': '.',
    '192.0.2.1 443 udp': no,
    '192.0.2.1 80': no,
    '192.0.2.1 0 icmp': no,
    '192.0.2.2 443': no,
    '192.0.2.9 443': no,
  });
  expect([['allow', '*.example.org']], {
    '192.0.2.1 1': '.',
    '192.0.2.1 0 icmp': '.',
    '192.0.2.2 443': no,
    '192.0.2.3 443 udp': '.',
    '10.0.0.5 443': no,
  });
  expect([['allow', '*']], { '10.0.0.5 443': '.', '192.0.2.9 443': no });
});

void test('the most specific rule about a name decides, and at the same place the one that denies', () => {
  expect(
    [
      ['allow', '*.example.org'],
      ['deny', '*.b.example.org'],
      ['deny', 'www.example.org:25,80-90'],
    ],
    {
      '192.0.2.1 443': '.',
      '192.0.2.1 25': 'denied by www.example.org:25,80-90',
      '192.0.2.1 90': 'denied by www.example.org:25,80-90',
      '192.0.2.1 91': '.',
      '192.0.2.3 443': 'denied by *.b.example.org',
    },
  );
  expect(
    [
      ['deny', '*.example.org'],
      ['allow', 'www.example.org:443'],
    ],
    {
      '192.0.2.1 443': '.',
      '192.0.2.1 80': 'denied by *.example.org',
    },
  );
  expect(
    [
      ['allow', 'www.example.org'],
      ['deny', 'www.example.org'],
    ],
    { '192.0.2.1 1': 'denied by www.example.org' },
  );
});

void test('of all names of an address one that is denied closes it', () => {
  expect(
    [
      ['allow', '*.example.org'],
      ['deny', 'other.example:80'],
    ],
    {
      '192.0.2.3 443': '.',
      '192.0.2.3 80': 'denied by other.example:80',
    },
  );
});

void test('the longest prefix decides; what is denied by address is denied whatever its name', () => {
  expect(
    [
      ['allow', '10.0.0.0/8'],
      ['deny', '10.0.0.0/16'],
      ['allow', '10.0.0.5:5432'],
      ['deny', '10.0.0.5:22'],
    ],
    {
      '10.1.0.1 1': '.',
      '10.0.0.1 1': 'denied by 10.0.0.0/16',
      '10.0.0.5 5432': '.',
      '10.0.0.5 5432 udp': '.',
      '10.0.0.5 22': 'denied by 10.0.0.5:22',
      '10.0.0.5 23': 'denied by 10.0.0.0/16',
      '10.0.0.5 0 icmp': 'denied by 10.0.0.0/16',
      '192.0.2.1 1': 'outside --allowed-netmasks',
    },
  );
  expect(
    [
      ['deny', '@private'],
      ['allow', 'db.internal'],
    ],
    { '10.0.0.5 1': 'denied by @private' },
  );
});

void test('what is denied alone leaves all else', () => {
  expect(
    [
      ['deny', '@private'],
      ['deny', '@metadata'],
    ],
    {
      '192.0.2.1 1': '.',
      '2001:db8::1 1': '.',
      '127.0.0.1 1': '.',
      '10.0.0.5 1': 'denied by @private',
      '192.168.1.1 1 udp': 'denied by @private',
      '169.254.169.254 80': 'denied by @metadata',
      '169.254.1.1 80': 'denied by @private',
      '168.63.129.16 80': 'denied by @metadata',
      '224.0.0.251 5353 udp': 'denied by @private',
      'fe80::1 1': 'denied by @private',
      'fd00::1 1': 'denied by @private',
      '172.32.0.1 1': '.',
      '172.31.0.1 0 icmp': 'denied by @private',
    },
  );
});

void test('a port that is denied is open where a rule names place and port', () => {
  const denied = 'denied by ports 25';
  const said: Said[] = [
    ['deny', 'ports 25'],
    ['allow', '10.0.0.0/8'],
    ['allow', '192.0.2.9:25'],
    ['allow', 'www.example.org:25'],
  ];
  expect(said, {
    '10.0.0.5 24': '.',
    '10.0.0.5 25': denied,
    '10.0.0.5 25 udp': denied,
    '10.0.0.5 0 icmp': '.',
    '192.0.2.9 25': '.',
    '192.0.2.1 25': '.',
    '192.0.2.2 25': denied,
    '192.0.2.2 24': 'outside --allowed-hosts',
  });
});

void test('the lists keep their meaning beside rules, and resolvers theirs', () => {
  const networks: Network[] = [{ address: Uint8Array.of(192, 168, 1, 0), prefix: 24 }];
  const endpoints = [{ address: Uint8Array.of(9, 9, 9, 9), port: 53 }];
  const said: Said[] = [
    ['allow', '10.0.0.5:5432'],
    ['deny', '192.168.1.7'],
    ['deny', 'ports 25'],
  ];
  expect(
    said,
    {
      '192.168.1.1 22': '.',
      '192.168.1.1 25': 'denied by ports 25',
      '192.168.1.1 23': 'outside --allowed-netmasks',
      '192.168.1.7 22': 'denied by 192.168.1.7',
      '10.0.0.5 5432': '.',
      '10.0.0.5 22': 'outside --allowed-netmasks',
      '9.9.9.9 53 udp': '.',
      '9.9.9.9 53 icmp': 'outside --allowed-netmasks',
      '9.9.9.9 22': 'outside --allowed-netmasks',
    },
    { networks, ports: [22, 25], endpoints },
  );
  expect(
    [['deny', '10.0.0.0/8']],
    {
      '192.0.2.1 443': '.',
      '192.0.2.1 80': 'outside --allowed-ports',
      '10.0.0.5 443': 'denied by 10.0.0.0/8',
    },
    {
      networks: undefined,
      ports: [443],
    },
  );
});

function portOf(said: readonly Said[], address: string, protocol: 'tcp' | 'udp'): number | undefined {
  return new NetworkRules(policyOf(rulesOf(said)), NAMES).allowedPort(addressOf(address), protocol);
}

void test('allowedPort() finds a port wherever one is open', () => {
  assert.equal(portOf([['allow', 'www.example.org:443/tcp']], '192.0.2.1', 'tcp'), 443);
  assert.equal(portOf([['allow', 'www.example.org:443/tcp']], '192.0.2.1', 'udp'), undefined);
  assert.equal(portOf([['allow', 'www.example.org:443']], '192.0.2.9', 'tcp'), undefined);
  assert.equal(portOf([['deny', 'ports 1-65534']], '192.0.2.9', 'udp'), 65_535);
  assert.equal(
    portOf(
      [
        ['deny', '10.0.0.0/8:1-100'],
        ['deny', 'ports 101-200'],
      ],
      '10.0.0.5',
      'udp',
    ),
    201,
  );
});

// The slow reading.

const LABELS = ['a', 'b', 'org'];
const PORTS = [0, 1, 22, 25, 80, 65_535];
const label = fc.constantFrom(...LABELS);
const hostName: fc.Arbitrary<HostName> = fc
  .record({ labels: fc.array(label, { maxLength: 3 }), zone: fc.boolean() })
  .map(({ labels, zone }) => ({ labels, zone: zone || labels.length === 0 }));
const knownName = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const octet = fc.constantFrom(0, 1, 127, 128, 255);
const octets = (length: number): fc.Arbitrary<Uint8Array> =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .chain((bytes) =>
      fc
        .array(octet, { minLength: length, maxLength: length })
        .map((few) => Uint8Array.from(few.length > 0 ? few : bytes)),
    );
const address = fc.oneof(octets(4), octets(16));
const network: fc.Arbitrary<Network> = address.chain((bytes) =>
  fc.constantFrom(0, 1, 8, 9, 16, 31, 32, 64, 128).map((length) => {
    const prefix = Math.min(length, 8 * bytes.length);
    return {
      address: bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * at))) & 0xff),
      prefix,
    };
  }),
);
const range = fc
  .tuple(fc.constantFrom(...PORTS), fc.constantFrom(...PORTS))
  .map(([one, other]) => ({ first: Math.min(one, other), last: Math.max(one, other) }));
const rule: fc.Arbitrary<DestinationRule> = fc
  .record({
    effect: fc.constantFrom('allow' as const, 'deny' as const),
    to: fc.oneof(
      hostName.map((name) => ({ kind: 'host' as const, name })),
      network.map((each) => ({ kind: 'network' as const, network: each })),
      fc.constant({ kind: 'any' as const }),
    ),
    ports: fc.option(fc.array(range, { minLength: 1, maxLength: 2 }), { nil: undefined }),
    protocol: fc.option(fc.constantFrom('tcp' as const, 'udp' as const), { nil: undefined }),
    said: fc.constant('said'),
  })
  // Of ports alone only what is denied is said.
  .map((each) =>
    each.to.kind === 'any'
      ? { ...each, effect: 'deny', ports: each.ports ?? [{ first: 1, last: 1 }], protocol: undefined }
      : each,
  );

interface Asked {
  readonly address: AddressBytes;
  readonly port: number;
  readonly protocol: InternetProtocol;
}

function concerns({ ports, protocol }: DestinationRule, asked: Asked): boolean {
  const hasPort = asked.protocol === 'tcp' || asked.protocol === 'udp';
  if (protocol !== undefined && protocol !== asked.protocol) return false;
  return (
    ports === undefined ||
    (hasPort && ports.some(({ first, last }) => first <= asked.port && asked.port <= last))
  );
}

/** How closely a rule is about a name; negative: not at all. */
function closeness({ labels, zone }: HostName, name: string): number {
  const theirs = name.split('.');
  const isEnd =
    theirs.slice(theirs.length - labels.length).join('.') === labels.join('.') || labels.length === 0;
  if (!isEnd || (zone ? theirs.length <= labels.length : theirs.length !== labels.length)) return -1;
  return zone ? labels.length : 1000;
}

interface Close {
  readonly rule: DestinationRule;
  readonly depth: number;
}

function rank({ rule: { effect, ports, protocol }, depth }: Close): number {
  return depth * 4 + (ports !== undefined || protocol !== undefined ? 2 : 0) + (effect === 'deny' ? 1 : 0);
}

/** Of rules that all speak of it the one that decides. */
function decides(rules: readonly Close[]): DestinationRule | undefined {
  return rules.toSorted((one, other) => rank(other) - rank(one))[0]?.rule;
}

function mayReach(
  rules: readonly DestinationRule[],
  names: readonly string[],
  asked: Asked,
  isOpen: boolean,
): boolean {
  const concerned = rules.filter((each) => concerns(each, asked));
  const byName = names.map((name) =>
    decides(
      concerned.flatMap((each) =>
        each.to.kind === 'host' && closeness(each.to.name, name) >= 0
          ? [{ rule: each, depth: closeness(each.to.name, name) }]
          : [],
      ),
    ),
  );
  const byAddress = decides(
    concerned.flatMap((each) =>
      each.to.kind === 'network' && isInNetwork(asked.address, each.to.network)
        ? [{ rule: each, depth: each.to.network.prefix }]
        : [],
    ),
  );
  const deciding = [byAddress, ...byName].filter((each) => each !== undefined);
  if (deciding.some(({ effect }) => effect === 'deny')) return false;
  if (deciding.some(({ ports }) => ports !== undefined)) return true;
  if (concerned.some(({ to, effect }) => to.kind === 'any' && effect === 'deny')) return false;
  return isOpen || deciding.length > 0;
}

void test('rules mean what a slow reading of them says', () => {
  const seen = { allowed: 0, refused: 0 };
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 8 }),
      fc.array(knownName, { maxLength: 3 }),
      fc.record({
        address,
        port: fc.constantFrom(...PORTS),
        protocol: fc.constantFrom<InternetProtocol>('tcp', 'udp', 'icmp'),
      }),
      (rules, names, asked) => {
        const policy = policyOf(rules);
        const isOpen = policy.networks === undefined;
        const judge = new NetworkRules(policy, { namesOf: () => names });
        const may = mayReach(rules, names, asked, isOpen);
        assert.equal(judge.judge(asked.address, asked.port, asked.protocol).kind === 'perform', may);
        seen[may ? 'allowed' : 'refused'] += 1;
        const { protocol } = asked;
        if (protocol !== 'tcp' && protocol !== 'udp') return;
        const usable = judge.allowedPort(asked.address, protocol);
        const some = [...PORTS, 2, 23, 26, 81].find(
          (port) => port > 0 && judge.judge(asked.address, port, protocol).kind === 'perform',
        );
        assert.equal(usable === undefined, some === undefined);
        if (usable !== undefined) assert.equal(judge.judge(asked.address, usable, protocol).kind, 'perform');
      },
    ),
    { numRuns: 20_000 },
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 400, `${what}: ${count}`);
});

void test('a table of networks says of each address what the innermost of them says', () => {
  fc.assert(
    fc.property(
      fc.array(network, { maxLength: 12 }),
      fc.array(address, { maxLength: 20 }),
      (networks, asked) => {
        for (const length of [4, 16] as const) {
          const table = AddressTable.make(
            networks.map((each, value) => ({ network: each, value })),
            length,
            (chain) =>
              chain
                .flat()
                .toSorted((one, other) => one - other)
                .join(),
          );
          const ends = networks.flatMap((each) => [
            each.address,
            each.address.map((byte, at) => byte | (0xff >> Math.max(0, Math.min(8, each.prefix - 8 * at)))),
          ]);
          for (const one of [...asked, ...ends].filter((each) => each.length === length)) {
            const expected = networks.flatMap((each, value) => (isInNetwork(one, each) ? [value] : []));
            assert.equal(table.at(one), expected.join());
          }
        }
      },
    ),
    { numRuns: 2000 },
  );
});
