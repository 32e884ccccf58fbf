/**
 * Interfaces of the kernel that are mounted where nobody expects them: elsewhere, deep in a tree that is moved, later than the
 * sandbox began, or nowhere any more.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { isRoot, who } from '../support/environment.ts';
import { engines, type Ground, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

interface Mounting {
  readonly title: string;
  /** A shell script around the words that start the sandbox, in a mount namespace of its own. `PLACE` is where it mounts. */
  readonly outside: string;
  /** Python: `places`, the directories where /proc may be by now. */
  readonly places: string;
}

const MOUNT = 'mount -t proc proc "$PLACE"';

const MOUNTINGS: readonly Mounting[] = [
  {
    title: 'mounted elsewhere',
    outside: `${MOUNT} && "$@"`,
    places: `places = [ROOT + '/a/way/proc']`,
  },
  {
    title: 'below a directory that is renamed, or exchanged',
    outside: `${MOUNT} && "$@"`,
    places: String.raw`
os.mkdir(ROOT + '/a/other')
places = [ROOT + '/a/' + name + '/proc' for name in ('way', 'way2', 'other')]
for call in (lambda: os.rename(ROOT + '/a/way', ROOT + '/a/way2'), lambda: sc(316, -100, ROOT + '/a/way', -100, ROOT + '/a/other', 2)):
    try: call()
    except OSError: pass`,
  },
  {
    title: 'mounted after the sandbox began',
    outside: `"$@" & while [ ! -e "$PLACE/../began" ]; do sleep 0.05; done; ${MOUNT}; : > "$PLACE/../mounted"; wait $!`,
    places: String.raw`
places = [ROOT + '/a/way/proc']
open(ROOT + '/a/way/began', 'w').close()
while not os.path.exists(ROOT + '/a/way/mounted'): time.sleep(0.02)`,
  },
  {
    title: 'mounted nowhere any more',
    outside: `${MOUNT} && cd "$PLACE" && umount -l "$PLACE" && "$@"`,
    places: `places = ['.']`,
  },
];

const SCRIPT = String.raw`
opened = []
for place in places:
    for name in ('oom_score_adj', 'comm'):
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
            try: os.open(f'{place}/{os.getppid()}/{name}', flags)
            except OSError: continue
            opened.append(name)
open(ROOT + '/a/beside', 'w').write('x')
print(opened, open(ROOT + '/a/beside').read())`;

const OUTSIDE = 'exec 3>&- 4>&-; export PLACE="$1"; shift; ';

function around(mounting: Mounting, { a }: Ground, words: readonly string[]): [string, ...string[]] {
  const place = join(a, 'way/proc');
  return ['unshare', '--mount', 'bash', '-c', OUTSIDE + mounting.outside, 'bash', place, ...words];
}

function groundFor(t: TestContext): Ground {
  const ground = makeGround(t);
  mkdirSync(join(ground.a, 'way/proc'), { recursive: true });
  return ground;
}

for (const mounting of MOUNTINGS) {
  void test(`S06 /proc ${mounting.title} is not written to (${who})`, async (t) => {
    if (!isRoot) return t.skip('only root mounts');
    const natively = groundFor(t);
    const script = `${mounting.places}\n${SCRIPT}`;
    const outcome = await run(around(mounting, natively, python(script, natively.root)));
    if (outcome.code !== 0) return t.skip(`nothing can be mounted here: ${outcome.stderr}`);
    assert.match(outcome.stdout, /^\['oom_score_adj'.*'comm'/, `natively it must work: ${outcome.stdout}`);
    for (const engine of engines) {
      for (const backing of backings) {
        for (const policy of [() => ['--no-outbound-network'], ({ a }: Ground) => [`--write-allow=${a}`]]) {
          const ground = groundFor(t);
          const options = [...engine.options, ...policy(ground)];
          const words = secfiltWords([...options, '--', ...python(script, ground.root)]);
          const { stdout, stderr } = await run(around(mounting, ground, words), { env: backing.env });
          assert.equal(stdout, '[] x\n', `${options.join(' ')} ${backing.name}: ${stderr}`);
        }
      }
    }
  });
}
