/** What is left in places that everybody uses, and what waits there, does no harm to others. */
import assert from 'node:assert/strict';
import { chmodSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const ELEVATED = String.raw`
said = []
def attempt(action):
    try: action(); said.append(0)
    except OSError as error: said.append(error.errno)
p = lambda name: f'{ROOT}/o/{name}'
attempt(lambda: os.close(os.open(p('made'), os.O_CREAT | os.O_WRONLY, 0o6755)))
attempt(lambda: os.mknod(p('node'), 0o6755))
open(p('f2'), 'w').close(); attempt(lambda: os.chmod(p('f2'), 0o4755))
fd = os.open(p('f3'), os.O_CREAT | os.O_RDONLY, 0o600); attempt(lambda: os.fchmod(fd, 0o2755))
fd = os.open(p(''), os.O_TMPFILE | os.O_RDWR, 0o6755); attempt(lambda: os.fchmod(fd, 0o4755)); sc(265, -100, f'/proc/self/fd/{fd}', -100, p('f4'), 0x400)
os.mkdir(p('d')); attempt(lambda: os.chmod(p('d'), 0o2755)); attempt(lambda: os.chmod(p('f2'), 0o755))
print(said)`;

/** Four are killed while they wait for a reader, which none of them gets; then somebody waits who gets one. */
const LEFT = String.raw`
for index in range(6):
    path = f'{ROOT}/o/left{index}'; os.mkfifo(path); pid = os.fork()
    if pid == 0: os.open(path, os.O_WRONLY)
    time.sleep(.1); os.kill(pid, 9); os.waitpid(pid, 0)
path = f'{ROOT}/o/last'; os.mkfifo(path)
if os.fork() == 0: os.write(os.open(path, os.O_WRONLY), b'hello'); os._exit(0)
print(os.read(os.open(path, os.O_RDONLY), 10).decode())`;

/**
 * Many are killed at once while they wait for FIFOs that nobody may read; then somebody else waits
 * who gets one.
 */
const LEFT_CLOSED = String.raw`
theirs, ours = (1, 65534) if os.geteuid() == 0 else (None, None)
def become(user):
    if user: os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)
pids = []
for index in range(12):
    path = f'{ROOT}/o/closed{index}'; os.mkfifo(path, 0o200)
    if theirs: os.chown(path, theirs, theirs)
    pids.append(os.fork())
    if pids[-1] == 0: become(theirs); os.open(path, os.O_WRONLY)
time.sleep(.5)
for pid in pids: os.kill(pid, 9)
for pid in pids: os.waitpid(pid, 0)
path = f'{ROOT}/o/end'; os.mkfifo(path); os.chmod(path, 0o666); become(ours)
if os.fork() == 0: os.write(os.open(path, os.O_WRONLY), b'hello'); os._exit(0)
print(os.read(os.open(path, os.O_RDONLY), 10).decode())`;

/** The first who waits for a FIFO is another user; then root waits for one that only root may open. */
const POOL = String.raw`
os.mkfifo(f'{ROOT}/a/theirs', 0o666); os.chmod(f'{ROOT}/a/theirs', 0o666); os.mkfifo(f'{ROOT}/a/ours', 0o600)
def write(name, user):
    pid = os.fork()
    if pid == 0:
        if user: os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)
        os.write(os.open(f'{ROOT}/a/{name}', os.O_WRONLY), b'x'); os._exit(0)
    time.sleep(.2); data = os.read(os.open(f'{ROOT}/a/{name}', os.O_RDONLY), 1); return data, os.waitpid(pid, 0)[1]
print(write('theirs', 65534), write('ours', 0))`;

for (const { name, options } of engines) {
  for (const backing of backings) {
    const inside = async (root: string, script: string, policy: string) =>
      run(secfiltWords([...options, '--quiet', policy, '--', ...python(script, root)]), { env: backing.env });

    void test(`S18 no program with its owner's rights is left where others come, ${name} ${backing.name} (${who})`, async (t) => {
      const { root, o } = makeGround(t);
      const { stdout, stderr } = await inside(root, ELEVATED, `--write-own=${o}`);
      assert.equal(stdout, '[0, 0, 1, 1, 1, 0, 0]\n', stderr);
      for (const file of ['made', 'node', 'f2', 'f3', 'f4'])
        assert.equal(lstatSync(join(o, file)).mode & 0o6000, 0, file);
    });

    void test(`S18 those who were killed while they waited hold up nobody, ${name} ${backing.name} (${who})`, async (t) => {
      const { root, o } = makeGround(t);
      for (const folder of [root, o]) chmodSync(folder, 0o755);
      const { stdout, stderr } = await inside(root, LEFT, `--write-own=${o}`);
      assert.equal(stdout, 'hello\n', stderr);
      const closed = await inside(root, LEFT_CLOSED, `--write-own=${o}`);
      assert.equal(closed.stdout, 'hello\n', closed.stderr);
    });

    void test(
      `S18 who waits for a FIFO waits with his own rights, whoever waited before, ${name} ${backing.name} (${who})`,
      { skip: who === 'root' ? false : 'only root serves other users' },
      async (t) => {
        const { root, a } = makeGround(t);
        for (const folder of [root, a]) chmodSync(folder, 0o755);
        const { stdout, stderr } = await inside(root, POOL, `--write-allow=${a}`);
        assert.equal(stdout, "(b'x', 0) (b'x', 0)\n", stderr);
      },
    );
  }
}
