/** What the build has compiled is what runs ask for: a filter that is compiled at the start costs more than all the rest of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { situations } from '../../scripts/filters.ts';
import { situationKey } from '../../src/plan/filter/program.ts';
import { makeKernelPlan } from '../../src/plan/kernel-plan.ts';
import { makePlan } from '../../src/plan/plan.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { notify, trace } from '../../src/seccomp/expression.ts';
import { JUDGES } from '../../src/supervise/judges.ts';
import { probeKernel } from '../../src/supervise/engines/probe.ts';
import { lookAround } from '../../src/supervise/engines/surroundings.ts';
import { who } from '../support/environment.ts';

const POLICIES: Readonly<Record<string, Policy>> = {
  'no policy': { files: undefined, network: undefined, unixSockets: [] },
  '--read-only': { files: { writable: [] }, network: undefined, unixSockets: [] },
  '--write-allow': { files: { writable: [Buffer.from('/tmp')] }, network: undefined, unixSockets: [] },
  '--no-outbound-network': { files: undefined, network: { kind: 'none' }, unixSockets: [] },
  both: { files: { writable: [] }, network: { kind: 'none' }, unixSockets: [] },
  'reading, by the supervisor': {
    files: { writable: [] },
    read: [
      {
        effect: 'deny',
        place: { kind: 'pattern', pattern: { base: Buffer.from('/'), components: [], text: '' } },
        said: '',
      },
    ],
    network: undefined,
    unixSockets: [],
  },
};

for (const [name, policy] of Object.entries(POLICIES)) {
  void test(`${name} is compiled beforehand (${who})`, (t) => {
    const features = probeKernel({});
    if (features.landlockAbi < 6) return t.skip('filters for older kernels are compiled at the start');
    const compiled = situations();
    const surroundings = lookAround(policy, []);
    const plans = [notify, trace(0)].map((refer) =>
      makePlan(policy, features, { refer, judges: JUDGES, terminals: [], surroundings }),
    );
    const kernel = [false, true].map((own) => makeKernelPlan(policy, features, [], own, surroundings));
    for (const { situation } of [...plans, ...kernel])
      assert.ok(compiled.has(situationKey(situation)), situationKey(situation));
  });
}
