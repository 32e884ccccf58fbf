/** What the supervisor keeps from being read: by names that are gone, by directories that were closed, by races, by domains inside. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { attackTest, type Ground } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';

/** What an attack has read it puts where everybody sees it. */
const TELL = `
def tell(text):
    with open(ROOT + '/a/got', 'ab') as file: file.write(text)
def read(path):
    try: return open(path, 'rb').read()
    except OSError as error: return b'errno %d' % error.errno
`;

function hasRead({ a }: Ground): boolean {
  return existsSync(join(a, 'got')) && readFileSync(join(a, 'got'), 'latin1').includes('SECRET');
}

function putSecret({ a }: Ground): void {
  writeFileSync(join(a, 'f.key'), 'SECRET');
  writeFileSync(join(a, 'free'), 'kept');
}

const byPattern = ({ root }: Ground): readonly string[] => [`--read-deny=${root}/**/*.key`];
const byPath = ({ a }: Ground): readonly string[] => [`--read-deny=${a}/f.key,${a}/g.key`];

const SECOND_NAMES = `${TELL}
os.chdir(ROOT + '/a')
os.link('f.key', 'g.key')
place = os.open('f.key', os.O_PATH)
os.unlink('f.key')
sc(265, -100, b'/proc/self/fd/%d' % place, -100, b'free2', 0x400)
tell(read('free2'))
sc(265, place, b'', -100, b'free3', 0x1000)
tell(read('free3') + read('/proc/self/fd/%d' % place))
os.rename('free', 'h.key')
replaced = os.open('g.key', os.O_PATH)
os.link('g.key', 'i.key')
os.rename('h.key', 'g.key')
sc(265, -100, b'/proc/self/fd/%d' % replaced, -100, b'free4', 0x400)
tell(read('free4'))
`;

for (const [how, policy] of [
  ['pattern', byPattern],
  ['path', byPath],
] as const) {
  attackTest({
    id: 'R2',
    title: `a file whose denied name is gone (a ${how}) gets one by which it is read`,
    script: SECOND_NAMES,
    prepare: putSecret,
    policy,
    worked: hasRead,
  });
}

attackTest({
  id: 'R3',
  title: 'what lies in a directory that its owner has closed is read once he opens that',
  script: `${TELL}
os.chmod(ROOT + '/o/closed', 0o700)
tell(read(ROOT + '/o/closed/secret'))`,
  prepare: ({ o }) => {
    mkdirSync(join(o, 'closed'));
    writeFileSync(join(o, 'closed/secret'), 'SECRET');
    chmodSync(join(o, 'closed'), 0);
  },
  policy: ({ o }) => [`--read-deny=${o}/closed/secret`],
  worked: hasRead,
});

/** For a thread with a filter of its own little is performed. A pipe that it holds it opens again, and changes the path meanwhile. */
const SWAPPED_PIPE = `${TELL}
sc(157, 38, 1, 0, 0, 0)
code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
assert sc(317, 1, 0, struct.pack('HxxxxxxQ', 1, ctypes.addressof(code))) == 0
reading, writing = os.pipe()
paths = [(b'/proc/self/fd/%d' % writing).ljust(512, b'\\0'), (ROOT + '/a/f.key').encode().ljust(512, b'\\0')]
path = ctypes.create_string_buffer(paths[0], 512)
ended = False
def swap():
    while not ended:
        for each in paths: ctypes.memmove(path, each, 512)
sys.setswitchinterval(1e-6)
swapping = threading.Thread(target=swap)
swapping.start()
end = time.time() + 1.5
while time.time() < end:
    opened = libc.syscall(257, -100, path, os.O_RDWR | os.O_NONBLOCK, 0)
    if opened < 0: continue
    if 'f.key' in os.readlink('/proc/self/fd/%d' % opened):
        KEPT.append(os.read(opened, 100))
        break
    os.close(opened)
ended = True
swapping.join()
os.write(1, KEPT[-1] if isinstance(KEPT[-1], bytes) else b'nothing')
`;

attackTest({
  id: 'R4',
  title: 'a pipe that is opened again becomes a denied file meanwhile',
  script: SWAPPED_PIPE,
  prepare: putSecret,
  policy: byPattern,
  worked: (_ground, { stdout }) => stdout.includes('SECRET'),
});

/** A program takes the right to read away from itself. */
const OWN_DOMAIN = `${TELL}
got = open(ROOT + '/a/got', 'ab')
ruleset = sc(444, struct.pack('QQ', 6, 0), 8, 0)
sc(157, 38, 1, 0, 0, 0)
confined = ruleset >= 0 and sc(446, ruleset, 0) == 0
for flags in (os.O_RDONLY, os.O_WRONLY):
    opened = sc(257, -100, (ROOT + '/o/f').encode(), flags, 0)
    if confined and opened >= 0: got.write(b'SECRET')
got.write(b'%d %d' % (confined, ruleset))
`;

for (const option of ['--read-deny', '--write-deny']) {
  attackTest({
    id: 'R5',
    title: `what a program forbids itself by Landlock is performed for it (${option})`,
    script: OWN_DOMAIN,
    natively: 'natively nobody performs anything',
    policy: ({ root }) => [`${option}=${root}/**/*.key`],
    worked: hasRead,
    inside: ({ a }) => {
      if (landlockVersion() > 0) assert.equal(readFileSync(join(a, 'got'), 'latin1'), '0 -38');
    },
  });
}
