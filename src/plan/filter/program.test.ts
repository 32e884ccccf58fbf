import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allow, errno, notify, trace } from '../../seccomp/expression.ts';
import { compileFilter, filterProgram, situationKey } from './program.ts';
import type { Situation } from './situation.ts';

const SITUATION: Situation = {
  restrictsFiles: true,
  names: 'all',
  refersReads: false,
  withoutCores: false,
  restrictsNetwork: false,
  restrictsDestinations: false,
  landlockDomain: true,
  signalScope: true,
  refer: notify,
  judges: new Set(['files', 'network']),
};

void test('a situation that was not compiled beforehand is compiled', async () => {
  assert.deepEqual(await filterProgram(SITUATION), await compileFilter(SITUATION));
});

void test('the key tells situations apart', () => {
  const others: Situation[] = [
    SITUATION,
    { ...SITUATION, restrictsFiles: false },
    { ...SITUATION, names: 'existing' },
    { ...SITUATION, refersReads: true },
    { ...SITUATION, withoutCores: true },
    { ...SITUATION, restrictsNetwork: true },
    { ...SITUATION, restrictsNetwork: true, restrictsDestinations: true },
    { ...SITUATION, landlockDomain: false },
    { ...SITUATION, signalScope: false },
    { ...SITUATION, refer: undefined },
    { ...SITUATION, refer: trace(0) },
    { ...SITUATION, refer: trace(1) },
    { ...SITUATION, refer: errno(1) },
    { ...SITUATION, refer: allow },
    { ...SITUATION, judges: new Set() },
    { ...SITUATION, judges: new Set(['files']) },
    { ...SITUATION, kernelDecides: new Set() },
    { ...SITUATION, kernelDecides: new Set(['files']) },
    { ...SITUATION, ownSession: true },
    { ...SITUATION, sockets: 'any' },
    { ...SITUATION, sockets: 'none' },
  ];
  assert.equal(new Set(others.map(situationKey)).size, others.length);
});

void test('the order of the judges does not matter', () => {
  const turned: Situation = { ...SITUATION, judges: new Set(['network', 'files']) };
  assert.equal(situationKey(turned), situationKey(SITUATION));
});
