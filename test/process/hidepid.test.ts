/**
 * /proc that shows nobody but one's own processes (proc(5), hidepid=2): what the supervisor reads there it can still
 * read, as root too, which keeps no CAP_SYS_PTRACE.
 */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { isRoot, secfiltScript, who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Mounts the other /proc for what follows and nobody else; the group is one that sees all, by default that of root. */
const HIDDEN = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'mount -t proc -o hidepid=2,gid=54321 proc /proc && exec "$@"',
  'sh',
];
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

/** Files, signals, scheduling, a socket: of every kind of referral one. */
const SCRIPT = String.raw`
cd "$1"; test -e /proc/1 || echo hidden
echo x > a/f && chmod 600 a/f && mkdir a/d && mv a/d a/e && echo changed
echo x > o/f || echo refused
sleep 60 & kill %1; wait %1; echo ended $?
kill -0 "$PPID" || echo out of reach
renice -n 5 -p $$ >/dev/null && echo nice
python3 -c 'import socket; a, b = socket.socketpair(); a.sendmsg([b"sent"]); print(b.recv(9).decode())'
`;

for (const [user, prefix] of [
  ['root', []],
  ['another user', NOBODY],
] as const) {
  forEachBacking(`under hidepid=2, as ${user} (${who})`, async (t, { env }) => {
    if (!isRoot) return t.skip('only root can mount');
    const probe = await run([...HIDDEN, 'true']);
    if (probe.code !== 0) return t.skip(`no /proc can be mounted: ${probe.stderr.trim()}`);
    const readable = await run([...prefix, 'test', '-r', secfiltScript]);
    if (readable.code !== 0) return t.skip(`${user} cannot read ${secfiltScript}`);
    const root = temporaryDirectory(t);
    for (const folder of ['a', 'o']) mkdirSync(join(root, folder));
    for (const folder of ['.', 'a', 'o']) chmodSync(join(root, folder), 0o777);
    const words = secfiltWords([`--write-allow=${root}/a`, '--', 'bash', '-c', SCRIPT, 'bash', root]);
    const { stdout, code, stderr } = await run([...HIDDEN, ...prefix, ...words], { env, cwd: '/' });
    const expected = ['hidden', 'changed', 'refused', 'ended 143', 'out of reach', 'nice', 'sent'];
    assert.deepEqual([stdout.trim().split('\n'), code], [expected, 0], stderr);
    assert.ok(existsSync(join(root, 'a/e')));
    assert.deepEqual(readdirSync(join(root, 'o')), []);
  });
}
