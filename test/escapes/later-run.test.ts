/** What a run leaves behind in the allowed tree does not make a later run, with the same options, allow or write more. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, type Ground, makeGround } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';
import { strictSnapshot } from '../support/snapshot.ts';

interface Trap {
  readonly title: string;
  /** The trap cannot be laid, since the place stays as it is. */
  readonly isKept?: true;
  /** What is there before the first run. */
  readonly prepare: (ground: Ground) => void;
  readonly options: (ground: Ground) => readonly string[];
  /** What the command of the first run does in `a`, where it may. */
  readonly script: string;
}

const TRAPS: readonly Trap[] = [
  {
    title: 'a directory above an allowed path becomes a link',
    prepare: ({ a, o }) =>
      [join(a, 'x/y'), join(o, 'y')].forEach((path) => mkdirSync(path, { recursive: true })),
    options: ({ a }) => [`--write-allow=${a},${a}/x/y`],
    script: 'mv x z && ln -s ../o x',
  },
  {
    title: 'an allowed path below another becomes a link',
    prepare: ({ a }) => mkdirSync(join(a, 'x')),
    options: ({ a }) => [`--write-allow=${a}`, `--write-allow=${a}/./x/`],
    script: 'rmdir x && ln -s ../o x',
  },
  {
    title: 'a link that an allowed path leads through names something else',
    prepare: ({ root, a }) => {
      mkdirSync(join(root, 'real'));
      symlinkSync(a, join(root, 'way'));
      mkdirSync(join(a, 'x'));
    },
    options: ({ root, a }) => [`--write-allow=${a},${root}/way/x`],
    script: 'rmdir x && ln -s ../o x',
  },
  {
    title: 'a missing allowed path is there, as a link',
    prepare: () => undefined,
    options: ({ a }) => [`--write-allow=${a},${a}/missing`],
    script: 'ln -s ../o missing',
  },
  {
    title: 'the log becomes a link',
    isKept: true,
    prepare: () => undefined,
    options: ({ a }) => [`--write-allow=${a}`, `--log=${a}/log`],
    script: 'rm -f log; ln -s ../o/f log',
  },
  {
    title: 'an allowed Unix socket becomes a link',
    prepare: () => undefined,
    options: ({ a }) => [`--write-allow=${a}`, `--allow-unix=${a}/s`],
    script: 'ln -s ../o/f s',
  },
];

/** It writes what only the link could have allowed, and does what is logged. */
const SECOND = 'echo x > ../o/f; echo x > ../o/new; echo x > ../o/y/new; mkdir ../refused';

for (const { title, isKept = false, prepare, options, script } of TRAPS) {
  for (const engine of engines) {
    for (const backing of backings) {
      void test(`F14 F15 ${title}: a later run says so and changes nothing, ${engine.name} ${backing.name} (${who})`, async (t) => {
        const ground = makeGround(t);
        prepare(ground);
        const before = strictSnapshot(ground.o);
        const runs = (command: string): ReturnType<typeof run> =>
          run(secfiltWords([...engine.options, ...options(ground), '--', 'sh', '-c', command]), {
            cwd: ground.a,
            env: backing.env,
          });
        const first = await runs(script);
        // Where every change is performed, some traps cannot even be laid.
        const isLaid = first.code === 0;
        assert.ok(isKept ? !isLaid : isLaid || !backing.landlock, first.stderr);
        const later = await runs(SECOND);
        assert.deepEqual(strictSnapshot(ground.o), before);
        if (!isLaid) return;
        assert.deepEqual([later.code, later.stdout], [125, '']);
        assert.match(later.stderr, /leads through an allowed tree: .*\/a\/\w+, .*name what it leads to\n$/);
      });
    }
  }
}
