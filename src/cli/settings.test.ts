import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseArguments } from './parse-arguments.ts';
import { makeSettings, type Settings } from './settings.ts';

function settingsOf(...words: string[]): Settings {
  const parsed = parseArguments([...words, 'command']);
  assert.ok(parsed.kind === 'run');
  return makeSettings(parsed.assignments);
}

void test('makeSettings() has defaults that restrict nothing', () => {
  const { policy, engine, log, verbose, quiet } = settingsOf();
  assert.deepEqual(
    { engine, log, verbose, quiet },
    { engine: 'auto', log: undefined, verbose: false, quiet: false },
  );
  assert.equal(policy.readOnly, false);
  assert.equal(policy.network, 'open');
});

void test('makeSettings() takes the last of what can be said once, and adds up what can be repeated', () => {
  const settings = settingsOf(
    '-v',
    '--engine=trace',
    '--write-allow=/b',
    '--engine=notify',
    '--write-allow=/a',
    '--verbose=0',
    '--log=x',
    '--log=y',
  );
  assert.equal(settings.engine, 'notify');
  assert.equal(settings.verbose, false);
  assert.equal(settings.log?.text, 'y');
  assert.deepEqual(
    settings.policy.writable.map(({ text }) => text),
    ['/b', '/a'],
  );
});

void test('makeSettings() knows what implies what', () => {
  const rows: [string[], boolean, string][] = [
    [['--read-only'], true, 'open'],
    [['--write-allow=/a'], true, 'open'],
    [['--read-only=0'], false, 'open'],
    [['--read-only', '--read-only=0'], false, 'open'],
    [['--mainstream-network-families'], false, 'families'],
    [['--allowed-ports=1'], false, 'listed'],
    [['--allowed-netmasks=::1', '--mainstream-network-families'], false, 'listed'],
    [['--allow-resolv'], false, 'listed'],
    [['--allow-resolv=0'], false, 'open'],
    [['--no-outbound-network'], false, 'none'],
    [['--no-outbound-network', '--allowed-ports=1', '--allow-resolv'], false, 'none'],
    [['--no-outbound-network=0', '--allowed-ports=1'], false, 'listed'],
    [['--no-outbound-network=0', '--mainstream-network-families=0'], false, 'open'],
    [['--read-only', '--allow-unix=/s'], true, 'open'],
    [['--mainstream-network-families', '--allow-unix=/s'], false, 'families'],
  ];
  for (const [words, readOnly, network] of rows) {
    const { policy } = settingsOf(...words);
    assert.deepEqual([policy.readOnly, policy.network], [readOnly, network], words.join(' '));
  }
});

void test('makeSettings() refuses contradictions', () => {
  const rows: [string[], string][] = [
    [
      ['--read-only=0', '--write-allow=/a'],
      '--read-only: "0" contradicts --write-allow, which implies read-only: leave one of them out',
    ],
    [
      ['--allow-write=/a', '--read-only=no'],
      '--read-only: "no" contradicts --allow-write, which implies read-only: leave one of them out',
    ],
    [
      ['--mainstream-network-families=0', '--no-outbound-network'],
      '--mainstream-network-families: "0" contradicts --no-outbound-network, which implies mainstream-network-families: leave one of them out',
    ],
    [
      ['--mainstream-network-families=0', '--allow-resolv'],
      '--mainstream-network-families: "0" contradicts --allow-resolv, which implies mainstream-network-families: leave one of them out',
    ],
    [
      ['--allow-unix=/s'],
      '--allow-unix has no effect: Unix sockets are open unless files or the network are restricted',
    ],
  ];
  for (const [words, message] of rows)
    assert.throws(() => settingsOf(...words), { name: 'UsageError', message });
});
