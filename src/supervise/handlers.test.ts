import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedPlaces } from '../judge/denied-places.ts';
import { NetworkRules } from '../judge/network.ts';
import { PathSet } from '../judge/path-set.ts';
import { UnixRules } from '../judge/unix-sockets.ts';
import { SYSCALL_NAMES, X86_64 } from '../linux/syscalls.ts';
import { CATALOGUE } from '../plan/catalogue.ts';
import { Credentials } from './target/credentials.ts';
import { DescriptorTables } from './target/descriptor-tables.ts';
import { makeHandlers } from './handlers.ts';
import { JUDGES } from './judges.ts';
import { Members } from './target/members.ts';
import { BoundSockets } from './network/bound-sockets.ts';
import { PendingCalls } from './pending.ts';

const handlers = makeHandlers({
  reporter: { wantsAllowed: false, report: () => {} },
  credentials: new Credentials(''),
  userId: 0,
  members: new Members(0, false),
  withoutCores: false,
  descriptorTables: new DescriptorTables(),
  network: new NetworkRules(undefined),
  unix: new UnixRules([]),
  bound: new BoundSockets(),
  pending: new PendingCalls(() => {}),
  files: {
    restricted: true,
    writable: new PathSet([]),
    denied: new DeniedPlaces([]),
    interfaces: new DeniedPlaces([]),
    landlock: true,
    supervisor: process.pid,
  },
});

/** What may reach the supervisor, by the catalogue. */
const REFERRED = SYSCALL_NAMES.filter((name) => 'judge' in CATALOGUE[name]);

void test('every call that the catalogue refers has a handler', () => {
  assert.ok(REFERRED.length > 50);
  for (const name of REFERRED) assert.ok(handlers.has(X86_64[name]), name);
});

void test('no call has a handler that the catalogue does not refer', () => {
  const numbers = new Set<number>(REFERRED.map((name) => X86_64[name]));
  for (const number of handlers.keys()) assert.ok(numbers.has(number), String(number));
});

void test('every judge that the catalogue names is one of the supervisor', () => {
  for (const name of REFERRED) {
    const entry = CATALOGUE[name];
    assert.ok('judge' in entry && entry.judge !== undefined && JUDGES.has(entry.judge), name);
  }
});
