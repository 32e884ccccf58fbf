/**
 * Every way out to a destination that is not allowed, on loopback. Natively each reaches the listener outside; in the
 * sandbox none does.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import type { Scope } from '../support/temporary.ts';
import { ATTEMPTS } from './attempts.ts';
import { type Listener, listen, settle } from './listeners.ts';
import { pythonResults } from './python.ts';

const GOOD = '127.1.0.1';
const BAD = '127.2.0.1';

/** What a listener at 127.2.0.1 cannot hear natively. */
const ELSEWHERE = [
  'zero address',
  'zero address mapped',
  'zero address udp',
  'multicast',
  'broadcast',
  'routing header',
];
/** Nobody listens where it leads to. */
const NOBODY = ['zero address', 'zero address mapped'];
/** Refused by the filter, which knows no destination. */
const FILTERED: Readonly<Record<string, string>> = { 'routing header': 'EPERM' };

interface Ground {
  readonly good: Listener;
  readonly bad: Listener;
}

async function ground(t: Scope, bad = BAD): Promise<Ground> {
  return { good: await listen(t, GOOD), bad: await listen(t, bad) };
}

function words({ good, bad }: Ground): string[] {
  return [good.address, bad.address, String(good.port), String(bad.port)];
}

void test(`natively every attempt reaches the listener (${who})`, async (t) => {
  const here = await ground(t);
  const results = await pythonResults(ATTEMPTS, words(here));
  await settle(here.bad);
  for (const [name, result] of Object.entries(results)) {
    if (!ELSEWHERE.includes(name)) assert.equal(result, 'ok', name);
  }
  const reaching = Object.keys(results).length - ELSEWHERE.length;
  assert.equal(here.bad.heard.length, reaching, JSON.stringify(here.bad.heard));
});

for (const [policy, options] of [
  ['no network', ['--no-outbound-network']],
  ['other networks', ['--allowed-netmasks=127.1.0.0/16']],
  ['other ports', ['--allowed-ports=1']],
  ['hosts of which nobody has heard', ['--allowed-hosts=*.example,127.2.0.1:1']],
  [
    'a denial within',
    [
      '--allowed-netmasks=127.1.0.0/16,127.2.0.1:1',
      '--allowed-hosts=127.2.0.0/16',
      '--denied-hosts=127.2.0.1',
    ],
  ],
] as const) {
  void test(`no attempt gets out where there is ${policy} (${who})`, async (t) => {
    const here = await ground(t);
    const opensGood = options.some((option) => option.includes('=127.1.0.0/16'));
    const results = await pythonResults(ATTEMPTS, words(here), { sandbox: options });
    await settle(here.bad);
    assert.deepEqual(here.bad.heard, []);
    for (const [name, result] of Object.entries(results)) {
      const sentFirst = name === 'sendmmsg second' && opensGood;
      const nobody = NOBODY.includes(name) ? 'ECONNREFUSED' : undefined;
      const expected = sentFirst ? 'sent 1, lengths [8, 77, 77]' : (FILTERED[name] ?? nobody ?? 'EPERM');
      assert.equal(result, expected, name);
    }
    const expected = opensGood ? ['tcp', 'udp mm first'] : [];
    await settle(here.good);
    assert.deepEqual(here.good.heard.toSorted(), expected);
  });
}

void test(`0.0.0.0 is loopback, and allowed only as loopback (${who})`, async (t) => {
  const here = await ground(t, '127.0.0.1');
  const zero = ['zero address', 'zero address mapped', 'zero address udp'];
  const refused = await pythonResults(ATTEMPTS, [...words(here), ...zero], {
    sandbox: ['--allowed-netmasks=127.1.0.0/16'],
  });
  await settle(here.bad);
  assert.deepEqual(here.bad.heard, []);
  assert.deepEqual(new Set(Object.values(refused)), new Set(['EPERM']));
  const allowed = await pythonResults(ATTEMPTS, [...words(here), ...zero], {
    sandbox: ['--allowed-netmasks=127.0.0.1'],
  });
  await settle(here.bad);
  assert.deepEqual(new Set(Object.values(allowed)), new Set(['ok']));
  assert.equal(here.bad.heard.length, 3, JSON.stringify(here.bad.heard));
});

void test(`an allowed destination is reached in every way (${who})`, async (t) => {
  const here = await ground(t);
  const results = await pythonResults(ATTEMPTS, words(here), {
    sandbox: [
      '--allowed-netmasks=127.1.0.0/16,127.2.0.1',
      `--allowed-ports=${here.good.port},${here.bad.port}`,
    ],
  });
  await settle(here.bad);
  for (const [name, result] of Object.entries(results)) {
    const refused = NOBODY.includes(name) ? 'ECONNREFUSED' : 'EPERM';
    assert.equal(result, ELSEWHERE.includes(name) ? refused : 'ok', name);
  }
  assert.equal(here.bad.heard.length, Object.keys(results).length - ELSEWHERE.length);
});

void test(`network and port must both match (${who})`, async (t) => {
  const here = await ground(t);
  const results = await pythonResults(ATTEMPTS, [...words(here), 'connect', 'sendto'], {
    sandbox: ['--allowed-netmasks=127.2.0.0/16', `--allowed-ports=${here.good.port}`],
  });
  await settle(here.bad);
  assert.deepEqual(results, { connect: 'EPERM', sendto: 'EPERM' });
  assert.deepEqual(here.bad.heard, []);
});
