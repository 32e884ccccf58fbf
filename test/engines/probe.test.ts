/**
 * `secfilt --probe`: what this machine has, found out by trying.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { landlockVersion } from '../support/native.ts';
import { secfilt, secfiltWords } from '../support/run.ts';

interface Attempt {
  readonly works: boolean;
  readonly errno: number;
}

interface Probe {
  readonly landlock: number;
  readonly listener: Attempt;
  readonly ptrace: Attempt;
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
    'ptrace',
    'mseal',
    'pidfd_getfd',
    'process_vm_readv',
  ]) {
    assert.match(stdout, new RegExp(`^  ${feature} +(yes|no|ABI)`, 'm'));
  }
  assert.match(stdout, /^engine: \w+/m);
});
