/**
 * What `secfilt --list-calls` says of a policy.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { landlockVersion } from '../support/native.ts';
import { isRoot } from '../support/environment.ts';
import { secfilt } from '../support/run.ts';

interface Listed {
  readonly number: number;
  readonly name: string;
  readonly answers: readonly string[];
}

async function listed(...options: string[]): Promise<Map<string, readonly string[]>> {
  const { code, stdout, stderr } = await secfilt([...options, '--list-calls', '--json']);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  return new Map(listOf(stdout));
}

function listOf(stdout: string): [string, readonly string[]][] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is missing shows in the assertions
  const calls = JSON.parse(stdout) as Listed[];
  return calls.map(({ name, answers }) => [name, answers]);
}

void test('--list-calls says what becomes of every call under a policy', async () => {
  const files = await listed('--read-only');
  assert.equal(files.size, 385);
  assert.deepEqual(files.get('read'), ['allowed']);
  assert.deepEqual(files.get('mount'), ['EPERM']);
  assert.deepEqual(files.get('io_uring_setup'), ['ENOSYS']);
  assert.deepEqual(files.get('unlink'), ['judged']);
  assert.deepEqual(files.get('openat'), ['allowed', 'judged']);
  assert.deepEqual(files.get('socket'), ['allowed']);
  const network = await listed('--no-outbound-network');
  // Who may make names in the root directory is asked about all of them.
  assert.deepEqual(network.get('unlink'), [isRoot || landlockVersion() < 1 ? 'judged' : 'allowed']);
  assert.deepEqual(network.get('mount'), ['EPERM']);
  assert.deepEqual(network.get('connect'), ['judged']);
  assert.ok(network.get('socket')?.includes('EAFNOSUPPORT'));
});

void test('--list-calls says it of the engine that a run would have', async () => {
  const traced = await listed('--engine=trace', '--read-only');
  // There the supervisor itself is the tracer.
  assert.deepEqual(traced.get('ptrace'), ['EPERM']);
  assert.deepEqual(traced.get('unlink'), ['judged']);
  const words = ['--engine=kernel', '--read-only', '--list-calls', '--json'];
  const { code, stdout, stderr } = await secfilt(words);
  if (landlockVersion() < 6) {
    assert.equal(code, 125);
    return assert.match(stderr, /Landlock/);
  }
  const kernel = new Map(listOf(stdout));
  assert.deepEqual(kernel.get('unlink'), ['allowed']);
  assert.deepEqual(kernel.get('chmod'), ['EPERM']);
  assert.ok([...kernel.values()].every((answers) => !answers.includes('judged')));
});

void test('--list-calls as text has a line a call, and one for all others', async () => {
  const { code, stdout } = await secfilt(['--read-only', '--list-calls']);
  assert.equal(code, 0);
  assert.equal(stdout.trimEnd().split('\n').length, 386);
  assert.match(stdout, /^ {2}83 mkdir +judged +makes a directory$/m);
  assert.match(stdout, /^ +any other number: ENOSYS/m);
});
