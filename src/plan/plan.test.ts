import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notify } from '../seccomp/expression.ts';
import { makePlan } from './plan.ts';

const OPTIONS = { refer: notify, judges: new Set<never>(), terminals: [] };

test('S12 cores are dumped only where Landlock decides, and into a file', () => {
  for (const landlockAbi of [0, 6]) {
    for (const coreHandler of [false, true]) {
      for (const files of [undefined, { writable: [] }]) {
        const features = { landlockAbi, listener: true, waitKillable: true, coreHandler };
        const { situation } = makePlan(
          { files, network: { kind: 'none' }, unixSockets: [] },
          features,
          OPTIONS,
        );
        const expected = files !== undefined && (landlockAbi === 0 || coreHandler);
        assert.equal(situation.withoutCores, expected, JSON.stringify({ landlockAbi, coreHandler, files }));
      }
    }
  }
});
