/**
 * A Unix socket bears the very name that it was bound to: others read it with getsockname(2) and connect to it.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const BIND = `import os, socket, sys
for name in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX); s.bind(name); s.listen(1); print(s.getsockname())
    c = socket.socket(socket.AF_UNIX); c.connect(s.getsockname()); print(c.getpeername()); c.send(b'x')
    print(s.accept()[0].recv(1)); print(any(line.endswith(os.fsencode(' ' + name + chr(10))) for line in open('/proc/net/unix', 'rb')))
    os.unlink(name)`;

forEachBacking(`a bound socket keeps its name (${who})`, async (t, backing) => {
  const directory = temporaryDirectory(t);
  const words = ['python3', '-c', BIND, join(directory, 's'), 'relative', './dotted'];
  const options = { cwd: directory, env: backing.env };
  const native = await run(words, options);
  const inside = await run(secfiltWords([`--write-allow=${directory}`, '--', ...words]), options);
  assert.deepEqual(inside, native);
});
