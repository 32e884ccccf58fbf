/**
 * A program that confines itself further with Landlock stays confined: openat2(2), which the supervisor performs, does not
 * pass the inner domain by.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { landlockVersion } from '../support/native.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Says what openat2(2) and open(2) of a file give for reading, before and after a domain without the right to read. */
const CONFINE = `import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(*words):
    result = libc.syscall(*words)
    return result if result >= 0 else -ctypes.get_errno()
def openat2(path):
    result = call(437, -100, path.encode(), struct.pack('QQQ', 0, 0, 0), 24)
    return 'opened' if result >= 0 else -result
def plain(path):
    try: return 'opened' if os.open(path, os.O_RDONLY) >= 0 else ''
    except OSError as error: return error.errno
path = sys.argv[1]
print(openat2(path), plain(path))
ruleset = call(444, struct.pack('QQ', 4, 0), 8, 0)
libc.prctl(38, 1, 0, 0, 0)
print(call(446, ruleset, 0))
print(openat2(path), plain(path))`;

const EACCES = 13;
const ENOSYS = 38;

forEachBacking(`what a program forbids itself stays forbidden (${who})`, async (t, { env }) => {
  if (landlockVersion() < 1) return t.skip('this kernel has no Landlock');
  const root = temporaryDirectory(t);
  const path = join(root, 'f');
  writeFileSync(path, 'x');
  const words = ['python3', '-c', CONFINE, path];
  const native = await run(words);
  assert.equal(native.stdout, `opened opened\n0\n${EACCES} ${EACCES}\n`, JSON.stringify(native));
  const inside = await run(secfiltWords([`--write-allow=${root}`, '--', ...words]), { env });
  assert.equal(inside.stdout, `opened opened\n0\n${ENOSYS} ${EACCES}\n`, JSON.stringify(inside));
});
