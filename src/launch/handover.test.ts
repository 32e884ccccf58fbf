import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { close, fcntl, ioctl, poll } from '../linux/libc.ts';
import {
  knowsFilterFlag,
  Notification,
  Response,
  SECCOMP_FILTER_FLAG_NEW_LISTENER,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
  SECCOMP_IOCTL_NOTIF_RECV,
  SECCOMP_IOCTL_NOTIF_SEND,
} from '../linux/seccomp.ts';
import { X86_64 } from '../linux/syscalls.ts';
import { abandon, endWatchdog, go, launchOutcome, receiveHandover } from './handover.ts';
import { launch } from './launch.ts';
import { LaunchError } from './launch-error.ts';
import type { LaunchPlan } from './rows.ts';
import {
  closeAll,
  filterOf,
  finalOutcome,
  isAlive,
  NOTIFY,
  NOTIFY_MKDIR,
  planFor,
  reap,
  statusField,
  until,
} from './testing.ts';

const EPERM = 1;
const EINVAL = 22;
const F_GETFD = 1;
const FD_CLOEXEC = 1;

const folder = mkdtempSync(join(tmpdir(), 'secfilter-test-'));
after(() => rmSync(folder, { recursive: true }));

const waitKillable = knowsFilterFlag(
  SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
);

function listening(words: readonly string[], changes: Partial<LaunchPlan> = {}): LaunchPlan {
  return planFor(words, { filter: NOTIFY_MKDIR, listener: true, waitKillable, ...changes });
}

/** Waits for one notification and answers it with an errno. Returns the number of the call. */
function answer(listener: number, errno: number): number {
  const waiting = Buffer.alloc(8);
  waiting.writeInt32LE(listener, 0);
  waiting.writeInt16LE(1, 4);
  assert.equal(poll(waiting, 1, 10_000), 1);
  const notification = Buffer.alloc(Notification.size);
  assert.equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, notification), 0);
  const response = Buffer.alloc(Response.size);
  notification.copy(response, Response.id, Notification.id, 8);
  response.writeInt32LE(-errno, Response.error);
  assert.equal(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, response), 0);
  return notification.readInt32LE(Notification.number);
}

void test('the listener arrives, and a notification can be answered', () => {
  const made = join(folder, 'made');
  const launched = launch(listening(['sh', '-c', 'mkdir "$1" 2>/dev/null || exit 5', 'sh', made]));
  const { listener, watchdog } = receiveHandover(launched);
  assert.equal(fcntl(listener, F_GETFD, 0), FD_CLOEXEC);
  assert.equal(launchOutcome(launched), 'pending');
  go(launched);
  const calls: readonly number[] = [X86_64.mkdir, X86_64.mkdirat];
  assert.ok(calls.includes(answer(listener, EPERM)));
  assert.deepEqual(reap(launched), { kind: 'exit', code: 5 });
  assert.equal(finalOutcome(launched), 'executed');
  assert.ok(!existsSync(made));
  assert.ok(isAlive(watchdog.pid));
  endWatchdog(launched, watchdog, 'leave');
  assert.ok(!isAlive(watchdog.pid));
  close(listener);
  close(launched.reportSocket);
  close(launched.pidDescriptor);
});

void test('the filter may refer every call that comes after it but write, read and close_range', () => {
  // sendmsg(2) and execve(2) would wait for ever for a supervisor that has no listener.
  const filter = filterOf(NOTIFY, X86_64.sendmsg, X86_64.execve);
  const launched = launch(listening(['true'], { filter }));
  const { listener, watchdog } = receiveHandover(launched);
  go(launched);
  assert.equal(answer(listener, EPERM), X86_64.execve);
  assert.deepEqual(reap(launched), { kind: 'exit', code: 125 });
  const outcome = finalOutcome(launched);
  assert.ok(outcome instanceof LaunchError);
  assert.equal(outcome.message, 'execve: operation not permitted (EPERM)');
  endWatchdog(launched, watchdog, 'leave');
  close(listener);
  close(launched.reportSocket);
  close(launched.pidDescriptor);
});

void test('the watchdog keeps one descriptor, a filter of its own and is not to be looked into', async (t) => {
  const launched = launch(listening(['true']));
  const { listener, watchdog } = receiveHandover(launched);
  const { pid } = watchdog;
  assert.equal(statusField(pid, 'Name'), 'secfilt-watch');
  assert.equal(statusField(pid, 'PPid'), String(process.pid));
  assert.equal(statusField(pid, 'Seccomp'), '2');
  assert.equal(statusField(pid, 'NoNewPrivs'), '1');
  try {
    const descriptors = (): string => readdirSync(`/proc/${pid}/fd`).join(' ');
    assert.match(descriptors(), /^(3 )?5$/); // 3 is the listener that it has just sent
    await until('the end of the listener in the watchdog', () => descriptors() === '5');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error;
    t.diagnostic('not dumpable, and this user may not look all the same');
  }
  go(launched);
  reap(launched);
  endWatchdog(launched, watchdog, 'leave');
  close(listener);
  closeAll({ ...launched, controlSocket: undefined });
});

void test('a step that fails before the handover is named, and nothing is left', () => {
  const before = readdirSync('/proc/self/fd').length;
  const launched = launch(listening(['true'], { filter: Buffer.alloc(8) }));
  assert.throws(() => receiveHandover(launched), { name: 'LaunchError', step: 'seccomp', errno: EINVAL });
  assert.ok(!existsSync(`/proc/${launched.pid}`));
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

void test('a launcher that is killed is not waited for, though the watchdog has its socket open', async () => {
  const before = readdirSync('/proc/self/fd').length;
  // It hangs in the write(2) that tells of the listener.
  const launched = launch(listening(['true'], { filter: filterOf(NOTIFY, X86_64.write) }));
  const killer = spawn('sh', ['-c', `sleep 0.1; kill -9 ${launched.pid}`], { stdio: 'ignore' });
  assert.throws(() => receiveHandover(launched), { step: 'launcher', errno: 0 });
  await once(killer, 'exit');
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

void test('what was launched can be given up', () => {
  const before = readdirSync('/proc/self/fd').length;
  const launched = launch(listening(['true']));
  const { listener, watchdog } = receiveHandover(launched);
  abandon(launched, watchdog);
  close(listener);
  for (const pid of [launched.pid, watchdog.pid]) assert.ok(!existsSync(`/proc/${pid}`));
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

void test('50 launches with a listener leave no descriptor and no process behind', () => {
  const before = readdirSync('/proc/self/fd').length;
  for (let index = 0; index < 50; index += 1) {
    const launched = launch(listening(['true']));
    const { listener, watchdog } = receiveHandover(launched);
    go(launched);
    reap(launched);
    assert.equal(finalOutcome(launched), 'executed');
    endWatchdog(launched, watchdog, index % 2 === 0 ? 'end' : 'leave');
    close(listener);
    closeAll({ ...launched, controlSocket: undefined });
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statusField(Number(name), 'PPid') === String(process.pid));
  assert.deepEqual(children, []);
});
