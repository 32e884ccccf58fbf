/**
 * O_ASYNC on a descriptor that becomes a terminal at the worst moment: between the question whether anybody shares the
 * table and the look at what the descriptor is. The target is this process itself.
 */
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { Fcntl } from '../../linux/fcntl.ts';
import { fcntl, syscall } from '../../linux/libc.ts';
import { X86_64 } from '../../linux/syscalls.ts';
import { DescriptorTables } from '../target/descriptor-tables.ts';
import type { ProcessContext } from './processes.ts';
import type { Referral, Reply } from '../referral.ts';
import { setOwner } from './signal-owner.ts';

const O_ASYNC = 0x2000;

function asking(number: number): Referral {
  const args = [number, Fcntl.F_SETFL, O_ASYNC];
  const referral: Referral = {
    tid: process.pid,
    number: X86_64.fcntl,
    int: (index) => args[index] ?? 0,
    uint: (index) => args[index] ?? 0,
    pointer: (index) => args[index] ?? 0,
    long: (index) => BigInt(args[index] ?? 0),
    isCurrent: () => true,
    hasRoom: () => true,
    detach: () => referral,
    reply: () => true,
  };
  return referral;
}

/** The reply where `before` happens right before the look. */
function reply(number: number, before: () => void): Reply {
  const tables: Pick<DescriptorTables, 'whileAlone'> = {
    whileAlone: (_referral, look) => {
      before();
      return look();
    },
  };
  const context = {
    descriptorTables: tables,
    credentials: { areOurs: () => false },
    reporter: { report: () => {}, wantsAllowed: false },
    members: { has: () => false },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the handler asks for no more
  return setOwner(asking(number), context as unknown as ProcessContext);
}

test('S10 what a descriptor is counts only once nobody can change it', () => {
  const terminal = openSync('/dev/ptmx', 'r+');
  const number = openSync('/dev/null', 'r');
  try {
    const become = (): void => assert.equal(syscall(X86_64.dup2, terminal, number, 0, 0, 0, 0), number);
    assert.deepEqual(
      reply(number, () => {}),
      { kind: 'continue' },
    );
    assert.notEqual(reply(number, become).kind, 'continue');
    assert.equal(fcntl(terminal, Fcntl.F_GETFL, 0) & O_ASYNC, 0);
  } finally {
    closeSync(number);
    closeSync(terminal);
  }
});

test('S10 nothing is looked at, and nothing goes on, where the table is shared or has several threads', () => {
  const tables = new DescriptorTables();
  let looks = 0;
  const look = (): number => (looks += 1);
  // Node has several.
  assert.equal(tables.whileAlone(asking(0), look), undefined);
  tables.shared = true;
  assert.equal(tables.whileAlone(asking(0), look), undefined);
  assert.equal(looks, 0);
});
