/**
 * A call that fails natively fails with the same error inside the sandbox, outside the allowed tree: only what would
 * have succeeded becomes EPERM. `mkdir -p` and every retry loop rely on it.
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';

import type { Argument, Step, StepResult } from '../probes/protocol.ts';
import { forEachBacking } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { Call, Open } from '../support/numbers.ts';
import { rawCalls, resultOf } from '../support/probe.ts';
import { strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

import { afterPermission, rows } from './failing-calls.ts';
import { makeFixture } from './fixture.ts';

const p = (path: string): Argument => ({ path });

function makeFailingFixture(root: string): void {
  makeFixture(root);
  symlinkSync('absent', join(root, 'dangling'));
  symlinkSync('self', join(root, 'self'));
  symlinkSync('d', join(root, 'loop0'));
  for (let index = 1; index <= 41; index += 1) symlinkSync(`loop${index - 1}`, join(root, `loop${index}`));
  for (const folder of ['locked', 'closed']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'locked/readonly'), 'kept', { mode: 0o444 });
  writeFileSync(join(root, 'closed/x'), 'kept');
  chmodSync(join(root, 'locked'), 0o555);
  chmodSync(join(root, 'closed'), 0);
}

function steps(): Step[] {
  return [
    { label: 'file', number: Call.open, arguments: [p('f'), Open.readOnly], save: 'file' },
    { label: 'path', number: Call.open, arguments: [p('f'), Open.path], save: 'path' },
    { label: 'socket', number: Call.socket, arguments: [1, 1, 0], save: 'socket' },
    ...rows.map(([label, number, ...rest]) => ({ label, number, arguments: rest })),
  ];
}

/** The rows by the call they make, which is the first word of a label. */
const byCall = new Map<string, string[]>();
for (const [label] of rows) {
  const call = label.split(' ', 1).join('');
  byCall.set(call, [...(byCall.get(call) ?? []), label]);
}

function describe({ label, result, errno }: StepResult): string {
  return `${label}: ${result === -1 ? (getSystemErrorMap().get(-errno)?.[0] ?? errno) : 'succeeds'}`;
}

forEachBacking(`calls that fail natively fail the same way in the sandbox (${who})`, async (t, backing) => {
  for (const place of ['outside', 'inside']) {
    const root = temporaryDirectory(t);
    const work = join(root, 'work');
    makeFailingFixture(work);
    const before = isRoot ? strictSnapshot(work) : [];
    const native = await rawCalls(steps(), { cwd: work });
    const allowed = place === 'inside' ? work : join(root, 'allowed');
    mkdirSync(allowed, { recursive: true });
    const sandboxed = await rawCalls(steps(), {
      cwd: work,
      sandbox: [`--write-allow=${allowed}`],
      env: backing.env,
    });
    for (const [call, labels] of byCall) {
      await t.test(`${call}, ${place} the allowed tree (${labels.length} ways to fail)`, () => {
        const [expected, actual] = [native, sandboxed].map((results) =>
          labels.map((label) => describe(resultOf(results, label))),
        );
        assert.deepEqual(
          expected?.filter((line) => line.endsWith('succeeds')),
          [],
          'natively',
        );
        const mayBeRefused = labels.map((label) => place === 'outside' && afterPermission.has(label));
        assert.deepEqual(
          actual?.filter((line, index) => !(mayBeRefused[index] === true && line.endsWith('EPERM'))),
          expected?.filter(
            (_, index) => !(mayBeRefused[index] === true && actual?.[index]?.endsWith('EPERM') === true),
          ),
        );
      });
    }
    if (isRoot) assert.deepEqual(strictSnapshot(work), before);
  }
});
