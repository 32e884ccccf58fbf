/** What a command has made in a directory that it shares is its own to read, too, and nothing else there is. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Each line of what is printed begins with whose it is. */
const SCRIPT = String.raw`
echo own file > shared/a; cat shared/a
exec 3<> shared/b; echo own descriptor >&3; cat shared/b
mv shared/a tree/a; cat tree/a && mv tree/a shared/a; ln shared/a tree/b
mkdir shared/d; echo own below > shared/d/c; cat shared/d/*; ls shared/d
mv shared/a shared/d/a; ln shared/d/a shared/e; cat shared/e
cp /bin/echo shared/echo; shared/echo own program
cat shared/theirs; cat < shared/theirs; cat <> shared/theirs; head -n 1 < shared/dir/theirs
ln shared/theirs shared/x; cat shared/x; mv shared/theirs shared/y; cat shared/y
ln -s ../secret shared/z; cat shared/z; cat shared/link; cat secret; mv secret shared/s; cat shared/s
mv tree/secret shared/t; cat shared/t; ln tree/secret shared/u; cat shared/u; ln tree/secret shared/d/u; cat shared/d/u
python3 -c 'import ctypes; print(ctypes.CDLL(None).renameat2(-100, b"tree/secret", -100, b"shared/b", 2))' > /dev/null; cat shared/b
cp shared/theirs shared/copy; cat shared/copy; mv shared/dir shared/own; cat shared/own/theirs
:
`;

const OWN = [
  'own file',
  'own descriptor',
  'own file',
  'own below',
  'c',
  'own file',
  'own program',
  'own descriptor',
];

forEachBacking(`reading what one has made (${who})`, async (t, { env }) => {
  const base = temporaryDirectory(t);
  for (const name of ['shared/dir', 'tree']) mkdirSync(join(base, name), { recursive: true });
  for (const name of ['secret', 'tree/secret', 'shared/theirs', 'shared/dir/theirs'])
    writeFileSync(join(base, name), `theirs ${name}\n`);
  symlinkSync('../secret', join(base, 'shared/link'));
  const options = { cwd: base, env };
  const rules = [
    '--read-deny=/,tree/secret',
    '--read-allow=@system,tree',
    '--write-own=shared',
    '--write-allow=tree',
  ];
  const { stdout, stderr } = await secfilt(['--quiet', ...rules, 'sh', '-c', SCRIPT], options);
  assert.deepEqual(stdout.trimEnd().split('\n'), OWN, stderr);
  // Nothing of it is refused without a sandbox.
  const natively = await run(['sh', '-c', `rm -rf shared/[a-e] shared/echo; ${SCRIPT}`], options);
  assert.ok(natively.stdout.split('\n').filter((line) => line.startsWith('theirs')).length > 8);
});
