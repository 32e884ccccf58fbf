/**
 * What the sets of the package close, seen from outside: a home directory that has every place of a set.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { projectRoot, who } from '../support/environment.ts';
import { run, type RunOptions, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** As they stand in the file, without blanks that are escaped. */
function placesOf(set: string): string[] {
  const text = readFileSync(join(projectRoot, 'share/sets', `${set}.set`), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.indexOf('  #')).replaceAll('\\ ', ' '));
}

/** The usual places in the home directory that are paths, from there. */
function homePlacesOf(set: string): string[] {
  return placesOf(set).flatMap((place) => {
    const match = /^(?:~\/|\$\{\w+:-~\/)(?<usual>[^}*]+)\}?(?<rest>[^*]*)$/.exec(place)?.groups;
    return match === undefined ? [] : [`${match['usual']}${match['rest']}`];
  });
}

/** No variable of the sets is set but these. */
function options(home: string, env: RunOptions['env']): RunOptions {
  const names = ['secrets', 'startup', 'system'].flatMap((set) =>
    placesOf(set).flatMap((place) => /^\$\{?(?<name>\w+)/.exec(place)?.groups?.['name'] ?? []),
  );
  const none = Object.fromEntries(names.map((name): [string, undefined] => [name, undefined]));
  return { cwd: join(home, 'project'), env: { ...none, HOME: home, ...env } };
}

function makeHome(t: TestContext): string {
  const home = join(temporaryDirectory(t), 'home');
  mkdirSync(join(home, 'project'), { recursive: true });
  return home;
}

function put(home: string, places: readonly string[]): void {
  for (const place of places) {
    mkdirSync(dirname(join(home, place)), { recursive: true });
    writeFileSync(join(home, place), 'found\n');
  }
}

/** Prints each file that may be read. */
const LOOK =
  'cd; grep -rl found . 2> /dev/null | sort; grep -c found < /dev/null; grep -l found /etc/passwd; :';

forEachBacking(`@secrets: nothing of it is read, whatever leads there (${who})`, async (t, { env }) => {
  const home = makeHome(t);
  const secrets = homePlacesOf('secrets');
  assert.ok(secrets.length > 400);
  const open = ['.gitconfig', '.bashrc', '.config/Code - Other/x', '.cargo/config.toml', 'project/x'];
  const moved = ['keys/private', 'k/1', 'k/2'];
  symlinkSync('/dev/null', join(home, '.zsh_history'));
  put(home, [...secrets.filter((place) => place !== '.zsh_history'), ...open, ...moved]);
  const given = options(home, {
    ...env,
    GNUPGHOME: join(home, 'keys'),
    KUBECONFIG: `${home}/k/1:${home}/k/2`,
    HISTFILE: '/dev/null',
    XDG_CONFIG_HOME: home,
  });
  const natively = await run(['sh', '-c', LOOK], given);
  assert.equal(natively.stdout.trim().split('\n').length, secrets.length + open.length + moved.length);
  const { stdout } = await secfilt(['--quiet', '--read-deny=@secrets', 'sh', '-c', LOOK], given);
  assert.deepEqual(stdout.trim().split('\n'), [...open.map((place) => `./${place}`).toSorted(), '0']);
});

/** Makes each file that its words name, and a link at its name where that fails. */
const CHANGE = String.raw`
const fs = require('fs'), path = require('path');
process.chdir(process.env.HOME);
const attempt = (call) => { try { call(); } catch {} };
for (const place of process.argv.slice(1)) {
  attempt(() => fs.mkdirSync(path.dirname(place), { recursive: true }));
  attempt(() => fs.writeFileSync(place, 'x'));
  attempt(() => fs.symlinkSync('/etc/passwd', place));
}
fs.mkdirSync('project/node_modules/a/.idea', { recursive: true });
fs.writeFileSync('project/node_modules/a/.idea/y', 'x');
fs.writeFileSync('project/Makefile', 'x');
`;

forEachBacking(`@startup: nothing of it comes into being (${who})`, async (t, { env }) => {
  const home = makeHome(t);
  const project = placesOf('startup').filter((place) => /^\.\/[^*]+$/.test(place));
  const repositories = ['', 'deep/er/', 'bare'].flatMap((at) =>
    ['hooks/pre-commit', 'config', 'commondir', 'modules/m/hooks/x', 'worktrees/w/config.worktree'].map(
      (name) => `project/${at}.git/${name}`,
    ),
  );
  const places = [
    ...homePlacesOf('startup'),
    ...project.map((place) => `project/${place.slice(2)}`),
    ...repositories,
    'project/.hg/hgrc',
    'project/x.sublime-project',
    'Desktop/a.desktop',
    '.ipython/profile_x/startup/a.py',
  ];
  assert.ok(places.length > 400);
  const words = [process.execPath, '-e', CHANGE, '--', ...places];
  const { code, stderr } = await secfilt(
    ['--quiet', `--write-allow=${home}`, '--write-deny=@startup', '--', ...words],
    options(home, env),
  );
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(
    places.filter((place) => existsSync(join(home, place))),
    [],
  );
  assert.equal(readFileSync(join(home, 'project/node_modules/a/.idea/y'), 'utf8'), 'x');
  assert.equal(readFileSync(join(home, 'project/Makefile'), 'utf8'), 'x');
});

/** Of links and directories on the way, of what is and is not there, and of devices. */
const WAYS = String.raw`
for place in /bin/sh . /etc/localtime /proc/self/cwd /nowhere /etc/nowhere; do realpath $place; echo $?; done
for place in /etc / .. /bin /proc/self/exe /nowhere; do readlink $place; echo $?; done
cat /dev/null; : > /dev/null; : <> /dev/null; head -c 3 /dev/zero | wc -c; ls -l /bin /etc/localtime; echo $?
`;

forEachBacking(`@system: what leads to it is seen as natively (${who})`, async (t, { env }) => {
  const given = options(makeHome(t), env);
  const natively = await run(['sh', '-c', WAYS], given);
  for (const words of [[], ['--write-allow=.'], ['--write-allow=.', '-v']]) {
    const policy = [...words, '--read-deny=/', '--read-allow=@system,.'];
    const { stdout, stderr } = await secfilt([...policy, 'sh', '-c', WAYS], given);
    assert.equal(stdout, natively.stdout, `${policy.join(' ')}: ${stderr}`);
  }
});

const cargo = process.env['CARGO_HOME'] ?? join(homedir(), '.cargo');

/** With what each must be able to do by @system alone. */
const programs: readonly (readonly [name: string, script: string])[] = [
  ['bash', 'bash -c "echo hello < /dev/null"'],
  ['git', 'git init -q . && git status -s'],
  ['node', 'node -p 1+1'],
  ['npm', 'npm --version'],
  ['python3', 'python3 -c "import ssl, multiprocessing as m; m.Lock(); print(1)"'],
  ['cargo', 'cargo --version'],
  ['go', 'go env GOOS'],
  ['java', 'java -version 2>&1'],
  ['gcc', 'echo "int main(){return 0;}" > a.c && gcc a.c && ./a.out'],
  ['perl', 'perl -MPOSIX -e "print strftime(q(%Y), gmtime(0))"'],
  ['ruby', 'ruby -rjson -e "puts JSON[%q([1])]"'],
  ['man', 'man -P cat bash | head -n 1'],
  ['ssh', 'ssh -G host | head -n 1'],
  ['vim', 'echo a > v && vim -es -u NONE -c "s/a/b/" -c wq v && cat v'],
  ['gdb', 'gdb -batch -ex "print 1+1" /bin/sh'],
  ['tar', 'echo a > f && tar -czf f.tgz f && tar -tf f.tgz'],
];

for (const [name, script] of programs) {
  void test(`@system: ${name} works where nothing else may be read but its directory (${who})`, async (t) => {
    const home = makeHome(t);
    const project = join(home, 'project');
    writeFileSync(join(home, 'other'), 'found\n');
    const given = options(home, {
      PATH: `/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin:${cargo}/bin`,
      TMPDIR: project,
      CARGO_HOME: cargo,
      RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup'),
    });
    const natively = await run(['sh', '-c', script], given);
    if (natively.code !== 0) return t.skip(`${name} does not work here: ${natively.stderr.slice(-200)}`);
    const words = ['--read-deny=/', '--read-allow=@system,.', 'sh', '-c', `${script}; cat ../other`];
    const { code, stdout, stderr } = await secfilt(['--quiet', ...words], given);
    assert.deepEqual([code, stdout], [1, natively.stdout], stderr);
  });
}
