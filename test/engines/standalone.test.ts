/** A stand-alone compiled policy where its start is unusual: without calls that it needs, at a terminal, inside a sandbox. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { isRoot, secfiltScript, testEngine, who } from '../support/environment.ts';
import { landlockVersion } from '../support/native.ts';
import { run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { Terminal } from '../support/terminal.ts';
import { withoutCall } from '../support/without-call.ts';

const lacks =
  landlockVersion() < 6
    ? 'the kernel engine needs Landlock ABI 6'
    : testEngine === 'trace'
      ? 'no other engine has a part in it'
      : undefined;

async function compiled(root: string, options: readonly string[]): Promise<string> {
  const file = join(root, 'compiled');
  const words = [process.execPath, secfiltScript, `--compile=${file}`, '--engine=kernel', ...options];
  const { code, stderr } = await run(words);
  assert.equal(code, 0, stderr);
  return file;
}

function standaloneTest(title: string, body: (t: TestContext, root: string) => Promise<void>): void {
  void test(`stand-alone: ${title} (${who})`, (t) =>
    lacks === undefined ? body(t, temporaryDirectory(t)) : t.skip(lacks));
}

/** Numbers of x86-64. */
const NEEDED = {
  open: 2,
  readlink: 89,
  capget: 125,
  capset: 126,
  prctl: 157,
  seccomp: 317,
  close_range: 436,
  landlock_create_ruleset: 444,
  landlock_add_rule: 445,
  landlock_restrict_self: 446,
};

standaloneTest(
  'where a call that it needs is refused nothing is executed, and it says so',
  async (t, root) => {
    const inside = join(root, 'a');
    mkdirSync(inside);
    const file = await compiled(root, [`--write-allow=${inside}`]);
    const ran = join(inside, 'ran');
    for (const [name, number] of Object.entries(NEEDED)) {
      if (name === 'capset' && !isRoot) continue;
      const { code, stderr } = await run(withoutCall(number, [file, '/bin/mkdir', ran]));
      assert.deepEqual([code, existsSync(ran)], [125, false], `${name}: ${stderr}`);
      assert.match(stderr, /^secfilt: [^\n]+\n$/, name);
      if (name === 'landlock_create_ruleset')
        assert.match(stderr, /the kernel needs Landlock ABI 6 or later/);
    }
    assert.equal((await run([file, '/bin/mkdir', ran])).code, 0);
  },
);

standaloneTest('it gives up what the kernel engine gives up, whatever it starts with', async (t, root) => {
  if (!isRoot) return t.skip('only root has something to give up');
  const file = await compiled(root, ['--read-only']);
  for (const options of [
    ['--bounding-set=-chown,-kill'],
    ['--bounding-set=-chown,-setpcap'],
    ['--reuid=65534', '--inh-caps=+chown,+net_admin', '--ambient-caps=+chown,+net_admin'],
  ]) {
    const sets: string[] = [];
    for (const words of [[file], [process.execPath, secfiltScript, '--engine=kernel', '--read-only', '--']]) {
      const started = ['setpriv', ...options, ...words, 'grep', '^Cap', '/proc/self/status'];
      const { stdout, stderr } = await run(started);
      assert.equal(stderr, '');
      sets.push(stdout);
    }
    assert.match(sets[0] ?? '', /^CapEff/m);
    assert.equal(sets[0], sets[1], options.join(' '));
  }
});

standaloneTest('words as long and as many as the kernel takes them', async (t, root) => {
  const many = Array.from({ length: 3000 }, (_, index) => String(index));
  const file = await compiled(root, [
    '--read-only',
    '--',
    'sh',
    '-c',
    'echo $# ${#1} "${3001}"',
    'sh',
    'x'.repeat(130_000),
    ...many,
  ]);
  const { stdout, stderr } = await run([file, 'y'.repeat(130_000)], {
    env: { PATH: `/usr/bin:/bin:${'/z'.repeat(60_000)}` },
  });
  assert.deepEqual([stdout, stderr], ['3002 130000 2999\n', '']);
  const absent = await run([await compiled(root, ['--read-only']), '/'.repeat(4000) + 'z'.repeat(100_000)]);
  assert.deepEqual([absent.code, absent.stderr.endsWith('z: name too long\n')], [126, true]);
});

standaloneTest('the terminal that it is given may be written to, and no other', async (t, root) => {
  const other = new Terminal(['sleep', '1000']);
  t.after(() => other.close());
  const file = await compiled(root, ['--read-only']);
  const script = `echo own > /dev/tty; echo name > "$(tty)"; stty -F /dev/tty rows 30 && echo modes; echo other > ${other.path}; echo end; read line`;
  const said: string[] = [];
  for (const words of [[file], [process.execPath, secfiltScript, '--engine=kernel', '--read-only', '--']]) {
    const terminal = new Terminal([...words, 'sh', '-c', script], { cwd: root });
    t.after(() => terminal.close());
    await terminal.expect('end');
    said.push(terminal.text.split('end')[0] ?? '');
    terminal.type('\n');
    await terminal.ended;
  }
  assert.equal(said[0], said[1]);
  assert.match(said[0] ?? '', /name/);
  assert.match(said[0] ?? '', new RegExp(`cannot create ${other.path}`));
});

standaloneTest('inside a sandbox it is what the kernel engine is there', async (t, root) => {
  const inside = join(root, 'a');
  mkdirSync(inside);
  const script = `echo x > a/f && echo wrote; echo x > out; echo x > /dev/null && echo null; chmod 600 a/f`;
  for (const options of [[`--write-allow=${inside}`], ['--allowed-ports=1']]) {
    const file = await compiled(root, options);
    for (const outer of [[`--write-allow=${root}`], ['--engine=kernel', `--write-allow=${root}`]]) {
      const outcomes = [];
      for (const words of [[file], [process.execPath, secfiltScript, '--engine=kernel', ...options, '--']])
        outcomes.push(
          await secfilt(['--quiet', ...outer, '--', ...words, 'sh', '-c', script], { cwd: root }),
        );
      assert.deepEqual(outcomes[0], outcomes[1]);
    }
  }
});
