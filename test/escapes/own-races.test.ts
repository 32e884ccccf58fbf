/** Somebody outside puts files of his own in the place of the sandbox's while it works with the same name. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { attackTest } from '../support/escape.ts';

/** He holds every one open, and looks at them when it is over: text, mode, and that no name is left that he did not give. */
const OUTSIDE = `import subprocess
p = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
p.stdout.readline()
held = []
end = time.time() + 1
while time.time() < end and len(held) < 400:
    held.append(os.open(ROOT + '/o/theirs', os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    os.write(held[-1], b'kept')
    os.rename(ROOT + '/o/theirs', ROOT + '/o/name')
    time.sleep(0.0007)
    try: os.unlink(ROOT + '/o/name')
    except FileNotFoundError: pass
    time.sleep(0.0007)
p.stdin.close()
p.wait()
try: os.unlink(ROOT + '/o/name')
except FileNotFoundError: pass
for fd in held:
    status = os.fstat(fd)
    if (os.pread(fd, 9, 0), oct(status.st_mode), status.st_nlink) != (b'kept', '0o100600', 0): open(ROOT + '/harmed', 'a').write(repr(status))`;

const SCRIPT = `import select
o = ROOT + '/o/'
def attempt(what, *words):
    try: return what(*words)
    except OSError: pass
def write(flags):
    fd = os.open(o + 'name', os.O_WRONLY | flags, 0o600)
    attempt(os.write, fd, b'gone')
    os.close(fd)
print('begun', flush=True)
while not select.select([0], [], [], 0)[0]:
    for name in ('l', 'm'): attempt(os.unlink, o + name)
    attempt(write, os.O_CREAT | os.O_TRUNC)
    attempt(write, 0)
    attempt(os.truncate, o + 'name', 0)
    attempt(os.chmod, o + 'name', 0o644)
    attempt(os.link, o + 'name', o + 'l')
    attempt(os.rename, o + 'name', o + 'm')`;

attackTest({
  id: 'S18',
  title: 'names that change hands while they are opened, changed, linked and moved',
  outside: OUTSIDE,
  script: SCRIPT,
  policy: ({ o }) => [`--write-own=${o}`],
  worked: ({ root }) => existsSync(join(root, 'harmed')),
});
