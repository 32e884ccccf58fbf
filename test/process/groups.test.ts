/** A signal to a process group reaches all of it, also who is born while the supervisor goes from one to the next. */
import assert from 'node:assert/strict';

import { throughClient } from '../support/client.ts';
import { forEachBacking } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const TURNS = 100;

/** A chain of processes, of which each makes the next and ends; the last one stays. */
const SCRIPT = String.raw`
def fields(p): return open(f'/proc/{p}/stat').read().rsplit(')', 1)[1].split()
def living(group):
    found = []
    for p in os.listdir('/proc'):
        try:
            if p.isdigit() and fields(p)[2] == str(group) and fields(p)[0] != 'Z': found.append(int(p))
        except OSError: pass
    return found
missed = reached = 0
for turn in range(${TURNS}):
    leader = os.fork()
    if leader == 0:
        os.setpgid(0, 0)
        for generation in range(20):
            if os.fork():
                if generation % 2 == 0: time.sleep(0.0005)
                os._exit(0)
        time.sleep(100); os._exit(0)
    try: os.setpgid(leader, leader)
    except OSError: pass
    time.sleep(0.01 + turn % 20 * 0.001)
    os.killpg(leader, signal.SIGKILL); reached += 1
    os.waitpid(leader, 0)
    for again in range(100): # what was killed may take a moment to go
        left = living(leader)
        if not left: break
        time.sleep(0.01)
    missed += len(left)
    for p in left: os.kill(p, signal.SIGKILL)
say(reached=reached, missed=missed)
`;

forEachBacking(
  `a group that has children all the time is killed to the last (${who})`,
  async (t, { env, landlock }) => {
    if (throughClient && !landlock) return t.skip('without Landlock a service does not know orphans');
    const command = python(SCRIPT);
    const options = { env, timeout: 120_000 };
    const expected = { reached: TURNS, missed: 0 };
    assert.deepEqual(JSON.parse((await run(command, options)).stdout), expected, 'natively');
    const { stdout, stderr } = await run(secfiltWords(['--read-only', '--', ...command]), options);
    assert.deepEqual(JSON.parse(stdout), expected, stderr);
  },
);
