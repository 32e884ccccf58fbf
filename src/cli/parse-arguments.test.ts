import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { optionNames } from '../options/option-table.ts';
import { type ParsedArguments, parseArguments } from './parse-arguments.ts';
import { UsageError } from './usage-error.ts';

/** `name=value` for each assignment, then the command. */
function summarize(parsed: ParsedArguments): string {
  if (parsed.kind !== 'run') return parsed.kind;
  const said = parsed.assignments.map(({ option, text, on }) =>
    option.kind === 'boolean' ? `${option.name}:${on}` : `${option.name}=${text}`,
  );
  return [...said, '|', ...parsed.command.map((word) => word.toString('latin1'))].join(' ');
}

void test('parseArguments() reads options up to the command', () => {
  const rows: [string[], string][] = [
    [['ls'], '| ls'],
    [['ls', '-la', '--read-only', '--', 'x'], '| ls -la --read-only -- x'],
    [['--', 'ls'], '| ls'],
    [['--', '--read-only'], '| --read-only'],
    [['--', '--', 'x'], '| -- x'],
    [['--read-only', 'ls'], 'read-only:true | ls'],
    [['--read-only', '1', 'ls'], 'read-only:true | 1 ls'],
    [['--read-only=1', 'ls'], 'read-only:true | ls'],
    [['--read-only=0', 'ls'], 'read-only:false | ls'],
    [['--read-only=yes', '--read-only=off', 'ls'], 'read-only:true read-only:false | ls'],
    [['--read-only', '--', 'ls'], 'read-only:true | ls'],
    [['--write-allow=/a', 'ls'], 'write-allow=/a | ls'],
    [['--write-allow', '/a', 'ls', '--write-allow', '/x'], 'write-allow=/a | ls --write-allow /x'],
    [['--allow-write=/a,/b', '--write-allow=/c', 'ls'], 'write-allow=/a write-allow=/b write-allow=/c | ls'],
    [['--write-allow=a\\,b', 'ls'], 'write-allow=a,b | ls'],
    [['--write-allow=-x', 'ls'], 'write-allow=-x | ls'],
    [['--write-allow==x', 'ls'], 'write-allow==x | ls'],
    [['--write-allow=\xff\xfe', '\x80'], 'write-allow=\xff\xfe | \x80'],
    [
      ['--allowed-netmask=10.0.0.0/8', '--allowed-port=80,443', 'ls'],
      'allowed-netmasks=10.0.0.0/8 allowed-ports=80 allowed-ports=443 | ls',
    ],
    [['-v', '-c', 'f', '--config=g', 'ls'], 'verbose:true config=f config=g | ls'],
    [['-vcf', 'ls'], 'verbose:true config=f | ls'],
    [['-vc', 'f', 'ls'], 'verbose:true config=f | ls'],
    [['--config=a,b', 'ls'], 'config=a,b | ls'],
    [['--log', '-', 'ls'], 'log=- | ls'],
    [['--engine=trace', 'ls'], 'engine=trace | ls'],
    [['-'], '| -'],
    [['', 'x'], '|  x'],
    [['a=b'], '| a=b'],
    [['-h'], 'help'],
    [['--help', '--nonsense'], 'help'],
    [['--version'], 'version'],
    [['ls', '--help'], '| ls --help'],
  ];
  for (const [words, expected] of rows)
    assert.equal(summarize(parseArguments(words)), expected, words.join(' '));
});

void test('parseArguments() refuses what it does not understand, and names the word', () => {
  const rows: [string[], string][] = [
    [[], 'no command is given: secfilt [options] [--] command [arguments]'],
    [['--'], 'no command is given: secfilt [options] [--] command [arguments]'],
    [['--read-only'], 'no command is given: secfilt [options] [--] command [arguments]'],
    [
      ['--read-only=maybe', 'ls'],
      '--read-only: "maybe" is not a boolean: expected 1 or 0, true or false, yes or no, on or off',
    ],
    [
      ['--read-only=', 'ls'],
      '--read-only: "" is not a boolean: expected 1 or 0, true or false, yes or no, on or off',
    ],
    [
      ['--read-only=TRUE', 'ls'],
      '--read-only: "TRUE" is not a boolean: expected 1 or 0, true or false, yes or no, on or off',
    ],
    [['-v', '--version=1'], '--version: "1" is too much: it takes no value'],
    [['--help=0', 'ls'], '--help: "0" is too much: it takes no value'],
    [['--reed-only', 'ls'], '"--reed-only" is not an option: did you mean --read-only?'],
    [['--reed-only=1', 'ls'], '"--reed-only" is not an option: did you mean --read-only?'],
    [['--frobnicate', '--help'], '"--frobnicate" is not an option: secfilt --help lists them'],
    [['--c', 'f', 'ls'], '"--c" is not an option: secfilt --help lists them'],
    [['--v', 'ls'], '"--v" is not an option: secfilt --help lists them'],
    [['-x', 'ls'], '"-x" is not an option: secfilt --help lists them'],
    [['-vx', 'ls'], '"-x" is not an option: secfilt --help lists them'],
    [['-v=1', 'ls'], '"-=" is not an option: secfilt --help lists them'],
    [['---', 'ls'], '"---" is not an option: secfilt --help lists them'],
    [['--=x', 'ls'], '"--=x" is not an option: secfilt --help lists them'],
    [['--__proto__', 'ls'], '"--__proto__" is not an option: secfilt --help lists them'],
    [['--constructor=1', 'ls'], '"--constructor" is not an option: secfilt --help lists them'],
    [['--\x1b[31m', 'ls'], '"--\\x1b[31m" is not an option: secfilt --help lists them'],
    [['--write-allow=', 'ls'], '--write-allow needs a value: --write-allow=PATH'],
    [['--write-allow'], '--write-allow needs a value: --write-allow=PATH'],
    [['-c'], '-c needs a value: --config=FILE'],
    [['--allow-write', '', 'ls'], '--allow-write needs a value: --write-allow=PATH'],
    [
      ['--write-allow', '--read-only', 'ls'],
      '--write-allow: "--read-only" is not a value: --write-allow=PATH is how to give one that starts with a dash',
    ],
    [
      ['--write-allow', '--', 'ls'],
      '--write-allow: "--" is not a value: --write-allow=PATH is how to give one that starts with a dash',
    ],
    [
      ['--write-allow=/a,,/b', 'ls'],
      '--write-allow: "/a,,/b" has an empty item: a comma stands between two items',
    ],
    [
      ['--allowed-ports=80,', 'ls'],
      '--allowed-ports: "80," has an empty item: a comma stands between two items',
    ],
    [
      ['--engine=ptrace', 'ls'],
      '--engine: "ptrace" is none of the choices: expected auto, notify, trace, kernel',
    ],
    [['--explain', '--probe', 'ls'], '--probe contradicts --explain: leave one of them out'],
    [['--probe', '--list-calls'], '--probe contradicts --list-calls: leave one of them out'],
    [['--explain=filter', '--list-calls'], '--list-calls contradicts --explain: leave one of them out'],
    [['--engine', 'ls'], '--engine: "ls" is none of the choices: expected auto, notify, trace, kernel'],
  ];
  for (const [words, message] of rows) {
    assert.throws(() => parseArguments(words), { name: 'UsageError', message }, words.join(' '));
  }
});

void test('parseArguments() leaves the command alone, whatever it is', () => {
  const word = fc.oneof(
    fc.constantFrom('--', '-', '-h', '--help', '--read-only', '--write-allow', '-c', '--nonsense', '-la', ''),
    fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  );
  const options = fc.constantFrom(
    [],
    ['--read-only'],
    ['--write-allow', '/a'],
    ['-v', '--quiet=1'],
    ['-c', 'x'],
  );
  fc.assert(
    fc.property(
      options,
      fc.boolean(),
      fc.array(word, { minLength: 1, maxLength: 6 }),
      (before, dashes, command) => {
        fc.pre(dashes || !command[0]?.startsWith('-') || command[0] === '-');
        const parsed = parseArguments([...before, ...(dashes ? ['--'] : []), ...command]);
        assert.ok(parsed.kind === 'run');
        assert.deepEqual(
          parsed.command.map((bytes) => bytes.toString('latin1')),
          command,
        );
      },
    ),
    { numRuns: 2000 },
  );
});

void test('parseArguments() fails in no other way than with a usage error that is safe to print', () => {
  const name = fc.constantFrom(...optionNames(), 'x', '__proto__', 'toString');
  const value = fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  const word = fc.oneof(
    name.map((text) => `--${text}`),
    fc.tuple(name, value).map(([text, given]) => `--${text}=${given}`),
    value,
    value.map((text) => `-${text}`),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => {
      try {
        parseArguments(words);
      } catch (error) {
        assert.ok(error instanceof UsageError);
        assert.doesNotMatch(error.message, /[\p{C}]/u);
      }
    }),
    { numRuns: 3000 },
  );
});
