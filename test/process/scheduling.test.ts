/** Priorities and affinities: the kernel's errors in its order, one's own group reached, and nobody outside (setpriority(2)). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

/** By number: setpriority 141, ioprio_set 251, sched_setparam 142, _setscheduler 144, _setaffinity 203, _setattr 314. */
const SCRIPT = String.raw`
import struct
NONE, NOBODY, BAD = 4000000, 77777, 1
BEST_EFFORT = 2 << 13 | 7
zero = bytes(64)
calls = []
for which in (0, 1, 2):
    for number in (NONE, -1): calls.append((141, which, number, 5))
for which, number in ((3, 0), (-1, 0), (2, NOBODY)): calls.append((141, which, number, 5))
for which in (1, 2, 3):
    for number in (NONE, -1):
        for value in (BEST_EFFORT, 5 << 13): calls.append((251, which, number, value))
for which in (0, 4): calls.append((251, which, 0, BEST_EFFORT))
for number in (NONE, -1):
    for data in (zero, 0, BAD):
        calls.append((142, number, data)); calls.append((144, number, 0, data)); calls.append((144, number, -1, data))
        calls.append((203, number, 8, data)); calls.append((314, number, data, 0)); calls.append((314, number, data, 1))
    for size in (0, 47, 48, 56, 5000): calls.append((314, number, struct.pack('<I', size) + bytes(6000), 0))
# Limits: what is read, who is there, whose they are, what they are (prlimit64 302); another's are not set.
for number in (NONE, -1, os.getppid(), os.getpid()):
    for resource in (7, 99, -1):
        for data in (struct.pack('QQ', 9, 8), BAD, bytes(8) + b'\1' * 8 if number == NONE else struct.pack('QQ', 2, 1)): calls.append((302, number, resource, data, 0))
        calls.append((302, number, resource, 0, BAD))
NAMES = {os.getppid(): 'parent', os.getpid(): 'own'}
said = [[str([NAMES.get(word, word) for word in call[:3]]) if not any(isinstance(a, bytes) for a in call) else str(call[0]), sc(*call)] for call in calls]
# A group of one's own, with a child in it; values out of range are brought into it.
child = os.fork()
if child == 0:
    time.sleep(100); os._exit(0)
os.setpgid(child, child)
said += [['group', sc(141, 1, child, 7)], ['nice', os.getpriority(os.PRIO_PROCESS, child)]]
said += [['beyond', sc(141, 1, child, 1000)], ['nice', os.getpriority(os.PRIO_PROCESS, child)], ['io', sc(251, 2, child, BEST_EFFORT)]]
os.kill(child, 9); os.waitpid(child, 0)
os.setsid() if os.getpgrp() != os.getpid() else None
if os.getpgrp() == os.getpid(): said += [['own', sc(141, 1, 0, 9)], ['nice', os.getpriority(os.PRIO_PROCESS, 0)]]
print(json.dumps(said))
`;

for (const { name, options } of engines) {
  void test(`scheduling of who is missing, of groups and with bad values is as natively, ${name} (${who})`, async () => {
    const command = python(SCRIPT);
    const native = await run(command);
    assert.ok(native.stdout.length > 100, native.stderr);
    const { stdout, stderr } = await run(secfiltWords([...options, '--read-only', '--', ...command]));
    assert.deepEqual(JSON.parse(stdout), JSON.parse(native.stdout), stderr);
  });

  void test(`what is refused to change of others is told, ${name} (${who})`, async (t) => {
    const log = join(makeGround(t).root, 'log');
    const script = String.raw`
parent = os.getppid()
calls = dict(setpriority=(141, 0, parent, 19), ioprio_set=(251, 1, parent, BEST_EFFORT), sched_setaffinity=(203, parent, 8, struct.pack('Q', 1)), sched_setscheduler=(144, parent, 3, bytes(4)),
    sched_setparam=(142, parent, bytes(4)), sched_setattr=(314, parent, struct.pack('IIQiIQQQ', 48, 3, 0, 0, 0, 0, 0, 0), 0), prlimit64=(302, parent, 7, struct.pack('QQ', 3, 3), 0))
say(**{call: sc(*words) for call, words in calls.items()})`;
    const words = python(`BEST_EFFORT = 2 << 13 | 7\n${script}`);
    const { stdout, stderr } = await run(
      secfiltWords([...options, '--read-only', `--log=${log}`, '--', ...words]),
    );
    const said: Record<string, number> = JSON.parse(stdout);
    assert.deepEqual(new Set(Object.values(said)), new Set([-1]), stderr);
    const logged = readFileSync(log, 'utf8').trim().split('\n');
    for (const call of Object.keys(said)) {
      const lines = logged.filter((line) => line.includes(`"call":"${call}"`));
      assert.equal(lines.length, 1, call);
      assert.match(
        lines[0] ?? '',
        /"verdict":"refused".*"errno":"EPERM"|"errno":"EPERM".*"verdict":"refused"/,
      );
      assert.match(lines[0] ?? '', /processes outside the sandbox are left alone/);
    }
  });

  void test(`the group of others, and all of a user, keep their priority, ${name} (${who})`, async () => {
    const script = String.raw`
print(sc(141, 1, os.getpgid(os.getppid()), 11), sc(141, 2, 0, 11), sc(251, 3, 0, 2 << 13 | 7))`;
    const { stdout, stderr } = await run(secfiltWords([...options, '--read-only', '--', ...python(script)]));
    assert.equal(stdout, '-1 -1 -1\n', stderr);
    assert.equal((await run(['nice'])).stdout, '0\n');
  });
}
