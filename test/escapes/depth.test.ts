/** Places outside that are too deep for a path, where the kernel cannot say the name that the rules are asked about. */
import { attackTest } from '../support/escape.ts';

const CHANGES = String.raw`
import errno
def change():
    def attempt(call):
        try: call()
        except OSError: pass
    d = os.open('.', os.O_RDONLY)
    for call in (lambda: os.open('f', os.O_WRONLY | os.O_TRUNC), lambda: os.open('new', os.O_CREAT | os.O_WRONLY), lambda: os.mkdir('x'), lambda: os.chmod('.', 0o711),
        lambda: os.chmod(d, 0o711), lambda: os.utime('f', (1, 1)), lambda: os.truncate('f', 0), lambda: os.symlink('x', 's'), lambda: os.mkfifo('p'), lambda: os.link('f', 'l'),
        lambda: os.rename('f', 'g'), lambda: os.rename('f', ROOT + '/a/taken'), lambda: os.rename(ROOT + '/a/f', 'brought'), lambda: os.link('f', ROOT + '/a/linked'),
        lambda: os.mkdir('y', dir_fd=d), lambda: os.open('/proc/self/cwd/f', os.O_WRONLY | os.O_TRUNC), lambda: sc(437, d, 'f', struct.pack('QQQ', 0o1001, 0, 8), 24),
        *by_descriptor(os.O_RDONLY), *by_descriptor(os.O_PATH), lambda: os.unlink('f')): attempt(call)
def by_descriptor(flags):
    "What an open file is changed by, with no name that leads to it."
    try: fd = os.open('f', flags)
    except OSError: return []
    path = '/proc/self/fd/%d' % fd
    return [lambda: os.fchmod(fd, 0o604), lambda: os.fchown(fd, -1, os.getegid()), lambda: os.utime(fd, (1, 1)), lambda: os.setxattr(fd, 'user.x', b'1'), lambda: sc(452, fd, b'', 0o606, 0x1000), lambda: sc(16, fd, 0x40086602, struct.pack('q', 0x80)),
        lambda: os.chmod(path, 0o646), lambda: os.utime(path, (2, 2)), lambda: os.truncate(path, 1), lambda: os.open(path, os.O_WRONLY | os.O_TRUNC), lambda: os.link(path, ROOT + '/a/taken', follow_symlinks=True), lambda: sc(265, fd, b'', -100, ROOT + '/a/taken', 0x1000)]
`;

const TREE = String.raw`
import subprocess
NAME = 'n' * 200
def down(place, make):
    os.chdir(place)
    for _ in range(30):
        if make: os.mkdir(NAME)
        os.chdir(NAME)
def build(place):
    os.mkdir(place); down(place, True); open('f', 'w').write('kept')
def state(place):
    down(place, False); status = os.stat('.')
    said = [sorted(os.listdir('.')), open('f').read() if os.path.exists('f') else None, oct(status.st_mode), oct(os.stat('f').st_mode) if os.path.exists('f') else 0, os.stat('f').st_mtime if os.path.exists('f') else 0, os.stat('f').st_nlink if os.path.exists('f') else 0]
    os.chdir('/'); return said
`;

const JUDGED = String.raw`
before = state(PLACE)
CHILD = subprocess.Popen(WORDS)
MEANWHILE()
CHILD.wait()
print('kept' if state(PLACE) == before else 'touched')
subprocess.run(['rm', '-rf', PLACE])
`;

attackTest({
  id: 'F29',
  title: 'a deep tree outside, by its directory and through a link inside',
  script: `${TREE}${CHANGES}
down(ROOT + '/o/t', False); change()
os.symlink(ROOT + '/o/t', ROOT + '/a/link'); down(ROOT + '/a/link', False); change()`,
  outside: `${TREE}
PLACE = ROOT + '/o/t'; build(PLACE); MEANWHILE = lambda: None
${JUDGED}`,
  worked: (_ground, { stdout }) => stdout.includes('touched'),
});

attackTest({
  id: 'F29',
  title: 'a deep tree that somebody moves out of the allowed place',
  script: `${TREE}${CHANGES}
down(ROOT + '/a/t', False)
os.chmod('.', 0o700)
open(ROOT + '/a/ready', 'w').close()
while not os.path.exists(ROOT + '/a/go'): time.sleep(.02)
change()`,
  outside: `${TREE}
PLACE = ROOT + '/a/t'; build(PLACE); down(PLACE, False); os.chmod('.', 0o700); os.chdir('/')
def MEANWHILE():
    global PLACE
    while not os.path.exists(ROOT + '/a/ready'): time.sleep(.02)
    PLACE = ROOT + '/o/t'; os.rename(ROOT + '/a/t', PLACE); open(ROOT + '/a/go', 'w').close()
${JUDGED}`,
  worked: (_ground, { stdout }) => stdout.includes('touched'),
});

attackTest({
  id: 'F29',
  title: 'a deep file outside by its descriptor, which has another name inside',
  script: `${TREE}${CHANGES}
down(ROOT + '/o/t', False)
for call in by_descriptor(os.O_RDONLY) + by_descriptor(os.O_PATH):
    try: call()
    except OSError: pass`,
  outside: `${TREE}
PLACE = ROOT + '/o/t'; build(PLACE); build(ROOT + '/a/t'); held = os.open('.', os.O_RDONLY); os.unlink('f')
down(PLACE, False); os.link('f', 'f', dst_dir_fd=held); os.chdir('/'); MEANWHILE = lambda: None
${JUDGED}
subprocess.run(['rm', '-rf', ROOT + '/a/t'])`,
  worked: (_ground, { stdout }) => stdout.includes('touched'),
});
