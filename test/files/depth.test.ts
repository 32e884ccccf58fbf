/**
 * Trees that are deeper than a path can tell (PATH_MAX), and working directories that were removed: calls there end as they do
 * without a sandbox.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const CALLS = String.raw`
import errno
def attempt(call, *words, **more):
    try: call(*words, **more); return 'done'
    except OSError as error: return errno.errorcode[error.errno]
def everything():
    d = os.open('.', os.O_RDONLY)
    W, C = os.O_WRONLY, os.O_WRONLY | os.O_CREAT
    yield attempt(os.mkdir, 'x'); yield attempt(os.mkdir, 'x'); yield attempt(os.open, 'f', C); yield attempt(os.open, 'f', C | os.O_EXCL)
    yield attempt(os.open, 'f', W | os.O_TRUNC); yield attempt(os.open, 'f/', W); yield attempt(os.open, 'none', W); yield attempt(os.chmod, 'f', 0o600)
    yield attempt(os.chmod, '.', 0o755); yield attempt(os.utime, 'f', (1, 1)); yield attempt(os.truncate, 'f', 3); yield attempt(os.rename, 'f', 'x/g')
    yield attempt(os.link, 'x/g', 'h'); yield attempt(os.symlink, 'h', 's'); yield attempt(os.open, 's', W); yield attempt(os.open, 's', W | os.O_NOFOLLOW)
    yield attempt(os.chmod, 's', 0o644); yield attempt(os.symlink, 'new', 's2'); yield attempt(os.open, 's2', C); yield attempt(os.mkfifo, 'p')
    yield attempt(os.rmdir, 'x'); yield attempt(os.unlink, 'x/g'); yield attempt(os.rmdir, 'x'); yield attempt(os.unlink, 'none'); yield attempt(os.rmdir, 'f/.')
    yield attempt(os.unlink, 'y' * 256); yield attempt(os.chmod, d, 0o700); yield attempt(os.open, '/proc/self/cwd/h', W); yield attempt(os.chmod, '/proc/self/cwd/h', 0o644)
    yield attempt(os.open, 'h', W, dir_fd=d); yield attempt(os.mkdir, 'y', dir_fd=d); yield attempt(os.rename, 'h', 'y/h', src_dir_fd=d); yield attempt(os.unlink, 'y/../y/h')
    yield sc(437, d, 's2', struct.pack('QQQ', W, 0, 8), 24) >= 0; yield sc(437, d, 'new', struct.pack('QQQ', W, 0, 8), 24) >= 0
    yield sorted(os.listdir('.'))
    # By a descriptor alone, however that is open, and by names of descriptors.
    place = os.open('.', os.O_RDONLY)
    for name, flags in (('f2', os.O_RDWR), ('f2', os.O_WRONLY), ('f2', os.O_RDONLY), ('f2', os.O_PATH), ('gone', os.O_RDONLY), ('s', os.O_RDONLY), ('unread', os.O_WRONLY)):
        if name != 's': os.close(os.open(name, os.O_CREAT | os.O_WRONLY, 0o600))
        if name == 's': attempt(os.unlink, 's'); attempt(os.symlink, 'f2', 's')
        fd = os.open(name, flags)
        if name == 'gone': os.unlink(name)
        yield name, attempt(os.fchmod, fd, 0o640), attempt(os.fchown, fd, -1, -1), attempt(os.utime, fd, (1, 1)), attempt(os.setxattr, fd, 'user.x', b'1'), attempt(os.removexattr, fd, 'user.x'), attempt(os.ftruncate, fd, 1)
        yield sc(452, fd, b'', 0o600, 0x1000), sc(260, fd, b'', -1, -1, 0x1000), sc(16, fd, 0x40086602, struct.pack('q', 0x80)), sc(469, fd, b'', bytes(24), 24, 0x1000), sc(463, fd, b'', 0x1000, b'user.y', struct.pack('QII', 0, 0, 0), 16)
        path = '/proc/self/fd/%d' % fd
        yield attempt(os.open, path, W), attempt(os.chmod, path, 0o600), attempt(os.truncate, path, 0), attempt(os.utime, path), oct(os.fstat(fd).st_mode)
        attempt(os.link, path, 'linked', follow_symlinks=True); yield attempt(os.unlink, 'linked')
    yield sorted(os.listdir(place))
`;

const DEEP = `${CALLS}
os.chdir(ROOT + '/a')
os.mkdir('t'); os.chdir('t')
name, depth = sys.argv[2], int(sys.argv[3])
for _ in range(depth): os.mkdir(name); os.chdir(name)
for number, row in enumerate(everything()): print(number, row)
sys.stdout.flush(); os.chdir(ROOT + '/a'); os.execvp('sh', ['sh', '-c', 'rm -rf t; ls'])
`;

const REMOVED = `${CALLS}
def removed(path):
    os.mkdir(path); os.chdir(path); held = os.open('.', os.O_PATH); os.rmdir(path)
    for call in (lambda: os.mkdir('x'), lambda: os.open('f', os.O_CREAT | os.O_WRONLY), lambda: os.open('f', os.O_WRONLY), lambda: os.unlink('f'), lambda: os.rmdir('x'),
        lambda: os.symlink('x', 'y'), lambda: os.rename(ROOT + '/a/f', 'f'), lambda: os.link(ROOT + '/a/f', 'f'), lambda: os.mkfifo('p'), lambda: os.mkdir('x', dir_fd=held)):
        yield attempt(call)
for path in sys.argv[2:]: print(list(removed(path)))
`;

const places = (root: string): string[] => [
  join(root, 'a/gone'),
  join(root, 'own'),
  join(root, 'own (deleted)'),
];

const SHAPES = [
  { name: 'long names', words: ['n'.repeat(200), '40'] },
  { name: 'short names', words: ['n'.repeat(8), '600'] },
] as const;

for (const engine of engines) {
  for (const backing of backings) {
    for (const { name, words } of SHAPES) {
      void test(`a tree too deep for a path, ${name}, ${engine.name} ${backing.name} (${who})`, async (t) => {
        const natively = makeGround(t);
        const ground = makeGround(t);
        const native = await run(python(DEEP, natively.root, ...words));
        assert.equal(native.code, 0, native.stderr);
        const options = [...engine.options, `--write-allow=${ground.a}`, '--'];
        const inside = await run(secfiltWords([...options, ...python(DEEP, ground.root, ...words)]), {
          env: backing.env,
        });
        assert.deepEqual(inside, native);
        assert.match(native.stdout, /\nf\n$/);
      });
    }

    void test(`a working directory that was removed, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const natively = makeGround(t);
      const ground = makeGround(t);
      const native = await run(python(REMOVED, natively.root, ...places(natively.root)));
      assert.equal(native.code, 0, native.stderr);
      const allowed = [ground.a, ...places(ground.root)].map((path) => `--write-allow=${path}`);
      const words = [
        ...engine.options,
        ...allowed,
        '--',
        ...python(REMOVED, ground.root, ...places(ground.root)),
      ];
      const inside = await run(secfiltWords(words), { env: backing.env });
      assert.deepEqual(inside, native);
    });

    void test(`what is removed is never advised, ${engine.name} ${backing.name} (${who})`, async (t) => {
      const root = temporaryDirectory(t);
      const [kept, gone] = [join(root, 'kept'), join(root, 'gone')];
      for (const directory of [kept, gone]) mkdirSync(directory);
      const script = `cd ${gone}; touch ${kept}/ready; until test -e ${kept}/go; do sleep 0.05; done; mkdir x; : > f; chmod 700 .; false`;
      const words = [...engine.options, `--write-allow=${kept}`, '--', 'sh', '-c', script];
      const outside = `
import subprocess
child = subprocess.Popen(sys.argv[2:]); base = ROOT
while not os.path.exists(base + '/kept/ready'): time.sleep(.05)
os.rmdir(base + '/gone'); open(base + '/kept/go', 'w').close(); sys.exit(child.wait())`;
      const { stderr } = await run(python(outside, root, ...secfiltWords(words)), { env: backing.env });
      assert.match(stderr, /mkdir: cannot create directory 'x': No such file or directory/);
      assert.doesNotMatch(stderr, /--write-allow=[^\n]*deleted/);
      rmSync(root, { recursive: true });
    });
  }
}
