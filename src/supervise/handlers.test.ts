import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeniedPlaces } from '../judge/denied-places.ts';
import { NetworkRules } from '../judge/network.ts';
import { PathSet } from '../judge/path-set.ts';
import { UnixRules } from '../judge/unix-sockets.ts';
import { SYSCALL_NAMES, X86_64 } from '../linux/syscalls.ts';
import { CATALOGUE } from '../plan/catalogue.ts';
import { buildFilter } from '../plan/filter/build.ts';
import type { Situation } from '../plan/filter/situation.ts';
import type { ReferralEvent } from '../report/event.ts';
import { compile } from '../seccomp/compile.ts';
import { notify } from '../seccomp/expression.ts';
import { interpreter } from '../seccomp/interpret.ts';
import { Credentials } from './target/credentials.ts';
import { DescriptorTables } from './target/descriptor-tables.ts';
import { makeHandlers } from './handlers.ts';
import { JUDGES } from './judges.ts';
import { Members } from './target/members.ts';
import { BoundSockets } from './network/bound-sockets.ts';
import { PendingCalls } from './pending.ts';
import type { Referral } from './referral.ts';

const AUDIT_ARCH_X86_64 = 0xc000003e;

/** What rules turn at: bits, small numbers, and commands of ioctl(2). */
const EDGES = [
  ...Array.from({ length: 32 }, (_, bit) => 2 ** bit),
  ...Array.from({ length: 12 }, (_, number) => number),
  24,
  28,
  31,
  35,
  47,
  59,
  62,
  132,
  284,
  0xffff_ffff,
  1036,
  1038,
  0x5412,
  0x541c,
  0x40009408,
  0x6601,
  0x40047211,
].map(BigInt);
const REGISTERS = EDGES.flatMap((first) => EDGES.map((second) => [first, second] as const));

/** A call of this process's that lasts. */
function referralOf(number: number, args: readonly bigint[]): Referral {
  const word = (index: number): bigint => args[index] ?? 0n;
  const referral: Referral = {
    tid: process.pid,
    number,
    int: (index) => Number(BigInt.asIntN(32, word(index))),
    uint: (index) => Number(BigInt.asUintN(32, word(index))),
    pointer: () => 0,
    long: (index) => BigInt.asUintN(64, word(index)),
    isCurrent: () => true,
    hasRoom: () => true,
    detach: () => referral,
    reply: () => true,
  };
  return referral;
}

const events: ReferralEvent[] = [];
const context = {
  reporter: { wantsAllowed: false, report: (event: ReferralEvent) => events.push(event) },
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
};
const handlers = makeHandlers(context);

/** What may reach the supervisor, by the catalogue. */
const REFERRED = SYSCALL_NAMES.filter((name) => 'judge' in CATALOGUE[name]);

void test('every call that the catalogue refers has a handler', () => {
  assert.ok(REFERRED.length > 50);
  for (const name of REFERRED) assert.ok(handlers.has(X86_64[name]), name);
});

void test('what the filter leaves to the supervisor to be refused is refused and told, whatever the registers hold', () => {
  let told = 0;
  const situation: Situation = {
    restrictsFiles: true,
    names: 'all',
    refersReads: true,
    withoutCores: false,
    restrictsNetwork: true,
    restrictsDestinations: true,
    landlockDomain: true,
    signalScope: true,
    refer: notify,
    judges: JUDGES,
  };
  const others = new Set([...JUDGES].filter((judge) => judge !== 'refusals'));
  const [says, without] = [situation, { ...situation, judges: others }].map((one) =>
    interpreter(compile(buildFilter(one))),
  );
  assert.ok(says !== undefined && without !== undefined);
  for (const name of SYSCALL_NAMES) {
    const number = X86_64[name];
    for (const [first, second] of 'rule' in CATALOGUE[name] ? REGISTERS : REGISTERS.slice(0, 1)) {
      const args = [first, second, second, 0n, 0n, 0n] as const;
      const call = { architecture: AUDIT_ARCH_X86_64, number, args };
      // Refused by the filter where nobody is told.
      if (says(call).kind !== 'notify' || without(call).kind !== 'errno') continue;
      const before = events.length;
      const reply = handlers.get(number)?.(referralOf(number, args));
      const label = `${name} ${first} ${second}`;
      assert.equal(reply?.kind, 'errno', label);
      told += events.length - before;
    }
  }
  assert.ok(told > 200, String(told));
});

test('a call that nobody knows has no handler', () => {
  const numbers = new Set<number>(Object.values(X86_64));
  for (const number of handlers.keys()) assert.ok(numbers.has(number), String(number));
});

void test('every judge that the catalogue names is one of the supervisor', () => {
  for (const name of REFERRED) {
    const entry = CATALOGUE[name];
    assert.ok('judge' in entry && entry.judge !== undefined && JUDGES.has(entry.judge), name);
  }
});

void test('of handlers that hold nothing open nothing is kept until the end: each answered question makes some', () => {
  for (const landlock of [true, false]) {
    const releases: (() => void)[] = [];
    const atEnd = (release: () => void): void => void releases.push(release);
    makeHandlers({ ...context, files: { ...context.files, landlock }, atEnd });
    assert.equal(releases.length, landlock ? 1 : 0);
  }
});
