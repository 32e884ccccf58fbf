/**
 * Nobody in a sandbox is served: what the service would do for it is what its own sandbox forbids. Tried from inside of every engine
 * and policy, with the service's own client and by hand, and looked at from outside.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { isRoot, secfiltScript, who } from '../support/environment.ts';
import { run } from '../support/run.ts';
import { startService, type TestService } from '../support/service.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Another program than the client: asks for a policy that allows everything, and says what it gets. */
const BY_HAND = `import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(5)
try:
    s.connect(sys.argv[1])
    s.send(json.dumps({'version': 1, 'options': ['--write-allow=/'], 'words': []}).encode())
    print('got', len(s.recv(1 << 20)))
except OSError as error: print('refused', error.errno)`;

const NOT_SERVED = /^(refused \d+|got 0)\n$/;

/** How to run something in a sandbox. */
const SANDBOXES: readonly {
  readonly name: string;
  readonly options: (service: TestService) => readonly string[];
}[] = [
  { name: 'files, notify', options: () => ['--engine=notify', '--read-only'] },
  { name: 'files, trace', options: () => ['--engine=trace', '--read-only'] },
  { name: 'files, kernel', options: () => ['--engine=kernel', '--read-only'] },
  { name: 'network, notify', options: () => ['--engine=notify', '--no-outbound-network'] },
  { name: 'network, trace', options: () => ['--engine=trace', '--allowed-netmasks=10.0.0.0/8'] },
  { name: 'families, notify', options: () => ['--engine=notify', '--mainstream-network-families'] },
  {
    name: 'its socket allowed, notify',
    options: ({ socket }) => ['--engine=notify', '--read-only', `--allow-unix=${socket}`],
  },
  {
    name: 'its socket allowed, trace',
    options: ({ socket }) => ['--engine=trace', '--read-only', `--allow-unix=${socket}`],
  },
];

async function isHeld(
  t: Parameters<typeof temporaryDirectory>[0],
  service: TestService,
  words: readonly string[],
): Promise<void> {
  const folder = temporaryDirectory(t);
  const script = `echo x >${folder}/f`;
  const byClient = await run([...words, service.client(['--write-allow=/']), 'sh', '-c', script]);
  assert.equal(existsSync(join(folder, 'f')), false, byClient.stderr);
  assert.notEqual(byClient.code, 0);
  const byHand = await run([...words, 'python3', '-c', BY_HAND, service.socket]);
  if (!byHand.stderr.includes('PermissionError')) assert.match(byHand.stdout, NOT_SERVED, byHand.stderr);
  const status = await run([...words, process.execPath, secfiltScript, `--status=${service.socket}`]);
  assert.deepEqual([status.code, status.stdout], [125, '']);
}

void test(`without a sandbox a client is served, and any other program is not (${who})`, async (t) => {
  const service = await startService(t);
  const folder = temporaryDirectory(t);
  await run([service.client(['--write-allow=/']), 'sh', '-c', `echo x >${folder}/f`]);
  assert.equal(existsSync(join(folder, 'f')), true);
  const { stdout } = await run(['python3', '-c', BY_HAND, service.socket]);
  assert.match(stdout, NOT_SERVED);
});

for (const { name, options } of SANDBOXES) {
  void test(`in a sandbox of secfilt nobody is served: ${name} (${who})`, async (t) => {
    const service = await startService(t, ['--verbose']);
    await isHeld(t, service, [process.execPath, secfiltScript, '--quiet', ...options(service), '--']);
  });
}

void test(`in a sandbox of the service's own nobody is served (${who})`, async (t) => {
  const service = await startService(t, ['--read-only']);
  for (const policy of [
    ['--read-only'],
    ['--no-outbound-network'],
    [`--read-only`, `--allow-unix=${service.socket}`],
  ])
    await isHeld(t, service, [service.client(policy)]);
});

void test(`who is confined by others is not served: a filter, no_new_privs, a namespace, another root (${who})`, async (t) => {
  const service = await startService(t);
  const namespaces = ['unshare', '-r', '--mount'];
  const possible = (await run([...namespaces, 'true'])).code === 0;
  const ways = [
    ['setpriv', '--no-new-privs'],
    ...(possible ? [namespaces] : []),
    ...(isRoot
      ? [
          ['unshare', '--net'],
          ['unshare', '--ipc'],
          ['setpriv', '--reuid', '65534', '--clear-groups'],
        ]
      : []),
  ];
  for (const way of ways) {
    const { code, stdout, stderr } = await run([
      ...way,
      service.client(['--write-allow=/']),
      'echo',
      'served',
    ]);
    assert.deepEqual([code, stdout], [125, ''], `${way.join(' ')}: ${stderr}`);
  }
});
