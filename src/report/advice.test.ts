import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { DestinationRule } from '../policy/destinations.ts';
import type { ListedDestinations, NetworkPolicy, Policy } from '../policy/policy.ts';
import { Advisor } from './advice.ts';
import { KERNEL_INTERFACE } from '../judge/files.ts';
import type { NewEntry, ReferralEvent } from './event.ts';
import type { Rule } from '../rules/rule.ts';
import { connectTo, refusal, writeOf } from './sample-events.ts';
import type { Secrets } from './sensitive.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const READ_ONLY: Policy = { files: { writable: [bytes('/work')] }, network: undefined, unixSockets: [] };

function advise(event: ReferralEvent, policy: Policy, resolvConf = '/nonexistent'): string {
  const advice = new Advisor(policy, () => [Buffer.from('/home/ann')], resolvConf).advise(event);
  if (advice.kind === 'sensitive') return `sensitive: ${advice.reason}`;
  if (advice.kind === 'none') return 'none';
  return advice.instead === undefined ? advice.options : `${advice.options} / ${advice.instead}`;
}

function withNetwork(network: NetworkPolicy): Policy {
  return { files: undefined, network, unixSockets: [] };
}

void test('advise() names the path that would have to be writable', () => {
  const renaming = (from: string, to: string, entry?: NewEntry): ReferralEvent =>
    refusal('rename', { kind: 'paths', from: bytes(from), to: bytes(to), ...(entry && { entry }) });
  const creating = (path: string, entry?: NewEntry): ReferralEvent =>
    refusal('create', { kind: 'path', path: bytes(path), ...(entry && { entry }) });
  const rows: [ReferralEvent, string][] = [
    [writeOf('/home/ann/b'), '--write-allow=/home/ann/b'],
    [writeOf('/home/ann/a b'), "'--write-allow=/home/ann/a b'"],
    [writeOf('/a,b'), String.raw`'--write-allow=/a\,b'`],
    [writeOf('/\xff\x1b'), String.raw`$'--write-allow=/\xff\x1b'`],
    [writeOf('/home/ann/.ssh/config'), 'sensitive: keys'],
    [writeOf('/work/x'), 'none'],
    [renaming('/work/a', '/tmp/b'), '--write-allow=/tmp/b'],
    [renaming('/tmp/a', '/tmp/b'), '--write-allow=/tmp/a --write-allow=/tmp/b'],
    [renaming('/work/a', '/etc/b'), 'sensitive: system settings'],
    [refusal('bind', { kind: 'unix-path', path: bytes('/tmp/s') }), '--own-tmp'],
    [refusal('create', { kind: 'path', path: bytes('/tmp/s') }), '--own-tmp'],
    [refusal('create', { kind: 'path', path: bytes('/tmp/d/s') }), '--write-allow=/tmp/d/s'],
    [refusal('write', { kind: 'path', path: bytes('/tmp') }), '--own-tmp'],
    [refusal('change', { kind: 'path', path: bytes('/tmp') }), '--write-allow=/tmp'],
    [creating('/srv/p/notes'), '--write-allow=/srv/p/notes'],
    [creating('/srv/p/notes', 'exclusive'), '--write-allow=/srv/p'],
    [creating('/srv/p/tmp.k3Xw9aPq0z'), '--write-allow=/srv/p'],
    [{ ...creating('/srv/p/f.4321'), tid: 4321 }, '--write-allow=/srv/p'],
    [creating('/srv/p/l', 'link'), '--write-allow=/srv/p'],
    [creating('/home/ann/notes', 'exclusive'), 'sensitive: a home directory'],
    [creating('/home/ann/tmp.k3Xw9aPq0z', 'exclusive'), 'sensitive: a home directory'],
    [creating('/l', 'link'), 'sensitive: everything'],
    [renaming('/srv/p/a', '/srv/p/l', 'link'), '--write-allow=/srv/p'],
    [renaming('/work/a', '/tmp/tmp.k3Xw9aPq0z'), '--own-tmp'],
    [refusal('change', { kind: 'path', path: bytes('anon_inode:[eventfd]') }), 'none'],
    [writeOf('(unreachable)/x'), 'none'],
    [writeOf('/memfd:x (deleted)'), 'none'],
    [creating('/srv/gone (deleted)/x'), 'none'],
    [
      refusal('write', { kind: 'path', path: bytes('/mnt/p/x') }, { rule: KERNEL_INTERFACE }),
      'sensitive: kernel interface',
    ],
    [refusal('signal', { kind: 'process', pid: 1 }), 'none'],
    [refusal('other', { kind: 'none' }), 'none'],
    [
      refusal('create', { kind: 'path', path: bytes('/tmp/n') }, { rule: 'device nodes are never made' }),
      'none',
    ],
  ];
  for (const [event, expected] of rows) assert.equal(advise(event, READ_ONLY), expected);
  assert.equal(advise(writeOf('/x'), withNetwork({ kind: 'none' })), 'none');
});

void test('advise() names the socket that would have to be allowed', () => {
  const more = { rule: 'not bound in the sandbox, nor in --allow-unix' };
  const rows: [ReferralEvent, string][] = [
    [refusal('connect', { kind: 'unix-path', path: bytes('/tmp/s') }, more), '--allow-unix=/tmp/s'],
    [refusal('connect', { kind: 'unix-abstract', name: bytes('a b') }, more), "'--allow-unix=@a b'"],
    [refusal('connect', { kind: 'unix-abstract', name: bytes('a\0b') }, more), 'none'],
    [refusal('connect', { kind: 'unix-abstract', name: bytes('') }, more), 'none'],
    [
      refusal('send', { kind: 'unix-path', path: bytes('/run/docker.sock') }, more),
      'sensitive: root by way of containers',
    ],
  ];
  for (const [event, expected] of rows) assert.equal(advise(event, READ_ONLY), expected);
});

void test('advise() names what of address and port is missing', () => {
  const ten = { address: Uint8Array.of(10, 0, 0, 0), prefix: 8 };
  const listed = (networks: (typeof ten)[] | undefined, ports?: number[]): Policy =>
    withNetwork({ kind: 'listed', networks, ports, endpoints: [] });
  const overruled = (networks: (typeof ten)[] | undefined, ports?: number[]): Policy =>
    withNetwork({ kind: 'none', overruled: { kind: 'listed', networks, ports, endpoints: [] } });
  const rows: [Policy, string][] = [
    [listed([ten]), '--allowed-netmasks=11.1.2.3'],
    [listed([]), '--allowed-netmasks=11.1.2.3'],
    [listed(undefined, [80]), '--allowed-ports=443'],
    [listed([ten], [443]), '--allowed-netmasks=11.1.2.3'],
    [listed([ten], [80]), '--allowed-netmasks=11.1.2.3 --allowed-ports=443'],
    [withNetwork({ kind: 'none' }), '--allowed-netmasks=11.1.2.3 / --no-outbound-network'],
    [withNetwork({ kind: 'families' }), 'none'],
    [overruled(undefined, [80]), '--allowed-ports=443 / --no-outbound-network'],
    [overruled(undefined, [443]), '--no-outbound-network=0'],
    [overruled([ten], [80]), '--allowed-netmasks=11.1.2.3 --allowed-ports=443 / --no-outbound-network'],
    [READ_ONLY, 'none'],
  ];
  for (const [policy, expected] of rows)
    assert.equal(advise(connectTo([11, 1, 2, 3], 443), policy), expected);

  // The same for TCP and UDP: nobody allows port 0.
  assert.equal(advise(connectTo([11, 1, 2, 3], 0), listed(undefined, [80])), 'none');
  // musl asks by 65535 which address it would send from, and any allowed port does; what is sent there is meant.
  assert.equal(advise(datagram('connect', 65_535), listed(undefined, [80])), 'none');
  assert.equal(advise(datagram('connect', 65_535), listed([ten], [80])), '--allowed-netmasks=11.1.2.3');
  assert.equal(advise(datagram('send', 65_535), listed(undefined, [80])), '--allowed-ports=65535');
  assert.equal(advise(connectTo([11, 1, 2, 3], 65_535), listed(undefined, [80])), '--allowed-ports=65535');
  assert.equal(advise(ping(Uint8Array.of(11, 0, 0, 1)), listed([ten])), '--allowed-netmasks=11.0.0.1');
  assert.equal(advise(ping(Uint8Array.of(11, 0, 0, 1)), listed([ten], [80])), 'none');
  assert.equal(advise(connectTo([169, 254, 169, 254], 80), listed([ten])), 'sensitive: cloud credentials');
});

void test('advise() names host and port beside rules, and takes back no denial', () => {
  const rules: readonly DestinationRule[] = [
    { effect: 'deny', to: { kind: 'any' }, ports: [{ first: 25, last: 25 }], protocol: undefined, said: '' },
  ];
  const listed = (more: Partial<ListedDestinations>): Policy =>
    withNetwork({ kind: 'listed', networks: [], ports: undefined, endpoints: [], rules, ...more });
  const named: ReferralEvent = {
    ...connectTo([11, 1, 2, 3], 443),
    object: {
      kind: 'address',
      address: Uint8Array.of(11, 1, 2, 3),
      port: 443,
      protocol: 'tcp',
      names: ['api.example.org', 'b.example'],
    },
  };
  const six = connectTo([32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 443);
  assert.equal(advise(named, listed({})), '--allowed-hosts=api.example.org:443');
  assert.equal(advise(connectTo([11, 1, 2, 3], 443), listed({})), '--allowed-hosts=11.1.2.3:443');
  assert.equal(advise(six, listed({})), "'--allowed-hosts=[2001:db8::1]:443'");
  assert.equal(advise(named, listed({ networks: undefined, ports: [80] })), '--allowed-ports=443');
  assert.equal(advise(ping(Uint8Array.of(11, 0, 0, 1)), listed({})), '--allowed-hosts=11.0.0.1');
  assert.equal(advise(ping(Uint8Array.of(11, 0, 0, 1)), listed({ ports: [80] })), 'none');
  assert.equal(advise(connectTo([11, 1, 2, 3], 0), listed({})), 'none');
  assert.match(advise({ ...named, rule: 'denied by --denied-hosts=*.example.org' }, listed({})), /^none/);
});

function listeningAt(call: string): ReferralEvent {
  return { ...connectTo([0, 0, 0, 0], 8080), call, operation: 'bind', rule: 'not in --allowed-listen' };
}

function withListen(listen: NonNullable<Policy['listen']>): Policy {
  return { ...withNetwork({ kind: 'families' }), listen };
}

void test('advise() names a port to listen at, where it was asked for', () => {
  const rule = { network: undefined, ports: [{ first: 80, last: 80 }], protocol: undefined };
  assert.equal(advise(listeningAt('bind'), withListen([rule])), '--allowed-listen=8080');
  assert.equal(advise(listeningAt('bind'), withListen([])), '--allowed-listen=8080 / --allowed-listen=none');
  assert.equal(advise(listeningAt('listen'), withListen([])), 'none');
});

void test('advise() knows resolvers', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'advice-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'resolv.conf');
  writeFileSync(
    file,
    'search x 7.7.7.7\n# nameserver 8.8.8.8\nnameserver 9.9.9.9\nnameserver fe80::1%eth0\n',
  );
  const policy = withNetwork({ kind: 'listed', networks: [], ports: undefined, endpoints: [] });
  assert.equal(advise(connectTo([9, 9, 9, 9], 53), policy, file), '--allow-resolv');
  assert.equal(
    advise(connectTo([254, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 53), policy, file),
    '--allow-resolv',
  );
  assert.equal(advise(connectTo([9, 9, 9, 9], 80), policy, file), '--allowed-netmasks=9.9.9.9');
  // Words elsewhere in the file name no resolver.
  assert.equal(advise(connectTo([8, 8, 8, 8], 53), policy, file), '--allowed-netmasks=8.8.8.8');
  assert.equal(advise(connectTo([7, 7, 7, 7], 53), policy, file), '--allowed-netmasks=7.7.7.7');
  assert.equal(
    advise(connectTo([9, 9, 9, 9], 53), withNetwork({ kind: 'none' }), file),
    '--allow-resolv / --no-outbound-network',
  );
});

void test('a suggested option, pasted into a shell, names the path that was refused', () => {
  const component = fc.array(
    fc.constantFrom('a', ',', '\\', "'", '$', '*', ' ', '\n', '\xff', '\xc3\xa9', '~', '\x1b'),
    { minLength: 1, maxLength: 5 },
  );
  const paths = fc.sample(
    component.map((pieces) => `/x/${pieces.join('')}`),
    500,
  );
  const suggestions = paths.map((path) => advise(writeOf(path), READ_ONLY));
  const output = execFileSync('bash', ['-s'], { input: `printf '%s\\0' ${suggestions.join(' ')}` });
  const words = output.toString('latin1').split('\0').slice(0, -1);
  assert.deepEqual(
    words,
    paths.map((path) => `--write-allow=${path.replaceAll(/[\\$*,]/g, '\\$&')}`),
  );
});

function datagram(operation: 'connect' | 'send', port: number): ReferralEvent {
  const object = { kind: 'address', address: Uint8Array.of(11, 1, 2, 3), port, protocol: 'udp' } as const;
  return refusal(operation, object, { rule: 'outside --allowed-ports' });
}

function ping(address: Uint8Array): ReferralEvent {
  const object = { kind: 'address', address, port: 0, protocol: 'icmp' } as const;
  return refusal('send', object, { rule: 'outside --allowed-netmasks' });
}

function rule(effect: Rule['effect'], path: string): Rule {
  return { effect, place: { kind: 'path', path: bytes(path) }, said: `--${effect} ${path}` };
}

function reading(path: string): ReferralEvent {
  return refusal('read', { kind: 'path', path: bytes(path) }, { rule: '--read-deny=/srv' });
}

function writing(path: string): ReferralEvent {
  return { ...writeOf(path), rule: '--write-deny=/srv/p/.x' };
}

void test('advise() names just what was to be read, where that is nearer than what denies', () => {
  const policy: Policy = {
    files: undefined,
    read: [rule('deny', '/srv'), rule('deny', '/srv/a'), rule('deny', '/proc'), rule('deny', '/home/ann')],
    network: undefined,
    unixSockets: [],
  };
  const rows: [string, string][] = [
    ['/srv/b', '--read-allow=/srv/b'],
    ['/srv/a/b c', "'--read-allow=/srv/a/b c'"],
    ['/srv/*', String.raw`'--read-allow=/srv/\*'`],
    // Nothing is nearer than what denies just this.
    ['/srv/a', 'none'],
    ['/srv/b (deleted)', 'none'],
    ['/elsewhere', 'none'],
    ['/proc/123/maps', 'none'],
    ['/home/ann/.ssh/id_rsa', 'sensitive: keys'],
    ['/home/ann/.bashrc', '--read-allow=/home/ann/.bashrc'],
  ];
  for (const [path, expected] of rows) assert.equal(advise(reading(path), policy), expected, path);
  const secrets: Secrets = { has: (path) => path.includes('token'), mayHold: () => false };
  const advisor = new Advisor(policy, () => [], '/nonexistent', secrets);
  assert.deepEqual(advisor.advise(reading('/srv/token')), {
    kind: 'sensitive',
    reason: 'a secret',
    options: '--read-allow=/srv/token',
  });
});

void test('advise() names a place nearer than what denies changes only where that helps', () => {
  const policy: Policy = {
    files: {
      writable: [bytes('/')],
      rules: [rule('deny', '/srv/p/.x'), rule('deny', '/srv/f')],
    },
    network: undefined,
    unixSockets: [],
  };
  assert.equal(advise(writing('/srv/p/.x/a'), policy), '--write-allow=/srv/p/.x/a');
  assert.equal(advise(writing('/srv/f'), policy), 'none');
  assert.equal(advise(writing('/srv/p/b'), policy), 'none');
  // Its directory would have to be named, which is denied itself.
  const made = refusal('create', { kind: 'path', path: bytes('/srv/p/.x/n'), entry: 'exclusive' });
  assert.equal(advise({ ...made, rule: '--write-deny=/srv/p/.x' }, policy), 'none');
});
