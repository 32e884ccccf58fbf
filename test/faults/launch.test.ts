/** A start from which one system call is taken, as an outer sandbox may: a message or the command, and never a hang. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { secfiltScript, testEngine, who } from '../support/environment.ts';
import { run } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { withoutCall } from '../support/without-call.ts';

/** What the steps of a start make, by number; the launcher, the watchdog and the waker included. */
const CALLS: Readonly<Record<string, number>> = {
  poll: 7,
  dup2: 33,
  sendmsg: 46,
  recvmsg: 47,
  socketpair: 53,
  clone: 56,
  vfork: 58,
  wait4: 61,
  kill: 62,
  chdir: 80,
  ptrace: 101,
  setsid: 112,
  capget: 125,
  capset: 126,
  waitid: 247,
  prlimit64: 302,
  process_vm_readv: 310,
  seccomp: 317,
  memfd_create: 319,
  pidfd_send_signal: 424,
  pidfd_open: 434,
  clone3: 435,
  close_range: 436,
  openat2: 437,
  pidfd_getfd: 438,
  landlock_create_ruleset: 444,
  landlock_add_rule: 445,
  landlock_restrict_self: 446,
};

for (const [name, number] of Object.entries(CALLS)) {
  void test(`S17 a start without ${name} ends (${who})`, async (t) => {
    if (testEngine !== 'auto' && testEngine !== undefined) return t.skip('it has run for every engine');
    const script = join(temporaryDirectory(t), 'empty.cjs');
    writeFileSync(script, '');
    const native = await run(withoutCall(number, [process.execPath, script]));
    if (native.code !== 0) return t.skip('Node itself does not start without it');
    for (const engine of ['notify', 'trace', 'kernel', 'auto']) {
      const words = [
        process.execPath,
        secfiltScript,
        `--engine=${engine}`,
        '--read-only',
        '--',
        'sh',
        '-c',
        'exit 7',
      ];
      const outcome = await run(withoutCall(number, words), { timeout: 20_000 });
      const said = `${engine}: ${JSON.stringify(outcome)}`;
      if (outcome.code === 125) assert.match(outcome.stderr, /^secfilt: .+\n$/m, said);
      else assert.equal(outcome.code, 7, said);
    }
  });
}
