/** The limit of file sizes is the caller's where the supervisor truncates for it (truncate(2), RLIMIT_FSIZE). */
import assert from 'node:assert/strict';
import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { insideTest, saidBy } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

insideTest(
  'a file is not made larger than the caller may make one, and the caller hears of it',
  String.raw`
import resource
heard = []
signal.signal(signal.SIGXFSZ, lambda *_: heard.append(1))
path = ROOT + '/a/f'
before = sc(76, path, 100000)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
said = dict(before=before, beyond=sc(76, path, 100001), heard=len(heard), smaller=sc(76, path, 90000), up_to=sc(76, path, 0) or sc(76, path, 5000))
say(**said, above=sc(76, path, 5001), again=len(heard), size=os.path.getsize(path))`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      before: 0,
      beyond: -27,
      heard: 1,
      smaller: 0,
      up_to: 0,
      above: -27,
      again: 2,
      size: 5000,
    }),
);

/** A command that begins with a soft limit of 100 KiB, and no hard one. */
function limited(words: readonly string[]): string[] {
  return ['bash', '-c', 'ulimit -Sf 100; "$@"', 'bash', ...words];
}

forEachBacking(
  `a soft limit that the command raises is the command's alone, and it begins with its own (${who})`,
  async (t, { env }) => {
    const root = temporaryDirectory(t);
    const script = `
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
path = sys.argv[1] + '/f'
open(path, 'w').close()
def cut(size):
    try: os.truncate(path, size); return 0
    except OSError as e: return e.errno
said = [soft, cut(200000)]
resource.setrlimit(resource.RLIMIT_FSIZE, (300000, hard))
print(*said, cut(200000), os.path.getsize(path), cut(300001))`;
    const command = ['python3', '-c', script, root];
    const expected = '102400 27 0 200000 27\n';
    assert.equal((await run(limited(command), { env })).stdout, expected, 'natively');
    const inside = limited(secfiltWords([`--write-allow=${root}`, '--', ...command]));
    const { stdout, stderr } = await run(inside, { env });
    assert.equal(stdout, expected, stderr);
  },
);
