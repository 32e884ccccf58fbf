/**
 * Where everything that a program does is allowed, it must not notice that it is the supervisor who does it: the same
 * results, errors, waits and signals as natively.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { CALLS } from './calls.ts';
import { pythonResults } from './python.ts';

const native = new Map<string, unknown>();

void test(`what programs do with sockets, natively (${who})`, async (t) => {
  for (const [name, result] of Object.entries(await pythonResults(CALLS, [temporaryDirectory(t)]))) {
    native.set(name, result);
  }
  assert.ok(native.size > 30);
});

/** Before Linux 6.9 nobody can copy a descriptor of a thread whose table is its own, so what it sends is refused. */
const OWN_TABLE_REFUSED = ['own table', ['EPERM']] as const;
const withoutThreadDescriptors = (): boolean => native.get('thread descriptors') === 'EINVAL';

function compare(results: Record<string, unknown>): void {
  assert.equal(Object.keys(results).length, native.size);
  const expected = withoutThreadDescriptors() ? new Map([...native, OWN_TABLE_REFUSED]) : native;
  for (const [name, result] of Object.entries(results)) assert.deepEqual(result, expected.get(name), name);
}

void test(`the same under --allowed-netmasks (${who})`, async (t) => {
  compare(
    await pythonResults(CALLS, [temporaryDirectory(t)], { sandbox: ['--allowed-netmasks=127.0.0.0/8'] }),
  );
});

forEachBacking(`the same under --write-allow (${who})`, async (t, backing) => {
  const folder = temporaryDirectory(t);
  compare(await pythonResults(CALLS, [folder], { sandbox: [`--write-allow=${folder}`], env: backing.env }));
});
