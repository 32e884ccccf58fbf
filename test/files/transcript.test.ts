/**
 * The README's first transcript, in a pseudo-terminal.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { secfiltWords } from '../support/run.ts';
import { Terminal } from '../support/terminal.ts';
import { temporaryDirectory } from '../support/temporary.ts';

forEachBacking(`secfilt --read-only=1 --write-allow=/dev/null bash (${who})`, async (t, backing) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'kept'), 'kept\n');
  const terminal = new Terminal(
    secfiltWords(['--read-only=1', '--write-allow=/dev/null', 'bash', '--norc', '--noprofile']),
    { cwd: directory, env: backing.env },
  );
  t.after(() => terminal.close());

  await terminal.expect(/\$ $/);
  terminal.type('echo a > b\n');
  await terminal.expect('bash: b: Operation not permitted\n');
  terminal.type('rm kept\n');
  // Who is not root is first asked by rm whether the file may be written (access(2)): as on a read-only mount it may not.
  await terminal.expect(/rm: cannot remove 'kept': (?:Operation not permitted|Read-only file system)\n/);
  terminal.type('mkdir d\n');
  await terminal.expect("mkdir: cannot create directory 'd': Operation not permitted\n");
  terminal.type('mkdir -p . && cat kept > /dev/null && echo fine\n');
  await terminal.expect('\nfine\n');
  terminal.type('echo to the terminal > /dev/tty; echo and by name > $(tty)\n');
  await terminal.expect('\nto the terminal\n');
  await terminal.expect('and by name\n');
  terminal.type('echo err > /dev/stderr; cat <<< here; echo $((6 * 7))\n');
  await terminal.expect(/\nerr\n[^]*42\n/);
  terminal.type('exit 3\n');
  const { code, signal } = await terminal.ended;
  assert.deepEqual({ code, signal }, { code: 3, signal: null });
  assert.equal(existsSync(join(directory, 'b')), false);
  assert.deepEqual(readdirSync(directory), ['kept']);
});
