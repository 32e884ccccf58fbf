import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { close, kill, socketpair, write } from '../linux/libc.ts';
import { pidfdOpen, posixSpawn } from '../linux/spawn.ts';
import { receiveHandover } from './handover.ts';
import type { Launched } from './launch.ts';
import { Kind } from './protocol.ts';
import { reap } from './testing.ts';

const EPERM = 1;
const EINVAL = 22;
const EMFILE = 24;
const EPROTO = 71;
const SIGKILL = 9;
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_NONBLOCK = 0o4000;

function startSleep(): number {
  return posixSpawn({
    path: '/bin/sleep',
    argv: ['sleep', '300'],
    descriptors: new Map(),
    defaultSignals: [],
  });
}

function connectedPair(): [near: number, far: number] {
  const pair = Buffer.alloc(8);
  assert.equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
  return [pair.readInt32LE(0), pair.readInt32LE(4)];
}

/** A launch in which the test speaks for launcher and watchdog; these are processes that only wait. */
function puppets(): { launched: Launched; watchdog: number; report: number; control: number } {
  const [reportSocket, report] = connectedPair();
  const [controlSocket, control] = connectedPair();
  const pid = startSleep();
  const pidDescriptor = pidfdOpen(pid);
  const launched = { pid, pidDescriptor, reportSocket, controlSocket, steps: ['first', 'second'] };
  return { launched, watchdog: startSleep(), report, control };
}

function say(socket: number, kind: number, value: number): void {
  const record = Buffer.alloc(8);
  record.writeUInt32LE(kind, 0);
  record.writeInt32LE(value, 4);
  assert.equal(write(socket, record, 8), 8);
}

void test('whatever launcher and watchdog say, the handover ends', () => {
  type Puppets = ReturnType<typeof puppets>;
  const cases: [step: string, errno: number, act: (puppets: Puppets) => void][] = [
    ['launcher', 0, ({ launched }) => kill(launched.pid, SIGKILL)],
    ['launcher', 0, ({ report }) => void write(report, Buffer.alloc(0), 0)],
    ['second', EPERM, ({ report }) => say(report, 1, -EPERM)],
    ['record', EPROTO, ({ report }) => say(report, 2, -EPERM)],
    ['record', EPROTO, ({ report }) => say(report, Kind.listener, 6)],
    ['pidfd_open', EINVAL, ({ report }) => say(report, Kind.watchdog, -1)],
  ];
  const later: typeof cases = [
    ['watchdog', 0, ({ watchdog }) => kill(watchdog, SIGKILL)],
    ['first', EPERM, ({ control }) => say(control, 0, -EPERM)],
    ['recvmsg', EMFILE, ({ control }) => say(control, Kind.listener, 6)],
  ];
  const before = readdirSync('/proc/self/fd').length;
  for (const [index, [step, errno, act]] of [...cases, ...later].entries()) {
    const all = puppets();
    if (index >= cases.length) {
      say(all.report, Kind.watchdog, all.watchdog);
      say(all.report, Kind.listener, 6);
    }
    act(all);
    assert.throws(() => receiveHandover(all.launched), { name: 'LaunchError', step, errno });
    if (index < cases.length) abandonProcess(all.watchdog);
    close(all.report);
    close(all.control);
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

function abandonProcess(pid: number): void {
  const pidDescriptor = pidfdOpen(pid);
  kill(pid, SIGKILL);
  reap({ pidDescriptor });
  close(pidDescriptor);
}
