/**
 * The manual page and the completions, read by the programs that they are made for.
 */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { projectRoot } from '../support/environment.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { isInstalled } from './installed.ts';

const page = join(projectRoot, 'share/man/man1/secfilt.1');
const completion = (name: string): string => join(projectRoot, 'share/completions', name);

void test('groff, which man uses, sets the page without a warning', async (t) => {
  if (!isInstalled('groff')) return t.skip('groff is not installed');
  const { code, stdout, stderr } = await run(['groff', '-man', '-Tascii', '-ww', '-P-cbu', '-rLL=78n', page]);
  assert.deepEqual([code, stderr], [0, '']);
  for (const words of ['--write-allow=PATH', '-c FILE, --config=FILE', 'EXIT STATUS', '\\,'])
    assert.ok(stdout.includes(words), words);
});

/** Asks bash what it would offer after a line, which ends at the cursor. The words are split as readline does. */
const ASK_BASH = String.raw`
set -u
source "$1"
COMP_LINE=$2 COMP_POINT=${'$'}{#2}
shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_secfilt secfilt "${'$'}{COMP_WORDS[COMP_CWORD]}" "${'$'}{COMP_WORDS[COMP_CWORD - 1]}"
((${'$'}{#COMPREPLY[@]} == 0)) || printf '%s\n' "${'$'}{COMPREPLY[@]}"
`;

const bashCases: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['secfilt --write', ['--write-allow=', '--write-deny=', '--write-own=']],
  ['secfilt --allow', ['--allow-write=', '--allowed-netmasks=', '--allowed-netmask=', '--allowed-ports=']],
  ['secfilt --engine=', ['auto', 'notify', 'trace', 'kernel']],
  ['secfilt --engine=k', ['kernel']],
  ['secfilt --read-only=y', ['yes']],
  ['secfilt -v --write-allow=fil', ['file1', 'file2']],
  ['secfilt --write-allow=file1,fil', ['file1,file1', 'file1,file2']],
  ['secfilt -c fil', ['file1', 'file2']],
  ['secfilt --allowed-netmasks=fd00:1::/64 --li', ['--list-calls']],
  ['secfilt --read-only onlyherecommand', ['onlyherecommand-x']],
  ['secfilt -c file1 -- onlyherecommand', ['onlyherecommand-x']],
  ['secfilt --allowed-ports 443 onlyherecommand', ['onlyherecommand-x']],
];

for (const [line, offered] of bashCases) {
  void test(`bash: ${line}`, async (t) => {
    const directory = temporaryDirectory(t);
    for (const name of ['file1', 'file2', 'other']) writeFileSync(join(directory, name), '');
    mkdirSync(join(directory, 'bin'));
    writeFileSync(join(directory, 'bin/onlyherecommand-x'), '#!/bin/sh\n', { mode: 0o755 });
    const words = line.split(/([=:])| /).filter((word) => word !== undefined && word !== '');
    if (/[ =]$/.test(line)) words.push(...(line.endsWith(' ') ? [''] : []));
    const { code, stdout, stderr } = await run(
      ['bash', '--norc', '-c', ASK_BASH, 'bash', completion('secfilt.bash'), line, ...words],
      { cwd: directory, env: { PATH: `${join(directory, 'bin')}:${process.env['PATH']}` } },
    );
    assert.deepEqual([code, stderr], [0, '']);
    const replies = stdout.split('\n').slice(0, -1);
    for (const word of offered) assert.ok(replies.includes(word), `${word} is not in ${replies.join(' ')}`);
    if (!line.endsWith('--allow')) assert.equal(replies.length, offered.length, replies.join(' '));
  });
}

void test('zsh takes the completion', async (t) => {
  if (!isInstalled('zsh')) return t.skip('zsh is not installed');
  const directory = temporaryDirectory(t);
  const { code, stderr } = await run(['zsh', '-f', '-n', completion('_secfilt')]);
  assert.deepEqual([code, stderr], [0, '']);
  // compinit finds the file by its first line.
  const script = `fpath=(${join(projectRoot, 'share/completions')} $fpath); autoload -U compinit; compinit -u -d ${join(directory, 'dump')}; print $_comps[secfilt]`;
  const found = await run(['zsh', '-f', '-c', script], { env: { HOME: directory } });
  assert.deepEqual([found.stdout, found.code], ['_secfilt\n', 0], found.stderr);
});

/** A zsh at a terminal of its own, that lists what it would offer. Whoever is never answered runs into the time limit. */
const ASK_ZSH = String.raw`
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -d $2/dump; bindkey '^I' list-choices; echo rea''dy"
zpty -r shell text '*ready*'
zpty -w -n shell "$3"$'\t'
zpty -r shell text "*$4*" && print offered
zpty -d shell
`;

const zshCases: readonly (readonly [line: string, offered: string])[] = [
  ['secfilt --write', '--write-allow*--'],
  ['secfilt --engine=', 'auto*kernel*notify*trace'],
  ['secfilt --write-allow=other,fil', 'file1*file2'],
  ['secfilt --read-only onlyhere', 'onlyherecommand-x*onlyherecommand-y'],
];

for (const [line, offered] of zshCases) {
  void test(`zsh: ${line}`, async (t) => {
    if (!isInstalled('zsh')) return t.skip('zsh is not installed');
    const directory = temporaryDirectory(t);
    for (const name of ['file1', 'file2', 'other']) writeFileSync(join(directory, name), '');
    mkdirSync(join(directory, 'bin'));
    for (const name of ['onlyherecommand-x', 'onlyherecommand-y'])
      writeFileSync(join(directory, 'bin', name), '#!/bin/sh\n', { mode: 0o755 });
    const words = ['zsh', '-f', '-c', ASK_ZSH, 'zsh', completion(''), directory, line, offered];
    const env = { HOME: directory, TERM: 'xterm', PATH: `${join(directory, 'bin')}:${process.env['PATH']}` };
    const { code, stdout, stderr } = await run(words, { cwd: directory, env });
    assert.deepEqual([stdout, code], ['offered\n', 0], stderr);
  });
}

const fishCases: readonly (readonly [line: string, offered: string])[] = [
  ['secfilt --write', '--write-allow'],
  ['secfilt --engine=k', '--engine=kernel'],
  ['secfilt --read-only -- onlyherecommand', 'onlyherecommand-x'],
  ['secfilt -c file1 onlyherecommand', 'onlyherecommand-x'],
  ['secfilt --write-allow=fil', '--write-allow=file1'],
];

for (const [line, offered] of fishCases) {
  void test(`fish: ${line}`, async (t) => {
    if (!isInstalled('fish')) return t.skip('fish is not installed');
    const directory = temporaryDirectory(t);
    writeFileSync(join(directory, 'file1'), '');
    mkdirSync(join(directory, 'bin'));
    writeFileSync(join(directory, 'bin/onlyherecommand-x'), '#!/bin/sh\n', { mode: 0o755 });
    const script = 'source $argv[1]; complete -C $argv[2]';
    const { code, stdout, stderr } = await run(
      ['fish', '--no-config', '-c', script, completion('secfilt.fish'), line],
      { cwd: directory, env: { HOME: directory, PATH: `${join(directory, 'bin')}:${process.env['PATH']}` } },
    );
    assert.deepEqual([code, stderr], [0, '']);
    const replies = stdout.split('\n').map((reply) => reply.split('\t')[0]);
    assert.ok(replies.includes(offered), stdout);
  });
}
