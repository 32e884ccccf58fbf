/** Calls that really block, in the main thread: the test ends because they are interrupted. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Errno } from '../linux/errno.ts';
import { AT_FDCWD, O_CLOEXEC } from '../linux/files.ts';
import { addressOf, close, openText, openTextAsync, poll, read, socketpair, syscall } from '../linux/libc.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { endWatch, startWatch, watchCall, within } from './watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'sf-watch-'));
after(() => rmSync(folder, { recursive: true }));
startWatch();

function pair(): readonly [number, number] {
  const ends = Buffer.alloc(8);
  assert.equal(socketpair(1, 1 | O_CLOEXEC, 0, ends), 0);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

function fifo(name: string): string {
  const path = join(folder, name);
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  return path;
}

const [one, other] = pair();
const WAITS: Readonly<Record<string, () => number>> = {
  'read of an empty socket': () => read(one, Buffer.alloc(1), 1),
  'open of a FIFO': () => openText(AT_FDCWD, fifo('alone'), O_CLOEXEC, 0),
  'poll without end': () => poll(null, 0, -1),
  'write to a full socket': () => {
    const bytes = Buffer.alloc(1 << 20);
    let result = 1;
    while (result > 0) result = syscall(X86_64.sendto, other, addressOf(bytes), bytes.length, 0, 0, 0);
    return result;
  },
  'wait for a child': () => {
    const child = spawnSync('sh', ['-c', 'sleep 30 > /dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
    const pidfd = syscall(X86_64.pidfd_open, Number(child.stdout), 0, 0, 0, 0, 0);
    const set = Buffer.alloc(8);
    set.writeInt32LE(pidfd, 0);
    set.writeInt16LE(1, 4);
    const result = poll(set, 1, -1);
    syscall(X86_64.pidfd_send_signal, pidfd, 9, 0, 0, 0, 0);
    close(pidfd);
    return result;
  },
};

for (const [title, wait] of Object.entries(WAITS)) {
  void test(`S13 what blocks is interrupted: ${title}`, () => {
    watchCall();
    assert.equal(wait(), -Errno.EINTR);
    endWatch();
  });
}

void test('S13 one call after the other is interrupted', () => {
  watchCall();
  for (let count = 0; count < 20; count += 1) assert.equal(poll(null, 0, -1), -Errno.EINTR);
  endWatch();
});

void test('S13 a shorter bound for one call, then the longer one', () => {
  assert.equal(
    within(1, () => poll(null, 0, -1)),
    -Errno.EINTR,
  );
  assert.equal(poll(null, 0, 50), 0);
  endWatch();
});

void test('S13 nothing is interrupted that takes a moment, and nothing while nothing is watched', () => {
  for (let count = 0; count < 5; count += 1) {
    watchCall();
    assert.equal(poll(null, 0, 300), 0);
  }
  endWatch();
  assert.equal(poll(null, 0, 2500), 0);
});

void test('S13 other threads and children are not interrupted', async () => {
  const path = fifo('pool');
  const opened = new Promise<number>((resolve) => openTextAsync(AT_FDCWD, path, O_CLOEXEC, 0, resolve));
  watchCall();
  assert.equal(poll(null, 0, -1), -Errno.EINTR);
  const child = spawnSync('sh', ['-c', `grep -E '^Sig(Cgt|Ign|Blk)' /proc/self/status; : > ${path}`], {
    encoding: 'utf8',
  });
  endWatch();
  assert.match(child.stdout, /SigBlk:\t0{16}\nSigIgn:\t0/);
  const descriptor = await opened;
  assert.ok(descriptor >= 0);
  close(descriptor);
});
