/**
 * `--learn=FILE --read-deny=/`: what a command reads becomes rules under which it runs again, and reads no more than that.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { run, secfilt, type RunOptions } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

interface Ground {
  readonly root: string;
  readonly options: RunOptions & { readonly cwd: string };
}

/** A project, a home with a key, and what lies elsewhere. */
function makeGround(t: TestContext): Ground {
  const root = temporaryDirectory(t);
  for (const name of ['project', 'home/.ssh', 'elsewhere', 'untouched'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'home/.ssh/id_rsa'), 'a key\n');
  for (const name of ['elsewhere', 'untouched']) writeFileSync(join(root, name, 'file'), `${name}\n`);
  return { root, options: { cwd: join(root, 'project'), env: { HOME: join(root, 'home') } } };
}

/** Learns the command and runs it under what was learned, which opens nothing else. */
async function roundTrip(
  { root, options }: Ground,
  shell: string,
  file = join(root, 'learned.conf'),
): Promise<string> {
  const learned = await secfilt([`--learn=${file}`, '--read-deny=/', '--', 'sh', '-c', shell], options);
  assert.equal(learned.code, 0, learned.stderr);
  const text = readFileSync(file, 'latin1');
  const again = await secfilt([`--config=${file}`, '-v', '--', 'sh', '-c', shell], options);
  assert.deepEqual([again.code, again.stdout], [0, learned.stdout], `${again.stderr}\n${text}`);
  const more = await secfilt([`--config=${file}`, '--', 'sh', '-c', `cat '${root}/untouched/file'`], options);
  assert.deepEqual([more.code, more.stdout], [1, ''], text);
  return text;
}

const PROGRAMS: readonly (readonly [program: string, shell: string])[] = [
  ['bash', 'bash -c "echo a >a; cat a ../elsewhere/file"'],
  [
    'git',
    'rm -rf .git && git init -q && echo a >f && git add f && git -c user.name=a -c user.email=a@example.org commit -qm a && git status -s && rm -rf .git',
  ],
  ['python3', 'echo "import json, ssl; print(json.dumps(1))" >a.py; python3 -B a.py'],
  [
    'node',
    "echo \"console.log(require('fs').readFileSync('../elsewhere/file', 'utf8'))\" >a.cjs; node a.cjs",
  ],
];

for (const [program, shell] of PROGRAMS) {
  void test(`what ${program} reads is learned`, async (t) => {
    if ((await run(['sh', '-c', `command -v ${program}`])).code !== 0)
      return t.skip(`there is no ${program}`);
    const ground = makeGround(t);
    const text = await roundTrip(ground, shell);
    assert.match(text, /^read-deny=\/$/m);
    assert.match(text, /^read-allow=@system$/m);
    assert.ok(text.includes(`\nread-allow=${ground.root}/project\n`), text);
    assert.doesNotMatch(text, /^read-allow=\/(?:usr|lib|bin|etc)?$/m);
  });
}

void test('a file in the working directory says it by a dot, and many files become their directory', async (t) => {
  const ground = makeGround(t);
  for (const name of ['1', '2', '3', '4', '5']) writeFileSync(join(ground.root, 'elsewhere', name), '');
  writeFileSync(join(ground.root, 'project/script'), '#!/bin/sh\n. ./lib\n', { mode: 0o755 });
  writeFileSync(join(ground.root, 'project/lib'), 'echo lib\n');
  const file = join(ground.root, 'project/learned.conf');
  const text = await roundTrip(
    ground,
    './script; cat ../elsewhere/1 ../elsewhere/2 ../elsewhere/3 ../elsewhere/4 ../elsewhere/5',
    file,
  );
  assert.match(text, /^read-allow=\.$/m);
  assert.ok(text.includes(`\nread-allow=${ground.root}/elsewhere\n`), text);
});

void test('what it made itself among temporary files, and read again, opens nothing of others', async (t) => {
  const ground = makeGround(t);
  const text = await roundTrip(
    { ...ground, options: { ...ground.options, env: { ...ground.options.env, TMPDIR: '/tmp' } } },
    'd=$(mktemp -d) && echo x >"$d/y" && cat "$d/y" && rm -r "$d"',
  );
  assert.doesNotMatch(text, /read-allow=\/tmp$/m);
});

void test('what lies in @secrets is commented out with a warning, and stays closed', async (t) => {
  const { root, options } = makeGround(t);
  const file = join(root, 'learned.conf');
  const shell = 'cat "$HOME/.ssh/id_rsa"; true';
  const learned = await secfilt([`--learn=${file}`, '--read-deny=/', '--', 'sh', '-c', shell], options);
  assert.equal(learned.stdout, 'a key\n', learned.stderr);
  const text = readFileSync(file, 'latin1');
  assert.ok(text.includes(`# WARNING: keys; read once\n#read-allow=${root}/home/.ssh/id_rsa\n`), text);
  const again = await secfilt([`--config=${file}`, '--', 'sh', '-c', shell], options);
  assert.deepEqual([again.code, again.stdout], [0, '']);
});

void test('other restrictions stay errors beside --learn', async (t) => {
  const { root, options } = makeGround(t);
  const file = join(root, 'learned.conf');
  for (const words of [
    ['--read-deny=elsewhere'],
    ['--read-deny=/', '--read-allow=.'],
    ['--read-deny=/', '--read-only'],
    ['--read-deny=/,/etc'],
  ]) {
    const { code, stderr } = await secfilt([`--learn=${file}`, ...words, '--', 'true'], options);
    assert.equal(code, 125, words.join(' '));
    assert.match(
      stderr,
      /--learn watches a run without restrictions: .*--read-deny=\/ to learn what is read/,
    );
  }
});
