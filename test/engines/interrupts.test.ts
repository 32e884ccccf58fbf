/**
 * A timer interrupts a program a thousand times a second, without SA_RESTART: how many of its opens fail with EINTR.
 * Natively none does: open(2) of a file does not wait.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { python, saidBy } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const CALLS = 20_000;
const EINTR = 4;

const SCRIPT = `
heard = interrupted = failed = 0
def hear(number, frame):
    global heard
    heard += 1
signal.signal(signal.SIGALRM, hear)
signal.siginterrupt(signal.SIGALRM, True)
path = ctypes.create_string_buffer((ROOT + '/f').encode())
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(${CALLS}):
    fd = sc(257, -100, path, 0o101, 0o644)
    if fd >= 0: libc.close(fd)
    elif fd == -${EINTR}: interrupted += 1
    else: failed += 1
    KEPT.clear()
signal.setitimer(signal.ITIMER_REAL, 0)
say(heard=heard, interrupted=interrupted, failed=failed)`;

const ENGINES = [
  { name: 'no engine', most: 0 },
  { name: 'trace', most: 0 },
  { name: 'kernel', most: 0 },
  // Before the supervisor has taken a call a signal still ends it (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV): one each.
  { name: 'notify', most: 'signals' },
] as const;

for (const { name, most } of ENGINES) {
  void test(`opens under a timer of 1 kHz, ${name} (${who})`, async (t) => {
    if (name === 'kernel' && landlockVersion() < 6) return t.skip('the kernel engine needs Landlock ABI 6');
    const root = temporaryDirectory(t);
    const command = python(SCRIPT, root);
    const sandboxed = secfiltWords([`--engine=${name}`, `--write-allow=${root}`, '--', ...command]);
    const said = saidBy(await run(name === 'no engine' ? command : sandboxed));
    t.diagnostic(`${said['interrupted']} of ${CALLS} opens were interrupted by ${said['heard']} signals`);
    assert.equal(said['failed'], 0);
    assert.ok((said['heard'] ?? 0) > 0);
    const limit = most === 'signals' ? (said['heard'] ?? 0) : most;
    assert.ok((said['interrupted'] ?? CALLS) <= limit, `${said['interrupted']} were interrupted`);
  });
}
