/** What others made in a directory that the sandbox shares with them stays as it is, and what it makes there is its own. */
import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { attackTest, insideTest, saidBy, type Ground } from '../support/escape.ts';

const policy = ({ o }: Ground): readonly string[] => [`--write-own=${o}`];

/** Each way is tried; none of them may harm `o/f`, which somebody else made. */
const WAYS = {
  'opens it': `os.open(o + '/f', os.O_RDWR | os.O_TRUNC)`,
  'opens it with O_CREAT': `os.open(o + '/f', os.O_RDWR | os.O_TRUNC | os.O_CREAT, 0o600)`,
  'removes it': `os.unlink(o + '/f')`,
  'moves it': `os.rename(o + '/f', o + '/g')`,
  'replaces it by a file of its own': `open(o + '/own', 'w').close(); os.rename(o + '/own', o + '/f')`,
  'truncates it by a link of its own': `os.symlink(o + '/f', o + '/l'); os.truncate(o + '/l', 0)`,
  'truncates it by a second name in a directory of its own': `os.mkdir(o + '/d'); os.link(o + '/f', o + '/d/f'); os.truncate(o + '/d/f', 0)`,
  'moves it through a descriptor of the directory': `d = os.open(o, os.O_PATH); os.rename('f', 'g', src_dir_fd=d, dst_dir_fd=d)`,
};

for (const [way, script] of Object.entries(WAYS)) {
  attackTest({
    id: 'S18',
    title: `a file of somebody else: ${way}`,
    script: `o = ROOT + '/o'\n${script}`,
    policy,
  });
}

attackTest({
  id: 'S18',
  title: 'two names change places, of which one is of somebody else',
  script: `o = ROOT + '/o'
open(o + '/own', 'w').close()
import ctypes
ctypes.CDLL(None).renameat2(-100, (o + '/own').encode(), -100, (o + '/f').encode(), 2)`,
  policy,
});

attackTest({
  id: 'S18',
  title:
    'what somebody puts into a directory of the sandbox: changed there, or in an allowed tree that it is moved to',
  outside: `import subprocess, time
p = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
p.stdout.readline()
os.makedirs(ROOT + '/o/own/theirs')
open(ROOT + '/o/own/theirs/f', 'w').write('kept')
os.symlink(ROOT + '/o/f', ROOT + '/o/own/link')
p.stdin.close()
p.wait()`,
  script: `o = ROOT + '/o'
os.mkdir(o + '/own')
print('made', flush=True)
sys.stdin.read()
def attempt(what, *words):
  try: what(*words)
  except OSError: pass
attempt(os.rename, o + '/own/theirs', o + '/own/mine')
for name in ('/own/theirs/f', '/own/mine/f', '/own/link'):
  attempt(os.truncate, o + name, 0)
attempt(os.rename, o + '/own', ROOT + '/a/own')
attempt(os.truncate, ROOT + '/a/own/theirs/f', 0)`,
  policy: ({ a, o }) => [`--write-allow=${a}`, `--write-own=${o}`],
  worked: ({ o, a }) =>
    readFileSync(join(o, 'f'), 'latin1') !== 'kept' ||
    !existsSync(join(o, 'own/theirs/f')) ||
    existsSync(join(a, 'own')),
});

attackTest({
  id: 'S18',
  title: 'an inode number that was the sandbox’s own and is now of a file of somebody else',
  outside: `import subprocess
p = subprocess.Popen(WORDS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
wanted = {int(n) for n in p.stdout.readline().split()}
# Somebody else makes files until one has a number that was free again.
for n in range(3000):
  name = ROOT + '/o/theirs'
  open(name, 'w').write('kept')
  if os.stat(name).st_ino in wanted: break
  os.rename(name, ROOT + '/o/other%d' % n)
p.stdin.close()
p.wait()`,
  script: `o = ROOT + '/o'
numbers = []
for n in range(200):
  open(o + '/own%d' % n, 'w').close()
  numbers.append(os.stat(o + '/own%d' % n).st_ino)
for n in range(200): os.unlink(o + '/own%d' % n)
print(*numbers, flush=True)
sys.stdin.read()
os.truncate(o + '/theirs', 0)`,
  policy,
  lacking: () => 'no inode number was used again',
  worked: ({ o }) => existsSync(join(o, 'theirs')) && lstatSync(join(o, 'theirs')).size === 0,
});

insideTest(
  'what the sandbox makes in a shared directory is its own, whatever it is called',
  `o = ROOT + '/o'
import socket
os.makedirs(o + '/d/e')
open(o + '/d/e/x', 'w').write('1')
os.link(o + '/d/e/x', o + '/x2')
os.chmod(o + '/x2', 0o600)
os.rename(o + '/d', o + '/dd')
open(o + '/dd/e/x', 'a').write('2')
os.symlink('x2', o + '/l')
open(o + '/l', 'a').write('3')
os.mkfifo(o + '/p')
s = socket.socket(socket.AF_UNIX); s.bind(o + '/s')
n = os.open(o, os.O_TMPFILE | os.O_RDWR, 0o600)
sc(265, -100, '/proc/self/fd/%d' % n, -100, o + '/n', 0x400)
os.ftruncate(n, 5)
said = open(o + '/x2').read()
for name in ('l', 'p', 's', 'n', 'x2', 'dd/e/x'): os.unlink(o + '/' + name)
os.rmdir(o + '/dd/e'); os.rmdir(o + '/dd')
say(said=int(said), left=len(os.listdir(o)))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { said: 123, left: 1 }),
  { policy },
);
