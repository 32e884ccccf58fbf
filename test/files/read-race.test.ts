/**
 * Opens whose meaning another thread or process changes while they are decided: what is denied is never read, nor changed, and what is
 * allowed goes on.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { python } from '../support/escape.ts';
import { type Outcome, run, secfilt } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** In milliseconds; longer ones find rarer holes. */
const DURATION = process.env['SECFILTER_TEST_RACE_MS'] ?? '400';

/**
 * `a` is allowed, `d` denied. In `a` the names `x` and `y` change places all the time: files and links to them, or directories. Prints
 * how often something was done, and what was read of `d`.
 */
const RACE = `
kind, end = sys.argv[2], time.time() + int(sys.argv[3]) / 1000
A, D = ROOT + '/a', ROOT + '/d'
os.chdir(A)
WRITES = kind.startswith('change')
FLAGS = os.O_WRONLY | os.O_TRUNC if WRITES else os.O_RDONLY
paths = [(A + '/f').encode().ljust(512, b'\\0'), (D + '/f').encode().ljust(512, b'\\0')]
path = ctypes.create_string_buffer(paths[0], 512)
sys.setswitchinterval(1e-6)
swapping, number = None, 50
def exchanging():
    while True: sc(316, -100, b'x', -100, b'y', 2)
def in_memory():
    while time.time() < end:
        for each in paths: ctypes.memmove(path, each, 512)
def numbers():
    opened = [os.open(each, os.O_PATH) for each in (A, D)]
    while time.time() < end:
        for each in opened: os.dup2(each, number)
def other_process():
    child = os.fork()
    if child == 0: exchanging()
    return child
def thread(action):
    each = threading.Thread(target=action, daemon=True)
    each.start()
os.dup2(os.open(A, os.O_PATH), number)
child = 0
if 'path' in kind: thread(in_memory)
elif 'number' in kind: thread(numbers)
else: child = other_process()
def called():
    if 'path' in kind: return libc.syscall(257, -100, path, FLAGS, 0)
    if 'number' in kind: return sc(257, number, b'f', FLAGS)
    if 'directory' in kind: return sc(257, -100, b'x/f', FLAGS)
    return sc(257, -100, b'x', FLAGS)
done, refused, won = 0, 0, False
while time.time() < end and not won:
    got = called()
    if got < 0:
        refused += 1
        continue
    done += 1
    if WRITES: os.write(got, b'changed')
    else: won = b'SECRET' in os.read(got, 100)
    os.close(got)
if child: os.kill(child, 9)
say(done=done, refused=refused, won=won)
`;

const READS = ['path', 'link', 'directory', 'number'] as const;
const CHANGES = READS.map((name) => `change, ${name}` as const);

function ground(t: TestContext, kind: string): string {
  const root = temporaryDirectory(t);
  for (const [folder, text] of [
    ['a', 'allowed'],
    ['d', 'SECRET'],
  ] as const) {
    mkdirSync(join(root, folder));
    writeFileSync(join(root, folder, 'f'), text, { mode: 0o666 });
  }
  const isDirectory = kind.includes('directory');
  symlinkSync(isDirectory ? '../a' : 'f', join(root, 'a/x'));
  symlinkSync(isDirectory ? '../d' : '../d/f', join(root, 'a/y'));
  return root;
}

interface Said {
  readonly done: number;
  readonly refused: number;
  readonly won: boolean;
}

function said(outcome: Outcome): Said {
  assert.equal(outcome.code, 0, outcome.stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script that wrote it is in this file
  return JSON.parse(outcome.stdout) as Said;
}

for (const kind of [...READS, ...CHANGES]) {
  const isWon = (root: string, { won }: Said): boolean =>
    won ||
    readFileSync(join(root, 'd/f'), 'latin1') !== 'SECRET' ||
    readdirSync(join(root, 'd')).length !== 1;

  void test(`race (${kind}) for what is denied is won natively (${who})`, async (t) => {
    const root = ground(t, kind);
    const outcome = said(await run(python(RACE, root, kind, '300')));
    assert.ok(isWon(root, outcome), JSON.stringify(outcome));
  });

  forEachBacking(`race (${kind}) for what is denied is lost (${who})`, async (t, { env, landlock }) => {
    const root = ground(t, kind);
    const option = kind.startsWith('change') ? '--write-deny' : '--read-deny';
    // Landlock is told of a pattern in another way than of a path.
    for (const place of landlock ? [`${root}/d`, `${root}/[d]`] : [`${root}/d`]) {
      const words = python(RACE, root, kind, DURATION);
      const outcome = said(await secfilt([`${option}=${place}`, '--', ...words], { env }));
      assert.ok(!isWon(root, outcome), JSON.stringify(outcome));
      assert.ok(outcome.done > 0, 'the allowed side of the race must work');
      assert.ok(outcome.refused > 0, 'the denied side of the race must have been tried');
    }
  });
}
