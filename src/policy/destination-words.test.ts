import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNetwork } from './address-text.ts';
import { type DestinationWord, networksOf, parseDestination, type Whom } from './destination-words.ts';
import type { ListenRule } from './destinations.ts';
import { formatHostName } from './host-name.ts';
import { parseListen } from './listen-words.ts';
import { NETWORK_SETS } from './network-sets.ts';
import { joinPorts, portRanges, withoutPorts } from './ports.ts';
import { ValueError } from './value-error.ts';

/** `PLACE PORTS PROTOCOL @NETWORKS`, with `-` for what is any. */
function told({ places, ports, protocol, mayPointTo }: DestinationWord): string {
  const to = places.map((place) =>
    place.kind === 'host'
      ? formatHostName(place.name)
      : place.kind === 'network'
        ? formatNetwork(place.network)
        : '-',
  );
  const ranges = ports?.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)) ?? ['-'];
  const pointed = mayPointTo === undefined ? '' : ` @${mayPointTo.map(formatNetwork).join(',')}`;
  return `${to.join(',')} ${ranges.join(',')} ${protocol ?? '-'}${pointed}`;
}

void test('parseDestination() reads hosts and networks with ports and protocols', () => {
  const rows: [string, Whom, string][] = [
    ['db.internal', 'hosts', 'db.internal - -'],
    ['db.internal:5432', 'hosts', 'db.internal 5432 -'],
    ['db.internal.:5432', 'hosts', 'db.internal 5432 -'],
    ['DB.internal:5432/TCP', 'hosts', 'db.internal 5432 tcp'],
    ['ntp.example/udp', 'hosts', 'ntp.example - udp'],
    ['*.example.org:443,8000-8010', 'hosts', '*.example.org 443,8000-8010 -'],
    ['bücher.example:80', 'hosts', 'xn--bcher-kva.example 80 -'],
    ['10.0.0.5', 'hosts', '10.0.0.5 - -'],
    ['10.0.0.5:5432', 'networks', '10.0.0.5 5432 -'],
    ['10.0.0.0/8:53/udp', 'networks', '10.0.0.0/8 53 udp'],
    ['10.0.0.0/8/tcp', 'networks', '10.0.0.0/8 - tcp'],
    ['2001:db8::1', 'hosts', '2001:db8::1 - -'],
    ['2001:db8::/32:443', 'networks', '2001:db8::/32 443 -'],
    ['[2001:db8::1]:443/tcp', 'hosts', '2001:db8::1 443 tcp'],
    ['[2001:db8::]/32:22,80', 'networks', '2001:db8::/32 22,80 -'],
    ['[::1]', 'networks', '::1 - -'],
    ['@loopback:8080', 'hosts', '127.0.0.0/8,::1 8080 -'],
    ['@loopback', 'networks', '127.0.0.0/8,::1 - -'],
    ['db.internal:5432@loopback', 'hosts', 'db.internal 5432 - @127.0.0.0/8,::1'],
    ['db.internal@10.1.0.0/16', 'hosts', 'db.internal - - @10.1.0.0/16'],
    ['db.internal:53/udp@10.1.0.0/16@fd00::/8', 'hosts', 'db.internal 53 udp @10.1.0.0/16,fd00::/8'],
  ];
  for (const [word, whom, expected] of rows) assert.equal(told(parseDestination(word, whom)), expected, word);
});

void test('parseDestination() refuses all else', () => {
  const rows: [string, Whom, RegExp][] = [
    ['', 'hosts', /no name/],
    [':443', 'hosts', /no name/],
    ['db.internal:', 'hosts', /not a port/],
    ['db.internal:http', 'hosts', /not a port/],
    ['db.internal:0', 'hosts', /out of range/],
    ['db.internal:80,', 'hosts', /not a port/],
    ['db.internal:90-80', 'hosts', /ends before/],
    ['db.internal:80:90', 'hosts', /not an IPv6 address/],
    ['db.internal/sctp', 'hosts', /not an IP address/],
    ['db.internal/tcp/udp', 'hosts', /not an IP address/],
    ['db.internal', 'networks', /names of hosts are for --allowed-hosts/],
    ['*', 'networks', /not an IP address/],
    ['10.0.0.5@private', 'hosts', /behind what is no name/],
    ['@private@loopback', 'hosts', /behind what is no name/],
    ['db.internal@', 'hosts', /no set of networks: there are @private, @loopback, @metadata/],
    ['db.internal@local', 'hosts', /no set of networks/],
    ['@', 'hosts', /no set of networks/],
    ['@Private', 'hosts', /no set of networks/],
    ['@secrets', 'networks', /no set of networks/],
    ['[db.internal]:80', 'hosts', /not an IP address/],
    ['[10.0.0.1]:80', 'hosts', /not four numbers/],
    ['[::1', 'hosts', /not an IPv6 address/],
    ['256.1.1.1', 'hosts', /not four numbers/],
    ['1.2.3', 'hosts', /not four numbers/],
    ['0.0.0.0:80', 'networks', /no destination/],
    ['10.0.0.1/8:80', 'networks', /host bits/],
  ];
  for (const [word, whom, expected] of rows) {
    assert.throws(
      () => parseDestination(word, whom),
      (error) => error instanceof ValueError && expected.test(error.message),
      word,
    );
  }
});

function networksIn(name: string): string[] {
  return networksOf(name).map(formatNetwork);
}

void test('a set of networks holds what it is for, also as IPv6 carries it, and loopback what stays here', () => {
  for (const name of NETWORK_SETS.keys()) assert.ok(networksIn(name).length >= 2);
  assert.deepEqual(networksIn('loopback'), ['127.0.0.0/8', '::1']);
  const inside = [
    '10.0.0.0/8',
    '64:ff9b::a00:0/104',
    '2002:a00::/24',
    '169.254.0.0/16',
    'fe80::/10',
    'ff00::/8',
  ];
  for (const network of inside) assert.ok(networksIn('private').includes(network), network);
  for (const network of ['169.254.169.254', '64:ff9b::a9fe:a9fe', 'fd00:ec2::254'])
    assert.ok(networksIn('metadata').includes(network), network);
});

function toldListen({ network, ports, protocol }: ListenRule): string {
  return told({ places: network ? [{ kind: 'network', network }] : [{ kind: 'any' }], ports, protocol });
}

void test('parseListen() reads ports and addresses', () => {
  const rows: [string, string][] = [
    ['8080', '- 8080 -'],
    ['8000-8010/tcp', '- 8000-8010 tcp'],
    ['53,5353/UDP', '- 53,5353 udp'],
    ['192.0.2.1:80', '192.0.2.1 80 -'],
    ['192.0.2.1', '192.0.2.1 - -'],
    ['[2001:db8::]/64:80', '2001:db8::/64 80 -'],
  ];
  for (const [word, expected] of rows)
    assert.equal(parseListen(word).map(toldListen).join(';'), expected, word);
  for (const word of ['0', 'all', 'none', '', 'localhost:80', '80:', '0.0.0.0:80'])
    assert.throws(() => parseListen(word), ValueError, word);
});

void test('joinPorts() puts the ports of one host together again', () => {
  const rows: [string[], string[]][] = [
    [['db:80', '443'], ['db:80,443']],
    [
      ['db:80', '443', '8000-8010/tcp', '9'],
      ['db:80,443,8000-8010/tcp', '9'],
    ],
    [
      ['db', '443'],
      ['db', '443'],
    ],
    [['[::1]:80', '443'], ['[::1]:80,443']],
    [
      ['2001:db8::1', '443'],
      ['2001:db8::1', '443'],
    ],
    [['10.0.0.0/8:80', '443'], ['10.0.0.0/8:80,443']],
    [
      ['10.0.0.0/8', '443'],
      ['10.0.0.0/8', '443'],
    ],
    [
      ['db:80/tcp', '443'],
      ['db:80/tcp', '443'],
    ],
    [['443'], ['443']],
    [
      ['80', '443'],
      ['80', '443'],
    ],
  ];
  for (const [items, expected] of rows) assert.deepEqual(joinPorts(items), expected, items.join());
});

void test('portRanges() and withoutPorts() keep each port that is left', () => {
  const ranges = portRanges([5, 1, 2, 3, 9, 3]);
  assert.deepEqual(ranges, [
    { first: 1, last: 3 },
    { first: 5, last: 5 },
    { first: 9, last: 9 },
  ]);
  assert.deepEqual(
    withoutPorts(
      [{ first: 1, last: 9 }],
      [
        { first: 3, last: 4 },
        { first: 9, last: 10 },
      ],
    ),
    [
      { first: 1, last: 2 },
      { first: 5, last: 8 },
    ],
  );
});
