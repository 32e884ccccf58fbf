import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { formatNetwork } from '../policy/address-text.ts';
import { formatHostName } from '../policy/host-name.ts';
import type { Policy } from '../policy/policy.ts';
import { readCommandLine } from './command-line.ts';
import { makePolicy } from './make-policy.ts';

const root = realpathSync.native(mkdtempSync(join(tmpdir(), 'make-policy-')));
after(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, 'dir'));
symlinkSync('dir', join(root, 'link'));

async function policyOf(...words: string[]): Promise<Policy> {
  const line = await readCommandLine([...words, 'command']);
  assert.ok(line.kind === 'run');
  return makePolicy(line.settings.policy);
}

void test('makePolicy() makes nothing of nothing', async () => {
  assert.deepEqual(await policyOf(), { files: undefined, network: undefined, unixSockets: [] });
});

void test('makePolicy() looks paths up', async () => {
  const path = (name: string): Buffer => Buffer.from(`${root}/${name}`, 'latin1');
  const policy = await policyOf(
    `--write-allow=${root}/link/,${root}/link/\xff`,
    `--allow-unix=@x,${root}/link/s`,
  );
  assert.deepEqual(policy.files, { writable: [path('dir'), path('dir/\xff')] });
  assert.deepEqual(policy.unixSockets, [
    { kind: 'abstract', name: Buffer.from('x') },
    { kind: 'path', path: path('dir/s') },
  ]);
  assert.deepEqual((await policyOf('--read-only')).files, { writable: [] });
});

void test('makePolicy() reads what the network may be', async () => {
  const tenNet = { address: Uint8Array.of(10, 0, 0, 0), prefix: 8 };
  assert.deepEqual((await policyOf('--no-outbound-network', '--allow-resolv')).network, { kind: 'none' });
  assert.deepEqual((await policyOf('--no-outbound-network', '--allowed-ports=1')).network, {
    kind: 'none',
    overruled: { kind: 'listed', networks: undefined, ports: [1], endpoints: [] },
  });
  assert.deepEqual((await policyOf('--mainstream-network-families')).network, { kind: 'families' });
  assert.deepEqual((await policyOf('--allowed-netmasks=10.0.0.0/8')).network, {
    kind: 'listed',
    networks: [tenNet],
    ports: undefined,
    endpoints: [],
  });
  assert.deepEqual((await policyOf('--allowed-ports=80,90-91', '--allowed-netmasks=10.0.0.0/8')).network, {
    kind: 'listed',
    networks: [tenNet],
    ports: [80, 90, 91],
    endpoints: [],
  });
  assert.deepEqual((await policyOf('--allowed-ports=80')).network, {
    kind: 'listed',
    networks: undefined,
    ports: [80],
    endpoints: [],
  });
});

/** `EFFECT PLACE PORTS`, and what the lists are. */
async function listedBy(...words: string[]): Promise<string[]> {
  const { network } = await policyOf(...words);
  assert.ok(network?.kind === 'listed');
  const { networks, ports, rules = [] } = network;
  const told = rules.map(({ effect, to, ports: ranges, said }) => {
    const place =
      to.kind === 'host' ? formatHostName(to.name) : to.kind === 'network' ? formatNetwork(to.network) : '-';
    const numbers =
      ranges?.map(({ first, last }) => (first === last ? first : `${first}-${last}`)).join() ?? '-';
    assert.match(said, /^--(?:allowed|denied)-(?:hosts|netmasks|ports)=/);
    return `${effect} ${place} ${numbers}`;
  });
  return [networks?.map(formatNetwork).join() ?? 'any', ports?.join() ?? 'any', ...told];
}

void test('makePolicy() reads rules about destinations', async () => {
  const rows: [string[], string[]][] = [
    [['--allowed-hosts=db:5432,*.example'], ['', 'any', 'allow db 5432', 'allow *.example -']],
    [['--allow-net=10.0.0.0/8,db:1,2'], ['10.0.0.0/8', 'any', 'allow db 1,2']],
    // A list of ports is for what has none of its own.
    [
      ['--allowed-hosts=db:5432,a', '--allowed-ports=80,81'],
      ['', '80,81', 'allow db 5432', 'allow a 80-81'],
    ],
    [
      ['--allowed-netmasks=10.0.0.5:22,10.0.0.6', '--allowed-ports=80'],
      ['10.0.0.6', '80', 'allow 10.0.0.5 22'],
    ],
    // What is denied alone leaves the rest.
    [['--denied-netmasks=@loopback'], ['any', 'any', 'deny 127.0.0.0/8 -', 'deny ::1 -']],
    [['--denied-ports=25,80-81'], ['any', 'any', 'deny - 25', 'deny - 80-81']],
    [
      ['--denied-hosts=a:1', '--allowed-ports=80'],
      ['any', '80', 'deny a 1'],
    ],
    [
      ['--denied-hosts=a', '--allow-resolv'],
      ['', 'any', 'deny a -'],
    ],
    [
      ['--denied-ports=25', '--allowed-hosts=a', '--allowed-ports=24-26'],
      ['', '24,25,26', 'allow a 24,26', 'deny - 25'],
    ],
  ];
  for (const [words, expected] of rows) assert.deepEqual(await listedBy(...words), expected, words.join(' '));
  const { network } = await policyOf('--no-outbound-network', '--denied-ports=25');
  assert.ok(network?.kind === 'none' && network.overruled?.rules?.length === 1);
});

void test('makePolicy() reads where to listen, which is a restriction of the network', async () => {
  const { network, listen } = await policyOf('--allowed-listen=80,81/tcp,[::1]:82');
  assert.deepEqual(network, { kind: 'families' });
  assert.equal(listen?.length, 3);
  assert.deepEqual((await policyOf('--allowed-listen=none')).listen, []);
  assert.equal((await policyOf('--no-outbound-network', '--allowed-listen=none')).network?.kind, 'none');
});

void test('makePolicy() lets resolvers alone mean resolvers only', async () => {
  const { network } = await policyOf('--allow-resolv');
  assert.ok(network?.kind === 'listed');
  assert.deepEqual(network.networks, []);
  assert.equal(network.ports, undefined);
  assert.ok(network.endpoints.length > 0 && network.endpoints.every(({ port }) => port === 53));
});

void test('makePolicy() names the word at fault and where it stands', async () => {
  const config = join(root, 'c.conf');
  writeFileSync(config, '# comment\n\nallowed-netmask = 10.0.0.0/8,192.168.1.5/24\n');
  const rows: [string[], string][] = [
    [
      [`--write-allow=${root}/gone/x`],
      `--write-allow: "${root}/gone/x" is in a directory that does not exist: ${root}/gone`,
    ],
    [
      [`--write-allow=${root}/g\x1b/x`],
      `--write-allow: "${root}/g\\x1b/x" is in a directory that does not exist: ${root}/g\\x1b`,
    ],
    [
      ['--allowed-netmask=192.168.1.5/24'],
      '--allowed-netmask: "192.168.1.5/24" has host bits set: did you mean 192.168.1.0/24?',
    ],
    [['--allowed-ports=0'], '--allowed-ports: "0" is out of range: ports are 1 to 65535'],
    [
      ['--no-outbound-network', '--allowed-ports=0'],
      '--allowed-ports: "0" is out of range: ports are 1 to 65535',
    ],
    [
      ['--allowed-hosts=db:80', '--allowed-ports=443'],
      '--allowed-ports: "443" has no effect: all that is allowed has ports of its own: leave it out, or add 0.0.0.0/0 and ::/0 for any address at these ports',
    ],
    [
      ['--allowed-netmasks=db.internal'],
      '--allowed-netmasks: "db.internal" is not an IP address: names of hosts are for --allowed-hosts',
    ],
    [
      ['--denied-netmasks=@secrets'],
      '--denied-netmasks: "@secrets" names no set of networks: there are @private, @loopback, @metadata',
    ],
    [
      ['--allowed-hosts=a.*.b'],
      '--allowed-hosts: "a.*.b" has a * that is not its first label: *.example.org is what lies below example.org',
    ],
    [
      ['--allowed-listen=none,80'],
      '--allowed-listen: "none" contradicts what else may be listened at: leave one of them out',
    ],
    [['--read-only', '--allow-unix=@'], '--allow-unix: "@" has no name after the @'],
    [
      ['--config', config],
      `${config}:3: allowed-netmask: "192.168.1.5/24" has host bits set: did you mean 192.168.1.0/24?`,
    ],
  ];
  for (const [words, message] of rows)
    await assert.rejects(policyOf(...words), { name: 'UsageError', message });
});
