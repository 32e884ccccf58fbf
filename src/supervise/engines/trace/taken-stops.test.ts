import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Event } from '../../../linux/ptrace.ts';
import { TakenStops } from './taken-stops.ts';

const SIGKILL = 9;
const SIGTRAP = 5;
const SIGUSR1 = 10;

const stoppedBy = (signal: number, event = 0): number => (event << 16) | (signal << 8) | 0x7f;

function handleAll(stops: TakenStops): [tid: number, status: number][] {
  const handled: [number, number][] = [];
  for (let tid = stops.next(); tid !== 0; tid = stops.next()) handled.push([tid, stops.status]);
  return handled;
}

test('stops are handled once, in the order in which they were taken', () => {
  const stops = new TakenStops();
  const taken: [number, number][] = [
    [7, stoppedBy(SIGUSR1)],
    [5, stoppedBy(SIGTRAP, Event.seccomp)],
  ];
  for (const [tid, status] of taken) stops.add(tid, status);
  assert.ok(!stops.isEmpty);
  assert.deepEqual(handleAll(stops), taken);
  assert.ok(stops.isEmpty);
  assert.deepEqual(handleAll(stops), []);
});

for (const [what, status] of [
  ['execve of another thread has taken over its number', stoppedBy(SIGTRAP, Event.exec)],
  ['the thread has ended', SIGKILL],
] as const) {
  test(`a stop is not answered once ${what}`, () => {
    const stops = new TakenStops();
    stops.add(5, stoppedBy(SIGUSR1));
    stops.add(7, stoppedBy(SIGUSR1));
    stops.add(5, status);
    assert.deepEqual(handleAll(stops), [
      [7, stoppedBy(SIGUSR1)],
      [5, status],
    ]);
  });
}
