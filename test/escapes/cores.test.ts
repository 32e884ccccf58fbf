/** Core dumps: the limit with which the kernel neither writes one nor starts a program for it stays what it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { insideTest, saidBy } from '../support/escape.ts';

const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'latin1');

insideTest(
  'S12 F51 the limit of core dumps is not changed by any call, and nobody is told so',
  String.raw`
import resource
before = resource.getrlimit(resource.RLIMIT_CORE)
zero = struct.pack('QQ', 0, 0)
results = [sc(160, 4, zero), sc(302, 0, 4, zero, 0), sc(160, 4 | 1 << 32, zero), sc(302, os.getpid(), 4, zero, 0), sc(302, sc(186), 4, zero, 0)]
others = [sc(302, 0, 4, zero, bytes(16)), sc(302, os.getpid(), 4, zero, bytes(16))]
child = os.fork()
if child == 0: signal.pause()
others.append(sc(302, child, 4, zero, 0))
os.kill(child, 9); os.waitpid(child, 0)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
say(before=before[0], hard=before[1], told=max(results), refused=max(others), after=resource.getrlimit(resource.RLIMIT_CORE)[0],
    files=resource.getrlimit(resource.RLIMIT_NOFILE)[0])`,
  (outcome, _engine, { landlock }) => {
    const said = saidBy(outcome);
    assert.deepEqual([said['told'], said['files']], [0, 64]);
    if (landlock && !pattern.startsWith('|')) return assert.equal(said['after'], 0);
    // A hard limit of 0 cannot be raised.
    assert.equal(said['after'], said['hard'] === 0 ? 0 : 1);
    assert.deepEqual([said['before'], said['refused']], [said['after'], -1]);
  },
);
