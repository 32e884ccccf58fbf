import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fromText } from './byte-string.ts';
import { canonicalOptions } from './canonical-options.ts';
import type { Policy } from '../policy/policy.ts';
import { formatPattern } from '../rules/format-pattern.ts';
import type { Rule } from '../rules/rule.ts';
import { readCommandLine } from './command-line.ts';
import { makePolicy } from './make-policy.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'secfilter-test-')));
after(() => rmSync(folder, { recursive: true }));
const config = join(folder, 'c.conf');
writeFileSync(config, 'set.mine=a,$HOME/*\n');
for (const name of ['a', 'b,c', 'd\\']) mkdirSync(join(folder, name));

async function settingsOf(words: readonly string[]) {
  const commandLine = await readCommandLine([`--config=${config}`, ...words, '--', 'true']);
  assert.ok(commandLine.kind === 'run');
  return commandLine.settings;
}

function withoutSaid(rules: readonly Rule[] | undefined): unknown {
  return rules?.map(({ effect, place }) =>
    place.kind === 'path' ? [effect, place] : [effect, formatPattern(place.pattern)],
  );
}

/** What is said about the rules is not the same. */
function withoutWords({ files, read, execute, ...rest }: Policy): unknown {
  return {
    ...rest,
    files: files && { ...files, rules: withoutSaid(files.rules) },
    read: withoutSaid(read),
    execute: withoutSaid(execute),
  };
}

const CASES: readonly (readonly string[])[] = [
  [],
  ['--read-only'],
  ['--write-allow=a,b\\,c', `--write-allow=d\\`, '--engine=kernel'],
  ['--write-own=a', '--own-tmp', '--write-allow=.'],
  ['--own-tmp', '--quiet'],
  ['--no-outbound-network', '--allowed-ports=80', '--verbose'],
  ['--allowed-ports=80,443-450', '--allowed-netmasks=10.0.0.0/8,::1', '--allow-resolv'],
  ['--mainstream-network-families', '--engine=trace'],
  [
    `--allowed-hosts=${fromText('bücher')}.example:80,443,*.example.org,db@private`,
    '--denied-netmasks=@loopback',
  ],
  ['--denied-ports=25', '--denied-hosts=a.example:1-2/udp', '--allowed-listen=80,[::1]:81,82'],
  ['--no-outbound-network', '--allowed-netmasks=10.0.0.1:80,443', '--allowed-listen=none'],
  ['--read-only', '--allow-unix=a/s,@name\\,d,./@x'],
  ['--read-only', '--write-deny=a'],
  ['--write-deny=a,/'],
  ['--write-allow=a,**/x', '--write-deny=a/[!b]?', '--own-tmp'],
  [
    '--write-allow=*',
    '--read-deny=/,**/\\$x,@mine',
    '--read-allow=a\\*,/usr',
    '--exec-deny=/',
    '--exec-allow=a',
  ],
];

for (const words of CASES) {
  void test(`the same policy from any directory: ${words.join(' ')}`, async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      const settings = await settingsOf(words);
      const policy = await makePolicy(settings.policy);
      const options = canonicalOptions(settings, policy).map((word) => word.toString('latin1'));
      process.chdir('/');
      const again = await settingsOf(options);
      assert.deepEqual(withoutWords(await makePolicy(again.policy)), withoutWords(policy));
      assert.deepEqual(
        [again.engine, again.quiet, again.verbose],
        [settings.engine, settings.quiet, settings.verbose],
      );
      assert.deepEqual(
        canonicalOptions(again, policy).map((word) => word.toString('latin1')),
        options,
      );
    } finally {
      process.chdir(before);
    }
  });
}
