import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
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
    [['--read-only', '--allow-unix=@'], '--allow-unix: "@" has no name after the @'],
    [
      ['--config', config],
      `${config}:3: allowed-netmask: "192.168.1.5/24" has host bits set: did you mean 192.168.1.0/24?`,
    ],
  ];
  for (const [words, message] of rows)
    await assert.rejects(policyOf(...words), { name: 'UsageError', message });
});
