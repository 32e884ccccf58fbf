import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rule } from '../rules/rule.ts';
import { startRefusal, startRefusalText } from './start-refusal.ts';

const rule = (effect: Rule['effect'], path: string): Rule => ({
  effect,
  place: { kind: 'path', path: Buffer.from(path) },
  said: `--x-${effect}=${path}`,
});
const FILES = ['/home/u/run.py', '/usr/bin/python3', '/lib/ld.so'].map((path) => Buffer.from(path));

const CASES: [about: string, read: Rule[], execute: Rule[], text: string | undefined][] = [
  ['nothing is denied', [], [], undefined],
  [
    'what is allowed again',
    [rule('deny', '/'), rule('allow', '/usr'), rule('allow', '/lib'), rule('allow', '/home/u')],
    [],
    undefined,
  ],
  [
    'the command',
    [rule('deny', '/home')],
    [],
    'it is not to be read (--x-deny=/home); what would be right: --read-allow=/home/u/run.py',
  ],
  [
    'everything',
    [rule('deny', '/')],
    [],
    'it is not to be read (--x-deny=/); what would be right: --read-allow=/home/u/run.py or --read-allow=@system',
  ],
  [
    'its interpreter',
    [],
    [rule('deny', '/usr')],
    '/usr/bin/python3, by which it runs, is not to be executed (--x-deny=/usr); what would be right: --exec-allow=/usr/bin/python3',
  ],
  [
    'the loader',
    [rule('deny', '/lib/ld.so')],
    [],
    '/lib/ld.so, by which it runs, is not to be read (--x-deny=/lib/ld.so); leave that out',
  ],
];

for (const [about, read, execute, text] of CASES) {
  void test(`a command whose rules deny: ${about}`, () => {
    const refusal = startRefusal(
      { files: undefined, read, execute, network: undefined, unixSockets: [] },
      FILES,
    );
    const said = refusal && startRefusalText(refusal, FILES[0] ?? Buffer.alloc(0), String);
    assert.equal(said, text);
  });
}
