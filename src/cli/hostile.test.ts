/** Words and files that nobody would write: understood or refused with a UsageError, never a crash. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { readConfigFiles } from './config-file.ts';
import { makePolicy } from './make-policy.ts';
import { findOption, optionNames } from '../options/option-table.ts';
import { parseArguments } from './parse-arguments.ts';
import { makeSettings } from './settings.ts';
import { UsageError } from './usage-error.ts';
import { parseNetwork } from '../policy/networks.ts';
import { parsePorts } from '../policy/ports.ts';
import { ValueError } from '../policy/value-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'secfilter-hostile-'));
after(() => rmSync(folder, { recursive: true }));

/** Text whose characters are bytes, none of them NUL: a word of a command line. */
const word = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constantFrom(...Buffer.from('-=,/#\\ ~$.:0@"'))))
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const option = fc
  .tuple(
    fc.constantFrom('--', '-', '', '---'),
    fc.constantFrom(...optionNames(), 'c', 'v', 'h'),
    fc.constantFrom('', '=', ' ', '=='),
    word,
  )
  .map((parts) => parts.join(''));
const value = fc.constantFrom(
  '1',
  '0',
  'yes',
  '/tmp',
  '.',
  '10.0.0.0/8',
  '::1/128',
  '80',
  '0-65535',
  '010.0.0.1',
  '/33',
  '1-',
  '-1',
  'a,,b',
  '\\,',
);

/** What an action throws, if it is not what it may throw. */
function faultOf(action: () => unknown, ...kinds: (typeof UsageError | typeof ValueError)[]): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return kinds.some((kind) => error instanceof kind) ? undefined : error;
  }
}

void test('a command line of any bytes is understood or refused', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(option, word, value), { maxLength: 6 }), (words) => {
      assert.equal(
        faultOf(() => {
          const parsed = parseArguments(words);
          if (parsed.kind === 'run') makeSettings(parsed.assignments);
        }, UsageError),
        undefined,
      );
    }),
    { numRuns: 2000 },
  );
});

void test('a config file of any bytes is understood or refused', () => {
  const file = join(folder, 'config');
  const line = fc.oneof(
    word,
    option,
    fc.tuple(fc.constantFrom(...optionNames(), 'include'), value).map(([key, text]) => `${key}=${text}`),
  );
  const config = findOption('config');
  assert.ok(config !== undefined);
  const assignment = {
    option: config,
    spelling: '--config',
    text: file,
    on: true,
    origin: { kind: 'command-line' },
  } as const;
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 5 }),
      fc.constantFrom('\n', '\r\n', '\0', '\n\n'),
      (lines, separator) => {
        writeFileSync(file, lines.join(separator), 'latin1');
        assert.equal(
          faultOf(() => makeSettings(readConfigFiles([assignment], {}).assignments), UsageError),
          undefined,
        );
      },
    ),
    { numRuns: 500 },
  );
});

void test('a config file that includes itself, or a chain of them, ends', () => {
  const file = join(folder, 'loop');
  writeFileSync(file, `include=${file}\n`);
  const config = findOption('config');
  assert.ok(config !== undefined);
  const given = {
    option: config,
    spelling: '--config',
    text: file,
    on: true,
    origin: { kind: 'command-line' },
  } as const;
  assert.throws(() => readConfigFiles([given], {}), UsageError);
});

void test('networks and ports of any text are read or refused', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.constantFrom('0', '1', '9', '255', '256', '.', ':', '/', '[', ']', '%', 'f', '-', ','), {
        maxLength: 20,
      })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (given) => {
      assert.equal(
        faultOf(() => parseNetwork(given), ValueError),
        undefined,
      );
      assert.equal(
        faultOf(() => parsePorts(given), ValueError),
        undefined,
      );
    }),
    { numRuns: 3000 },
  );
});

void test('a policy of ten thousand paths is made at once, each once', async () => {
  const words = Array.from({ length: 10_000 }, (_, n) => `${folder}/p${n % 5000}`);
  const parsed = parseArguments([`--write-allow=${words.join(',')}`, 'true']);
  assert.ok(parsed.kind === 'run');
  const policy = await makePolicy(makeSettings(parsed.assignments).policy);
  assert.equal(new Set(policy.files?.writable.map(String)).size, 5000);
});
