/**
 * `secfilt --probe`: what this machine has, found out by trying.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { landlockVersion } from '../support/native.ts';
import { run, secfilt, secfiltWords } from '../support/run.ts';
import { withoutCall } from '../support/without-call.ts';

interface Attempt {
  readonly works: boolean;
  readonly errno: number;
}

interface Probe {
  readonly landlock: number;
  readonly listener: Attempt;
  readonly ptrace: Attempt;
  readonly pidfdGetfd: Attempt;
  readonly processVmReadv: Attempt;
  readonly mseal: Attempt;
  readonly engine: string | null;
  readonly reasons: readonly string[];
}

async function probe(...options: string[]): Promise<Probe> {
  const { code, stdout, stderr } = await secfilt(['--engine=auto', '--probe', '--json', ...options]);
  assert.equal(code, 0, stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by what the tests compare
  return JSON.parse(stdout) as Probe;
}

void test('what it says of Landlock is what the kernel says', async () => {
  assert.equal((await probe()).landlock, landlockVersion());
});

void test('the engine it names runs, and without a listener it is another', async () => {
  const { engine, listener } = await probe('--read-only');
  assert.equal(engine === 'notify', listener.works);
  const ran = await secfilt([`--engine=${engine}`, '--read-only', '--', 'sh', '-c', 'exit 5']);
  assert.equal(ran.code, 5, ran.stderr);
  const inner = secfiltWords(['--engine=auto', '--probe', '--json', '--read-only']);
  const { stdout, stderr } = await secfilt(['--read-only', '--', ...inner]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by what the tests compare
  const nested = JSON.parse(stdout || stderr) as Probe;
  assert.deepEqual(nested.listener, { works: false, errno: 16 });
  assert.notEqual(nested.engine, 'notify');
  assert.ok(nested.reasons.some((reason) => reason.startsWith('notify: ')));
});

/** The feature, the number of the call, and the policy whose engine needs it. */
const FORBIDDEN = [
  ['pidfdGetfd', 438, '--allowed-netmasks=10.0.0.0/8', 'pidfd_getfd'],
  ['processVmReadv', 310, '--read-only', 'process_vm_readv'],
  ['ptrace', 101, '--engine=trace', 'ptrace'],
  ['mseal', 462, '--read-only', undefined],
] as const;

for (const [feature, number, option, needed] of FORBIDDEN) {
  void test(`a call that is forbidden here is tried, and found so: ${feature}`, async () => {
    const words = secfiltWords(['--engine=auto', '--probe', '--json', option]);
    const { stdout, stderr } = await run(withoutCall(number, words));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked by what the tests compare
    const found = JSON.parse(stdout || stderr) as Probe;
    assert.deepEqual(found[feature], { works: false, errno: 1 });
    const isBlamed = found.reasons.some((reason) => needed !== undefined && reason.includes(needed));
    assert.equal(isBlamed, needed !== undefined, JSON.stringify(found));
  });
}

void test('it says which option an engine cannot do', async () => {
  const { engine, reasons } = await probe('--engine=kernel', '--allowed-netmasks=10.0.0.0/8');
  assert.equal(engine, null);
  assert.ok(reasons.some((reason) => reason.includes('--allowed-netmasks')));
});

void test('the text names every feature on a line of its own', async () => {
  const { stdout } = await secfilt(['--probe']);
  for (const feature of [
    'Landlock',
    'seccomp listener',
    'descriptors handed over by the listener',
    'wake-up on the same CPU',
    'calls not interrupted while answered',
    'pidfd_getfd',
    'process_vm_readv',
    'ptrace',
    'mseal',
  ]) {
    assert.match(stdout, new RegExp(`^  ${feature} +(yes|no|ABI)`, 'm'));
  }
  assert.match(stdout, /^engine: \w+/m);
});
