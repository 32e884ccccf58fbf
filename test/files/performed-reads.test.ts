/**
 * Where the supervisor judges reading it opens what is read itself: what a program gets is what it gets natively.
 */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Prints the flags, the kind and the error of opens for reading; O_NOFOLLOW, which nothing reads there, is not kept. */
const LOOK = `
import errno, fcntl, os, stat
flags = {'plain': 0, 'nonblock': os.O_NONBLOCK, 'directory': os.O_DIRECTORY, 'nofollow': os.O_NOFOLLOW,
         'all': os.O_NONBLOCK | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_NOCTTY}
def look(name):
    for word, flag in flags.items():
        try:
            fd = os.open(name, os.O_RDONLY | flag)
        except OSError as error:
            print(name, word, errno.errorcode[error.errno])
            continue
        status = os.fstat(fd)
        print(name, word, oct(fcntl.fcntl(fd, fcntl.F_GETFL) & ~os.O_NOFOLLOW), fcntl.fcntl(fd, fcntl.F_GETFD), stat.S_IFMT(status.st_mode), status.st_size)
        os.close(fd)
for name in ('file', 'folder', 'folder/../file', 'link', 'loop', 'folder/', 'file/', 'none', '', '/dev/null', '/etc/passwd'):
    look(name)
folder = os.open('folder', os.O_RDONLY)
print(os.listdir(folder), os.read(os.open('inner', os.O_RDONLY, dir_fd=folder), 9))
print(open('/proc/self/stat').read().split()[0] == str(os.getpid()), os.readlink('/proc/self') == str(os.getpid()))
print(open('/proc/thread-self/comm').read(), os.path.samefile('/proc/self/exe', os.sys.executable))
os.mkfifo('fifo')
fd = os.open('fifo', os.O_RDONLY | os.O_NONBLOCK)
print('fifo', oct(fcntl.fcntl(fd, fcntl.F_GETFL)))
for name in ('file', 'other'):
    fd = os.open(name, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)
    again = os.open(name, os.O_RDONLY)
    fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
os.remove('fifo')
`;

function prepare(t: TestContext): string {
  const folder = temporaryDirectory(t);
  mkdirSync(join(folder, 'folder'));
  for (const name of ['file', 'other', 'folder/inner', 'folder/secret.key'])
    writeFileSync(join(folder, name), name);
  symlinkSync('folder/inner', join(folder, 'link'));
  symlinkSync('loop', join(folder, 'loop'));
  return folder;
}

forEachBacking(`what is opened for reading is the same, ${who}`, async (t, { env }) => {
  const folder = prepare(t);
  const command = ['python3', '-c', LOOK];
  const natively = await run(command, { cwd: folder });
  assert.equal(natively.code, 0, natively.stderr);
  const inside = await secfilt([...policyFor(folder), ...command], { cwd: folder, env });
  assert.deepEqual([inside.code, inside.stderr, inside.stdout], [0, '', natively.stdout]);
});

forEachBacking(`what a pattern denies is opened by no name, ${who}`, async (t, { env }) => {
  const folder = prepare(t);
  symlinkSync('folder/secret.key', join(folder, 'alias'));
  const script = `for name in folder/secret.key folder/../folder/secret.key alias; do cat "$name"; done
    cd folder && cat secret.key; exec 3<.; cat /proc/self/fd/3/secret.key; cat /proc/self/cwd/secret.key; echo end`;
  const { stdout } = await secfilt([...policyFor(folder), 'sh', '-c', script], { cwd: folder, env });
  assert.equal(stdout, 'end\n');
});

function policyFor(folder: string): string[] {
  return [`--write-allow=${folder}`, '--read-deny=**/*.key', '--'];
}
