/** However deep families of processes are: to look at all of them is to look at each a few times, or others would wait for minutes. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const GENERATIONS = 100;

const CHAIN = `
ready, done = os.pipe(), os.pipe()
def chain(left):
    "Each is the child of the one before, and the deepest says that all are there."
    while left > 0:
        left -= 1
        if os.fork(): break
    else: os.write(ready[1], b'x')
    os.close(done[1]); os.read(done[0], 1); os._exit(0)
def attempt(number, *args):
    print('ready', flush=True); sys.stdin.readline(); print(sc(number, *args), flush=True); sys.stdin.readline()
`;

const SCRIPTS = {
  'all are signalled': `${CHAIN}
if os.fork() == 0: chain(${GENERATIONS})
os.read(ready[0], 1)
attempt(62, -1, 0)`,
  'a group without a leader is joined': `${CHAIN}
leader = os.fork()
if leader == 0:
    os.setpgid(0, 0)
    if os.fork() == 0: chain(${GENERATIONS})
    os.read(ready[0], 1); os._exit(0)
os.waitpid(leader, 0)
attempt(109, 0, leader)`,
};

/** How often secfilt has read anything from when the command was ready to when its call had returned, and for how many processes. */
const OUTSIDE = `
import subprocess
process = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
def reads(): return int(dict(line.split(': ') for line in open(f'/proc/{process.pid}/io'))['syscr'])
assert process.stdout.readline() == b'ready\\n'
before = reads(); process.stdin.write(b'go\\n')
result = int(process.stdout.readline())
say(result=result, reads=reads() - before, processes=sum(name.isdigit() for name in os.listdir('/proc')))
process.stdin.close(); process.wait()`;

const skip =
  who !== 'root'
    ? 'only root sees what secfilt has read'
    : !existsSync('/proc/self/io') && 'this kernel does not count what is read';

for (const [title, script] of Object.entries(SCRIPTS)) {
  for (const engine of engines) {
    for (const backing of backings) {
      void test(
        `P11 ${GENERATIONS} generations: ${title}, ${engine.name} ${backing.name} (${who})`,
        { skip },
        async (t) => {
          const { root, a } = makeGround(t);
          const words = secfiltWords([
            ...engine.options,
            `--write-allow=${a}`,
            '--',
            ...python(script, root),
          ]);
          const outcome = await run(python(OUTSIDE, root, ...words), { env: backing.env });
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script that wrote it is in this file
          const { result, reads, processes } = JSON.parse(outcome.stdout) as Record<string, number>;
          assert.equal(result, 0, outcome.stderr);
          // Those of the sandbox some times; others once a round, of which there are more while processes come and go. Not each for each.
          const most = 20 * GENERATIONS + 16 * (processes ?? 0);
          assert.ok((reads ?? Infinity) < most, `${reads} reads, of ${most} for ${processes} processes`);
        },
      );
    }
  }
}
