import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { Errno } from '../../linux/errno.ts';
import { openError, targetStatus, type TargetStatus } from './target.ts';

/** A shell that runs the lines it is sent, and says when each is done. */
async function startShell(t: TestContext): Promise<{ pid: number; run: (line: string) => Promise<void> }> {
  const shell: ChildProcess = spawn('sh', { stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => shell.kill('SIGKILL'));
  await once(shell, 'spawn');
  const run = async (line: string): Promise<void> => {
    shell.stdin?.write(`${line}; echo\n`);
    if (shell.stdout) await once(shell.stdout, 'data');
  };
  return { pid: shell.pid ?? 0, run };
}

function status(pid: number): TargetStatus {
  const result = targetStatus(pid);
  if (typeof result === 'number') return assert.fail(`status of ${pid}: ${result}`);
  return result;
}

void test('a status is that of the moment, also of a thread that was asked about before', async (t) => {
  const { pid, run } = await startShell(t);
  for (const umask of [0o22, 0o77, 0]) {
    await run(`umask ${umask.toString(8)}`);
    assert.equal(status(pid).umask, umask);
    assert.equal(status(pid).tgid, pid);
  }
});

void test('the end of a thread that was asked about before is seen', async () => {
  const child = spawn('sleep', ['600']);
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  assert.equal(status(pid).tgid, pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let time = 0; time < 2; time += 1) assert.ok(Number(targetStatus(pid)) < 0);
});

function lowestFree(): number {
  const descriptor = openSync('/dev/null', 'r');
  closeSync(descriptor);
  return descriptor;
}

void test('of more threads than are remembered each has its own status, and descriptors stay few', async (t) => {
  const shells = await Promise.all(Array.from({ length: 40 }, () => startShell(t)));
  await Promise.all(shells.map(({ run }, index) => run(`umask ${index.toString(8)}`)));
  const before = lowestFree();
  for (let time = 0; time < 3; time += 1) {
    for (const [index, { pid }] of shells.entries()) assert.equal(status(pid).umask, index);
  }
  assert.ok(lowestFree() <= before + 16, `${before}, then ${lowestFree()}`);
});

void test('a descriptor is open if it was opened for anything but as a place', (t) => {
  const O_PATH = 0o10000000;
  for (const [flags, expected] of [
    [0, 0],
    [1, 0],
    [2, 0],
    // Opened for ioctl(2) only.
    [3, 0],
    [O_PATH, -Errno.EBADF],
  ] as const) {
    const descriptor = openSync('/dev/null', flags);
    t.after(() => closeSync(descriptor));
    assert.equal(openError(process.pid, descriptor), expected, `flags ${flags}`);
  }
  assert.equal(openError(process.pid, 4000), -Errno.EBADF);
  assert.equal(openError(process.pid, -1), -Errno.EBADF);
});
