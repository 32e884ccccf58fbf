/**
 * The service of a program's sandboxes (the library): from inside of one nobody has another one's policy by its client, which
 * can be read and executed there, nor by speaking with the service himself.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { testEngine, who } from '../support/environment.ts';
import { library } from '../support/library.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const { Sandbox } = library;

/** Asks for the sandbox whose token is in a client, as a program that is no client. */
const SPEAK = `
import socket, sys
path, client, file = sys.argv[1:]
request = open(client, 'rb').read()
start = request.index(b'{"version"')
request = request[start:request.index(b'}', start) + 1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(5)
s.connect(path)
s.send(request)
print(len(s.recv(1 << 20)))
`;

void test(`the client of another sandbox is of no use inside (${who})`, async (t) => {
  if (testEngine === 'trace') return t.skip('a service has one engine');
  const root = temporaryDirectory(t);
  const place = join(root, 't');
  mkdirSync(place);
  // The service is started by the first sandbox, and makes its directory there.
  process.env['TMPDIR'] = place;
  const inside = [
    await Sandbox.start({ readOnly: true }),
    await Sandbox.start({ network: 'none' }),
    await Sandbox.start({}),
  ] as const;
  t.after(async () => Promise.all(inside.map(async (sandbox) => sandbox.close())));
  const [folder = ''] = readdirSync(place);
  if (folder === '') return t.skip('here no service can be made');
  const clients = readdirSync(join(place, folder)).filter((name) => /^\d+$/.test(name));
  assert.equal(clients.length, 3);
  const open = join(place, folder, '3');
  const file = join(root, 'new');

  // From outside it does what it is there for.
  assert.equal((await run([open, 'touch', file])).code, 0);
  assert.ok(existsSync(file));

  for (const [index, sandbox] of inside.entries()) {
    const made = join(root, `made by ${index}`);
    const direct = await sandbox.run(open, ['touch', made]);
    assert.notEqual(direct.exitCode, 0, direct.stderr);
    assert.equal(existsSync(made), false);
    const words = ['-c', SPEAK, join(place, folder, 'socket'), open, made];
    const { exitCode, stdout } = await sandbox.run('python3', words);
    // Hung up on, if it came to be connected at all.
    assert.ok(exitCode !== 0 || stdout === '0\n', stdout);
  }
  // Neither is it for other users: the directory is closed to them.
  assert.equal((await run(['stat', '-c', '%a', join(place, folder)])).stdout, '700\n');
  assert.ok(readFileSync(open).includes('"sandbox"'), 'the token is there to be found');
});
