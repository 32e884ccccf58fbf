/** Who asks whether a file may be written is told what an open would come to (access(2)). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { insideTest, saidBy } from '../support/escape.ts';

const EROFS = -30;
const EACCES = -13;
const ENOENT = -2;
const EINVAL = -22;

insideTest(
  'whether a file may be written is answered as the policy will',
  String.raw`
os.mkfifo(ROOT + '/a/fifo')
os.symlink(ROOT + '/o/f', ROOT + '/a/out'); os.symlink(ROOT + '/a/f', ROOT + '/a/in')
file, path, directory = os.open(ROOT + '/o/f', os.O_RDONLY), os.open(ROOT + '/o/f', os.O_PATH), os.open(ROOT + '/o', os.O_PATH)
os.chdir(ROOT)
W, R = 2, 4
say(
  inside=sc(21, ROOT + '/a/f', W), directory=sc(21, ROOT + '/a', W), new=sc(21, ROOT + '/a/new', W), null=sc(21, '/dev/null', W),
  link_in=sc(21, ROOT + '/a/in', W), relative_in=sc(269, -100, 'a/f', R | W), fifo_in=sc(21, 'a/fifo', W),
  outside=sc(21, ROOT + '/o/f', W), above=sc(21, ROOT, W), link_out=sc(21, ROOT + '/a/out', W),
  relative=sc(269, directory, 'f', W), both=sc(439, directory, 'f', R | W, 0x200), empty=sc(439, path, '', W, 0x1000),
  of_the_link=sc(439, -100, ROOT + '/a/out', W, 0x100),
  reads=sc(21, ROOT + '/o/f', R), exists=sc(21, ROOT + '/o/f', 0), missing=sc(21, ROOT + '/o/missing', W), wrong=sc(439, directory, 'f', W, 1),
  not_held=sc(21, f'/proc/self/fd/{file}', W), terminal=sc(21, '/dev/tty', W), pipe=sc(21, f'/proc/self/fd/{os.pipe()[0]}', W),
  garbage=sc(269, directory, 'f', 8 | W), memory=sc(21, f'/proc/self/fd/{os.memfd_create("x")}', W), device=sc(21, '/dev/zero', W),
  shell=os.system('test -w o/f') >> 8, shell_in=os.system('test -w a/f') >> 8)`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      inside: 0,
      directory: 0,
      new: ENOENT,
      null: 0,
      link_in: 0,
      relative_in: 0,
      fifo_in: 0,
      outside: EROFS,
      above: EROFS,
      link_out: EROFS,
      relative: EROFS,
      both: EROFS,
      empty: EROFS,
      of_the_link: 0,
      reads: 0,
      exists: 0,
      missing: ENOENT,
      wrong: EINVAL,
      not_held: EROFS,
      terminal: 0,
      pipe: 0,
      garbage: EINVAL,
      memory: 0,
      device: 0,
      shell: 1,
      shell_in: 0,
    }),
);

insideTest(
  'what the kernel itself refuses has its own error, and FIFOs elsewhere are closed too',
  String.raw`
os.chdir(ROOT)
locked = [sc(21, 'o/locked/x', 2), sc(21, 'o/locked/x', 6)] if os.getuid() else [${EACCES}] * 2
say(fifo=sc(21, 'o/fifo', 2), locked=locked[0], both=locked[1])`,
  (outcome) => assert.deepEqual(saidBy(outcome), { fifo: EACCES, locked: EACCES, both: EACCES }),
  {
    policy: ({ a, o }) => {
      makeClosed(o);
      return [`--write-allow=${a}`];
    },
  },
);

function makeClosed(o: string): void {
  mkdirSync(join(o, 'locked'));
  writeFileSync(join(o, 'locked/x'), '');
  chmodSync(join(o, 'locked'), 0);
  execFileSync('mkfifo', [join(o, 'fifo')]);
}
