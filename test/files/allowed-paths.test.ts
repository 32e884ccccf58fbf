/**
 * What `--write-allow` may name: a file, a directory, what does not exist yet, what goes and comes back.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { Call, Rename } from '../support/numbers.ts';
import { rawCalls, resultOf } from '../support/probe.ts';
import { shell } from '../support/shell.ts';
import { listing, strictSnapshot } from '../support/snapshot.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const REFUSED = /Operation not permitted/;

forEachBacking(
  `a file that does not exist yet may be made, and nothing beside it (${who})`,
  async (t, backing) => {
    const root = temporaryDirectory(t);
    const script =
      'cd "$1" && echo one > new && echo two >> new && chmod 600 new && touch -d @1000 new; echo x > other';
    const { stderr, code } = await shell(script, [root], { backing, allow: [join(root, 'new')] });
    assert.match(stderr, REFUSED);
    assert.equal(code, 1);
    assert.equal(readFileSync(join(root, 'new'), 'utf8'), 'one\ntwo\n');
    assert.deepEqual(readdirSync(root), ['new']);
  },
);

forEachBacking(`a file that is made has the flags that were asked for (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  const script = 'exec 9> "$1/new" && grep flags /proc/self/fdinfo/9';
  const native = execFileSync('sh', ['-c', script, 'sh', root], { encoding: 'utf8' });
  rmSync(join(root, 'new'));
  const { stdout } = await shell(script, [root], { backing, allow: [join(root, 'new')] });
  assert.equal(stdout, native);
});

forEachBacking(
  `a directory that does not exist yet is allowed with all below it (${who})`,
  async (t, backing) => {
    const root = temporaryDirectory(t);
    const script = `cd "$1" && mkdir new && echo x > new/f && mkdir -p new/a/b && mv new/f new/a/b/g && ln new/a/b/g new/h &&
    ln -s h new/l && echo y >> new/l && chmod 700 new/a && mkfifo new/p && truncate -s 3 new/h && cp -a new/a new/c &&
    rm -r new/a && echo fine`;
    const { stdout, stderr } = await shell(script, [root], { backing, allow: [join(root, 'new')] });
    assert.deepEqual({ stdout, stderr }, { stdout: 'fine\n', stderr: '' });
    assert.deepEqual(listing(join(root, 'new')), ['c', 'c/b', 'c/b/g', 'h', 'l', 'p']);
  },
);

forEachBacking(`a directory may be removed and made again (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'w/below'), { recursive: true });
  const script =
    'cd "$1" && rm -rf w && mkdir w && touch w/x && mkdir w/y && echo z > w/y/z && echo fine; touch other';
  const { stdout, stderr } = await shell(script, [root], { backing, allow: [join(root, 'w')] });
  assert.equal(stdout, 'fine\n');
  assert.match(stderr, REFUSED);
  assert.deepEqual(listing(root), ['w', 'w/x', 'w/y', 'w/y/z']);
});

forEachBacking(`a file may be replaced and rewritten, its directory not (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  writeFileSync(join(root, 'f'), 'old\n');
  const script =
    'cd "$1" && echo new > f && rm f && echo again > f && truncate -s 2 f; mv f g; ln f h; chmod 700 .';
  const { stderr } = await shell(script, [root], { backing, allow: [join(root, 'f')] });
  assert.equal(stderr.match(/Operation not permitted/g)?.length, 3, stderr);
  assert.equal(readFileSync(join(root, 'f'), 'utf8'), 'ag');
  assert.deepEqual(readdirSync(root), ['f']);
});

forEachBacking(`an allowed path never becomes a link to another (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  for (const name of ['v', 'w', 'o']) mkdirSync(join(root, name));
  const before = strictSnapshot(join(root, 'o'));
  const at = (name: string) => ({ path: join(root, name) });
  const steps = [
    { label: 'symlink elsewhere', number: Call.symlink, arguments: [at('o'), at('v/l')] },
    {
      label: 'exchange',
      number: Call.renameat2,
      arguments: [-100, at('v/l'), -100, at('w'), Rename.exchange],
    },
    { label: 'rmdir', number: Call.rmdir, arguments: [at('w')] },
    { label: 'symlink', number: Call.symlink, arguments: [at('o'), at('w')] },
    { label: 'rename', number: Call.rename, arguments: [at('v/l'), at('w')] },
    { label: 'link', number: Call.link, arguments: [at('v/l'), at('w')] },
    { label: 'mkdir', number: Call.mkdir, arguments: [at('w'), 0o755] },
    { label: 'write below', number: Call.creat, arguments: [at('w/new'), 0o644] },
  ];
  const results = await rawCalls(steps, {
    sandbox: [`--write-allow=${join(root, 'v')},${join(root, 'w')}`],
    env: backing.env,
  });
  assert.deepEqual(
    steps.map(({ label }) => `${label} ${resultOf(results, label).errno}`),
    [
      'symlink elsewhere 0',
      'exchange 1',
      'rmdir 0',
      'symlink 1',
      'rename 1',
      'link 1',
      'mkdir 0',
      'write below 0',
    ],
  );
  assert.deepEqual(strictSnapshot(join(root, 'o')), before);
});

forEachBacking(
  `several paths, by comma and by option, relative and through links (${who})`,
  async (t, backing) => {
    const root = temporaryDirectory(t);
    for (const name of ['a', 'b', 'c', 'o']) mkdirSync(join(root, name));
    symlinkSync('c', join(root, 'link'));
    const script = 'for d in a b c; do echo x > $d/x; done; echo x > o/x; echo x > link/y';
    const { stderr } = await shell(script, [], {
      backing,
      cwd: root,
      allow: ['a,./b/', join(root, 'link')],
    });
    assert.equal(stderr.match(/Operation not permitted/g)?.length, 1, stderr);
    assert.deepEqual(
      ['a/x', 'b/x', 'c/x', 'c/y', 'o/x'].map((name) => existsSync(join(root, name))),
      [true, true, true, true, false],
    );
  },
);

forEachBacking(`--write-allow=/ allows every ordinary file (${who})`, async (t, backing) => {
  const root = temporaryDirectory(t);
  const { stdout, stderr, code } = await shell('echo x > "$1/x" && cat "$1/x"', [root], {
    backing,
    allow: ['/'],
  });
  assert.deepEqual({ stdout, stderr, code }, { stdout: 'x\n', stderr: '', code: 0 });
});
