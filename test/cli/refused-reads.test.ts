/**
 * What a person is told of rules about reading and executing: refused reads in -v, the summary and the log, with advice that helps; and
 * one line where the kernel alone held the rules.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { isRoot, testEngine } from '../support/environment.ts';
import { run, secfilt, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

function makeGround(t: TestContext): { root: string; env: Record<string, string> } {
  const root = temporaryDirectory(t);
  for (const name of ['home/.ssh', 'data/a', 'out']) mkdirSync(join(root, name), { recursive: true });
  for (const name of ['1', '2', '3', '4', '5']) writeFileSync(join(root, 'data/a', name), `${name}\n`);
  for (const name of ['home/.ssh/id_rsa', 'home/.npmrc', 'data/b', 'data/c.key'])
    writeFileSync(join(root, name), 'x\n');
  return { root, env: { HOME: join(root, 'home') } };
}

const LANDLOCKS = [undefined, '0'];

void test('refused reads are told of as they happen, in the summary and in the log', async (t) => {
  const { root, env } = makeGround(t);
  for (const landlock of LANDLOCKS) {
    const options = { cwd: root, env: { ...env, SECFILTER_LANDLOCK: landlock } };
    const { stderr } = await secfilt(
      ['-v', '--log=out/log', '--read-deny=data', '--', 'sh', '-c', 'cat data/b'],
      options,
    );
    assert.ok(
      stderr.includes(`secfilt: refused read ${root}/data/b (openat: EACCES): --read-deny=data\n`),
      stderr,
    );
    assert.ok(stderr.includes(`  read ${root}/data/b   allow with --read-allow=${root}/data/b\n`), stderr);
    const lines = readFileSync(join(root, 'out/log'), 'utf8').trimEnd().split('\n');
    writeFileSync(join(root, 'out/log'), '');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is missing shows in the assertion
    const all = JSON.parse(`[${lines.join(',')}]`) as readonly Record<string, unknown>[];
    const records = all.filter((record) => record['verdict'] === 'refused');
    assert.deepEqual(
      records.map(({ operation, object, errno, rule, allow }) => ({ operation, object, errno, rule, allow })),
      [
        {
          operation: 'read',
          object: { kind: 'path', path: `${root}/data/b` },
          errno: 'EACCES',
          rule: '--read-deny=data',
          allow: `--read-allow=${root}/data/b`,
        },
      ],
    );
  }
});

/** Runs the script with what the summaries advise, until nothing more is advised. */
async function takesAdvice(root: string, env: object, policy: string, script: string): Promise<string[]> {
  const taken: string[] = [];
  for (let round = 0; ; round += 1) {
    const line = `exec "$@" ${policy} ${taken.join(' ')} -- sh -c "$SCRIPT"`;
    const { code, stderr } = await run(['bash', '-c', line, 'bash', ...secfiltWords(['-v'])], {
      cwd: root,
      env: { ...env, SCRIPT: script },
    });
    const advised = [...stderr.matchAll(/   allow with (.*)$/gm)].flatMap(([, options = '']) => options);
    if (advised.length === 0) {
      assert.equal(code, 0, stderr);
      return taken;
    }
    assert.ok(round < 4 && advised.every((option) => !taken.includes(option)), stderr);
    taken.push(...advised);
  }
}

void test('advice about what was refused by rules helps, and is narrow', async (t) => {
  const { root, env } = makeGround(t);
  const taken = (policy: string, script: string): Promise<string[]> => takesAdvice(root, env, policy, script);
  assert.deepEqual(await taken('--read-deny=data', 'cat data/b'), [`--read-allow=${root}/data/b`]);
  assert.deepEqual(await taken('--read-deny=data', 'cd data/a; cat 1 2 3 4 5'), [
    `--read-allow=${root}/data/a`,
  ]);
  assert.deepEqual(
    (await taken('--read-deny=data/a', 'cd data/a; cat 1 2 3 4 5')).toSorted(),
    ['1', '2', '3', '4', '5'].map((name) => `--read-allow=${root}/data/a/${name}`),
  );
  assert.deepEqual(await taken('--write-allow=data --write-deny=data/a', 'echo >data/a/1'), [
    `--write-allow=${root}/data/a/1`,
  ]);
  assert.deepEqual(await taken('--write-deny=data', 'echo >data/b'), [`--write-allow=${root}/data/b`]);
});

void test('no option is advised that would not help, and a secret only with a warning', async (t) => {
  const { root, env } = makeGround(t);
  const told = async (words: readonly string[], script: string): Promise<string> =>
    (await secfilt(['-v', ...words, '--', 'sh', '-c', script], { cwd: root, env })).stderr;
  const itself = await told(['--read-deny=data/b'], 'cat data/b');
  assert.ok(itself.includes(`data/b   no option allows it: --read-deny=data/b denies just this\n`), itself);
  const pattern = await told(['--read-deny=**/*.key'], 'cat data/c.key');
  assert.ok(pattern.includes('no option allows it: --read-deny=**/*.key denies just this\n'), pattern);
  const written = await told(['--write-allow=data', '--write-deny=data/b'], 'echo >data/b');
  assert.ok(written.includes('no option allows it: --write-deny=data/b denies just this\n'), written);
  for (const name of ['.ssh/id_rsa', '.npmrc']) {
    const secret = await told(['--read-deny=/', '--read-allow=@system'], `cat "$HOME/${name}"`);
    assert.match(
      secret,
      /WARNING, sensitive \((?:keys|credentials|a secret)\): only if it is to be read, --read-allow=\S+/,
    );
    assert.doesNotMatch(secret, /allow with --read-allow=/);
  }
});

void test('rules that the kernel alone held are counted in one line, where the command failed and one may have refused something', async (t) => {
  if (isRoot || testEngine === 'trace')
    return t.skip('once is enough, for somebody who can make nothing in /');
  const { root, env } = makeGround(t);
  const probe = await secfilt(['--probe', '--json']);
  if (/"landlock":0\b/.test(probe.stdout)) return t.skip('this kernel has no Landlock');
  // What lies in nobody's directory but root's, who makes nothing there.
  const denied = ['--write-allow=out', '--read-deny=/etc/passwd'];
  const said = async (words: readonly string[], script: string): Promise<string> =>
    (await secfilt([...words, '--', 'sh', '-c', script], { cwd: root, env })).stderr
      .split('\n')
      .filter((line) => /rule|refused read/.test(line))
      .join('\n');
  const line = 'secfilt: 1 rule about reading was held by the kernel (-v shows what it refuses)';
  assert.equal(await said(denied, 'cat /etc/passwd'), line);
  assert.equal(await said(denied, 'true'), '');
  assert.equal(await said(['--quiet', ...denied], 'false'), '');
  assert.equal(await said(['--write-allow=out', '--read-deny=/etc/there-is-no-such-file'], 'false'), '');
  assert.equal(await said(['--write-allow=out'], 'false'), '');
  assert.match(
    await said(['-v', ...denied], 'cat /etc/passwd'),
    /refused read \/etc\/passwd .*: --read-deny=\/etc\/passwd$/m,
  );
  assert.equal(
    await said(['--exec-deny=/usr/bin/cat'], 'cat /dev/null'),
    'secfilt: 1 rule about executing was held by the kernel, which tells nobody what it refuses',
  );
  assert.equal(
    await said(['--engine=kernel', '-v', ...denied], 'true'),
    'secfilt: 1 rule about reading is held by the kernel, which tells nobody what it refuses',
  );
});
