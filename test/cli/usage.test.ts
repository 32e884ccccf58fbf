/**
 * Bad usage: nothing runs, the exit code is 125, and stderr names the word that is wrong.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { projectRoot, secfiltScript } from '../support/environment.ts';
import { run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Options, and a word that stderr must hold. The command would leave a file behind. */
const bad: readonly (readonly [options: readonly string[], word: string])[] = [
  [['--no-such-option'], '--no-such-option'],
  [['--readonly'], '--readonly'],
  [['--read-only=perhaps'], 'perhaps'],
  [['--read-only=2'], '2'],
  [['--read-only='], '--read-only'],
  [['--write-allow='], '--write-allow'],
  [['--write-allow'], '--write-allow'],
  [['--write-allow=/no/such/parent/file'], '/no/such/parent'],
  [['--write-allow=/tmp,'], '--write-allow'],
  [['--write-allow=,/tmp'], '--write-allow'],
  [['--write-allow=/etc/passwd/below'], '/etc/passwd'],
  [['--engine=magic'], 'magic'],
  [['--engine='], '--engine'],
  [['-x'], '-x'],
  [['--write-allow=/tmp', '--read-only=maybe'], 'maybe'],
  [['--version=1'], '--version'],
  [['--json'], '--json'],
  [['--read-only', '--json=yes'], '--json'],
  [['--config=/dev/zero'], '/dev/zero'],
  [['--probe', '--explain'], '--explain'],
];

void test('bad options end with 125 and are named', async (t) => {
  const trace = join(temporaryDirectory(t), 'trace');
  for (const [options, word] of bad) {
    const { code, stdout, stderr } = await secfilt([...options, '--', 'touch', trace]);
    assert.equal(code, 125, `${options.join(' ')}: ${stderr}`);
    assert.equal(stdout, '');
    assert.match(stderr, /^secfilt: /);
    assert.ok(stderr.includes(word), `${stderr} does not name ${word}`);
    assert.equal(existsSync(trace), false, options.join(' '));
  }
});

void test('a missing command ends with 125', async () => {
  for (const words of [[], ['--read-only'], ['--read-only=1', '--'], ['--write-allow=/tmp']]) {
    const { code, stderr } = await secfilt(words);
    assert.equal(code, 125, words.join(' '));
    assert.match(stderr, /^secfilt: .*command/);
  }
});

void test('words are escaped before they reach a terminal', async () => {
  const { code, stderr } = await secfilt(['--\u{1b}[31mred\n', '--', 'true']);
  assert.equal(code, 125);
  assert.ok(!stderr.includes('\u{1b}'), JSON.stringify(stderr));
});

void test('--help and --version print to stdout and end with 0', async () => {
  const help = await secfilt(['--help']);
  assert.equal(help.code, 0);
  assert.equal(help.stderr, '');
  for (const word of ['--read-only', '--write-allow', '--engine'])
    assert.ok(help.stdout.includes(word), word);
  assert.deepEqual(await secfilt(['-h']), help);
  const version = await secfilt(['--version']);
  const { version: expected }: { version: string } = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  );
  assert.deepEqual([version.code, version.stderr], [0, '']);
  assert.ok(version.stdout.includes(expected), version.stdout);
});

void test('every spelling of yes and no', async (t) => {
  const directory = temporaryDirectory(t);
  for (const value of ['', '=1', '=true', '=yes', '=on']) {
    const { code } = await secfilt([`--read-only${value}`, '--', 'touch', join(directory, 'refused')]);
    assert.equal(code, 1, value);
    assert.equal(existsSync(join(directory, 'refused')), false);
  }
  for (const value of ['=0', '=false', '=no', '=off']) {
    const path = join(directory, value);
    const { code, stderr } = await secfilt([`--read-only${value}`, '--', 'touch', path]);
    assert.deepEqual([code, stderr], [0, ''], value);
    assert.ok(existsSync(path), value);
  }
});

void test('--allow-write is --write-allow, and both imply --read-only', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'w'));
  for (const option of ['--allow-write', '--write-allow']) {
    const words = [
      `${option}=${join(directory, 'w')}`,
      'touch',
      join(directory, 'w', option),
      join(directory, 'x'),
    ];
    const { code, stderr } = await secfilt(words);
    assert.equal(code, 1);
    assert.match(stderr, /x': Operation not permitted/);
    assert.ok(existsSync(join(directory, 'w', option)));
    assert.equal(existsSync(join(directory, 'x')), false);
  }
});

void test('code in the current directory is not loaded', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'node_modules/koffi'), { recursive: true });
  const evil = "require('fs').writeFileSync('loaded', 'x')";
  writeFileSync(join(directory, 'node_modules/koffi/index.js'), evil);
  writeFileSync(join(directory, 'evil.js'), evil);
  symlinkSync('evil.js', join(directory, 'index.js'));
  const { code } = await secfilt(['--read-only', '--', 'true'], {
    cwd: directory,
    env: { NODE_PATH: join(directory, 'node_modules') },
  });
  assert.equal(code, 0);
  assert.equal(existsSync(join(directory, 'loaded')), false);
});

void test('what is installed by halves runs nothing, and says so in a line', async (t) => {
  const root = temporaryDirectory(t);
  cpSync(dirname(secfiltScript), join(root, 'dist'), { recursive: true });
  writeFileSync(join(root, 'dist/program.cjs'), '');
  const words = [process.execPath, join(root, 'dist/secfilt.cjs'), 'touch', join(root, 'trace')];
  const { code, stdout, stderr } = await run(words);
  assert.equal(code, 125);
  assert.equal(stdout, '');
  assert.match(stderr, /^secfilt: cannot start: .+\n$/);
  assert.ok(!existsSync(join(root, 'trace')));
});

void test('S09 a command is found in a folder of PATH that is no UTF-8, as a shell finds it', async (t) => {
  const folder = join(temporaryDirectory(t), 'bin');
  const script = `d="$0"$(printf '\\377'); mkdir "$d"; printf '#!/bin/sh\\necho found\\n' > "$d/mine"; chmod 755 "$d/mine"
    PATH="$d:$PATH"; export PATH; mine; exec "$@"`;
  const words = [process.execPath, secfiltScript, '--read-only', 'mine'];
  const { code, stdout, stderr } = await run(['sh', '-c', script, folder, ...words]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: 'found\nfound\n' }, stderr);
});
