/**
 * Opening again by name what is already open: what is held for writing may be written, what is held for reading not.
 */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Backing, forEachBacking } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { shell } from '../support/shell.ts';
import { Terminal } from '../support/terminal.ts';
import { temporaryDirectory } from '../support/temporary.ts';

forEachBacking(`the devices of every program may be written (${who})`, async (_, backing) => {
  const script = `for d in null zero full random urandom; do
    echo x 2>/dev/null >> /dev/$d || echo "$d $?"; done; echo x > /dev/../dev/null; : > /dev/null; echo done`;
  const { stdout, stderr } = await shell(script, [], { backing });
  // Writing to /dev/full opens it and then fails with ENOSPC, which bash's echo reports as 1.
  assert.deepEqual({ stdout, stderr }, { stdout: 'full 1\ndone\n', stderr: '' });
});

forEachBacking(`pipes are reopened by name (${who})`, async (_, backing) => {
  const script = `echo 1 > /dev/stdout; echo 2 > /dev/fd/1; echo 3 > /proc/self/fd/1; echo 4 > /dev/stderr
    echo 5 | tee /dev/stderr; cat <(echo 6); echo 7 > >(cat); wait $!; echo 8 >> /dev/stdout; read x < /dev/stdin; echo $x
    echo 10 > /proc/$$/fd/1; (sleep 0; echo 11 > /proc/$$/fd/1)`;
  // Node's own pipes are sockets, which nobody can open by name.
  const piped = `printf '9\\n' | "$@" 2>&1 | cat`;
  const inside = secfiltWords(['--read-only', '--', 'bash', '-c', script]);
  const { stdout, stderr } = await run(['bash', '-c', piped, 'bash', ...inside], { env: backing.env });
  assert.deepEqual({ stdout, stderr }, { stdout: '1\n2\n3\n4\n5\n5\n6\n7\n8\n9\n10\n11\n', stderr: '' });
});

forEachBacking(`sockets cannot be reopened by name, as everywhere (${who})`, async (_, backing) => {
  const { stderr } = await shell('echo 1 > /dev/stdout', [], { backing });
  assert.match(stderr, /No such device or address/);
});

forEachBacking(`the terminal is reopened by name (${who})`, async (t, backing) => {
  const terminal = new Terminal(
    secfiltWords([
      '--read-only',
      '--',
      'bash',
      '-c',
      'for d in /dev/stdout /dev/fd/2 /dev/tty $(tty); do echo "to $d" > $d; done',
    ]),
    { env: backing.env },
  );
  t.after(() => terminal.close());
  const { code } = await terminal.ended;
  await terminal.expect(/to \/dev\/stdout\nto \/dev\/fd\/2\nto \/dev\/tty\nto \/dev\/pts\/\d+\n/);
  assert.equal(code, 0);
});

/** Runs a script with descriptors on a file outside the allowed tree. */
async function withFile(backing: Backing, path: string, flags: string, script: string) {
  const fd = openSync(path, flags);
  try {
    return await run(secfiltWords(['--read-only', '--', 'bash', '-c', script]), {
      stdio: [flags === 'r' ? fd : 'ignore', flags === 'r' ? 'pipe' : fd, 'pipe'],
      env: backing.env,
    });
  } finally {
    closeSync(fd);
  }
}

forEachBacking(`a regular file held for writing is reopened for writing (${who})`, async (t, backing) => {
  const path = join(temporaryDirectory(t), 'log');
  for (const name of ['/dev/stdout', '/dev/fd/1', '/proc/self/fd/1']) {
    writeFileSync(path, 'before\n');
    const { code, stderr } = await withFile(
      backing,
      path,
      'a',
      `echo one; test -w ${name} && echo two >> ${name}`,
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, name);
    assert.equal(readFileSync(path, 'utf8'), 'before\none\ntwo\n', name);
  }
});

forEachBacking(`who has given up rights gets none back by a name (${who})`, async (t, backing) => {
  if (!isRoot) return t.skip('only root has rights to give up');
  const path = join(temporaryDirectory(t), 'log');
  writeFileSync(path, 'secret\n');
  // Nobody's, and held for writing: without capabilities root may not open it, to read it least of all.
  chownSync(path, 65534, 65534);
  chmodSync(path, 0o600);
  const capset = 'ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())';
  const reading = `os.read(os.open('/proc/self/fd/1', os.O_RDWR), 9)`;
  const script = `python3 -c "import ctypes, os, sys; ${capset}; sys.exit(str(${reading}))"`;
  const { stderr } = await withFile(backing, path, 'a', script);
  assert.match(stderr, /Operation not permitted|Permission denied/);
});

forEachBacking(`a regular file held for reading is not reopened for writing (${who})`, async (t, backing) => {
  const path = join(temporaryDirectory(t), 'log');
  writeFileSync(path, 'kept\n');
  for (const script of [
    'echo x > /dev/stdin',
    'echo x >> /dev/fd/0',
    'echo x 1<> /proc/self/fd/0',
    ': > /proc/$$/fd/0',
    'truncate -s 0 /dev/stdin',
    'exec 1>&0; echo x > /dev/stdout',
  ]) {
    const { code, stderr } = await withFile(backing, path, 'r', script);
    assert.notEqual(code, 0, script);
    assert.match(stderr, /Operation not permitted/, script);
    assert.equal(readFileSync(path, 'utf8'), 'kept\n', script);
  }
});

forEachBacking(
  `a file held for reading is no way to write a file that has its name (${who})`,
  async (t, backing) => {
    const root = temporaryDirectory(t);
    mkdirSync(join(root, 'a'));
    writeFileSync(join(root, 'f'), 'kept');
    // A second name inside the tree would make the forbidden file writable.
    const script = 'cd "$1"; ln f a/f; ln -L /proc/self/fd/3 a/f2; cp -l f a/f3; mv f a/f4; echo x > a/f';
    const { stderr } = await shell(`exec 3< "$1/f"; ${script}`, [root], {
      backing,
      allow: [join(root, 'a')],
    });
    assert.equal(stderr.match(/Operation not permitted|Invalid cross-device link/g)?.length, 4, stderr);
    assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'kept');
    assert.equal(readFileSync(join(root, 'a/f'), 'utf8'), 'x\n');
  },
);
