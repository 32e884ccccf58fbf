/** Sockets are made where their path led when it was judged, whatever links and directories mean a moment later. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { attackTest, type Ground, insideTest, saidBy } from '../support/escape.ts';

/** `a/link` means now the parent of an allowed path that is not there, now a directory below it. */
const SWITCHED = String.raw`
os.chdir(ROOT + '/a'); stop = False
def switch():
    while not stop:
        for target in (ROOT + '/o', ROOT + '/o/sub/deep'):
            try: os.symlink(target, '.l'); os.rename('.l', 'link')
            except OSError: pass
            time.sleep(0.0015)
threading.Thread(target=switch, daemon=True).start()
made = 0; end = time.time() + 1.5
while time.time() < end and not os.path.lexists(ROOT + '/o/sub/deep/sock'):
    s = socket.socket(socket.AF_UNIX)
    try: s.bind(PATH); made += 1
    except OSError: pass
    s.close()
    try: os.unlink(ROOT + '/o/sock')
    except OSError: pass
stop = True; print(made)
`;

function prepare({ a, o }: Ground): void {
  mkdirSync(join(o, 'sub/deep'), { recursive: true });
  symlinkSync(o, join(a, 'link'));
}

for (const path of ["'link/sock'", "ROOT + '/a/link/sock'", "'link/./sock'"]) {
  attackTest({
    id: 'S11',
    title: `a socket below the parent of an allowed path that is not there, ${path}`,
    script: `PATH = ${path}\n${SWITCHED}`,
    prepare,
    policy: ({ a, o }) => [`--write-allow=${a},${o}/sock`],
    worked: ({ o }) => existsSync(join(o, 'sub/deep/sock')),
    inside: (_, { stdout }) => assert.ok(Number(stdout) > 0, `some are made: ${stdout}`),
  });
}

insideTest(
  'S11 sockets where an allowed path does not exist, and below one, are made and reached',
  String.raw`
os.chdir(ROOT + '/a'); os.mkdir('d'); os.symlink(ROOT + '/o', 'link'); out = {}
def bound(path, file):
    s = socket.socket(socket.AF_UNIX); s.bind(path); s.listen()
    c = socket.socket(socket.AF_UNIX); c.connect(file); name = s.getsockname()
    os.unlink(file); return name
expected = {ROOT + '/o/sock': ROOT + '/o/sock', 'link/sock': ROOT + '/o/sock', '../o/sock': ROOT + '/o/sock',
    'd/sock': 'd/sock', ROOT + '/a/d/sock': ROOT + '/a/d/sock', 'd/../sock': 'd/../sock'}
for path, name in expected.items():
    file = os.path.join(ROOT + '/a', path)
    out[path] = int(bound(path, file) in (name, path))
os.chdir(ROOT + '/o'); out['bare'] = int(bound('sock', 'sock') == 'sock')
print(json.dumps(out))
`,
  (outcome) => assert.deepEqual(new Set(Object.values(saidBy(outcome))), new Set([1])),
  { policy: ({ a, o }) => [`--write-allow=${a},${o}/sock`] },
);
