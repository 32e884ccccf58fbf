/**
 * Numbers of processes are used again: within seconds where there are few, and by anybody. No run may be lost for one, and none
 * for the end of the process that wakes the tracer.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { backings } from '../support/backing.ts';
import { isRoot, patience, who } from '../support/environment.ts';
import { engines, makeGround, python } from '../support/escape.ts';
import { until } from '../support/faults.ts';
import { run, secfiltWords, start } from '../support/run.ts';

const FAMILIES = 240;
const WORKERS = 4;

/**
 * Families as package managers have them: a child that leaves an orphan and processes that nobody waits for, and a thread that
 * executes another program. The last orphan outlives the command.
 */
const STORM = `
os.chdir(ROOT)
families, workers = ${FAMILIES}, ${WORKERS}
def leave(name):
    fd = os.open(f'a/{name}', os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, b'x'); os.close(fd); os.chmod(f'a/{name}', 0o640)
def forked(do):
    pid = os.fork()
    if pid == 0:
        try: do()
        finally: os._exit(0)
    return pid
def orphan(name):
    forked(lambda: None)
    leave(name)
def family(number):
    forked(lambda: orphan(f'orphan{number}'))
    forked(lambda: None)
    leave(f'child{number}')
    if number % 10 == 0:
        def execute(): os.execv('/bin/sh', ['sh', '-c', f'exit {number % 100}'])
        threading.Thread(target=execute).start(); time.sleep(10)
    os._exit(number % 100)
def work(first):
    for number in range(first, families, workers):
        status = os.waitpid(forked(lambda: family(number)), 0)[1]
        if os.waitstatus_to_exitcode(status) != number % 100: leave(f'wrong{number}')
pids = [forked(lambda: work(first)) for first in range(workers)]
for pid in pids: os.waitpid(pid, 0)
def late(): time.sleep(0.5); leave('late')
def relay(left):
    while left > 0:
        # Each is the only one that is left, but for the one that comes.
        if os.fork(): os._exit(0)
        left -= 1
    late()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
forked(lambda: relay(300))
os._exit(7)`;

const WANTED = [
  'f',
  'late',
  ...Array.from({ length: FAMILIES }, (_, number) => [`child${number}`, `orphan${number}`]).flat(),
].toSorted();

/** Numbers up to this one: some hundred are free, as the kernel keeps the first three hundred for the start. */
const FEW = 400;

/** Before Linux 6.14 the limit is the whole machine's, and it cannot be asked without changing it. */
function isLimitOfNamespace(): boolean {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 14);
}

/** A command in a pid namespace of its own, where numbers are used again at once. Its first process is a shell. */
function withFewNumbers(words: readonly string[]): string[] {
  const script = `echo ${FEW} >/proc/sys/kernel/pid_max || exit 77; "$@"; exit $?`;
  return ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', script, 'sh', ...words];
}

for (const { name, options } of engines) {
  for (const backing of backings) {
    const way = `${name} ${backing.name} (${who})`;
    const storm = (few: boolean) =>
      test(`S16 a storm of processes${few ? ' of few numbers' : ''} loses nothing, ${way}`, async (t) => {
        if (few && !isRoot) return t.skip("needs a pid namespace, which is root's to make");
        if (few && !isLimitOfNamespace()) return t.skip('pid_max is that of the whole machine here');
        const ground = makeGround(t);
        const command = python(STORM, ground.root);
        const words = secfiltWords([...options, `--write-allow=${ground.a}`, '--', ...command]);
        const outcome = await run(few ? withFewNumbers(words) : words, {
          env: backing.env,
          timeout: 120_000,
        });
        if (few && outcome.code === 77) return t.skip(outcome.stderr);
        assert.equal(outcome.code, 7, JSON.stringify(outcome));
        assert.doesNotMatch(outcome.stderr, /secfilt: (?!\d+ operations? w)/);
        assert.deepEqual(readdirSync(ground.a).toSorted(), WANTED);
      });
    void storm(false);
    void storm(true);
  }
}

/** Children of a process of this name. */
function childrenNamed(parent: number, name: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'latin1');
        return status.startsWith(`Name:\t${name}\n`) && status.includes(`\nPPid:\t${parent}\n`);
      } catch {
        return false;
      }
    });
}

async function killWaker(child: ChildProcess): Promise<void> {
  let found: number[] = [];
  await until('a waker', () => {
    found = childrenNamed(child.pid ?? 0, 'secfilt-wake');
    return found.length > 0;
  });
  for (const pid of found) process.kill(pid, 'SIGKILL');
  await until(
    'its end',
    () => !childrenNamed(child.pid ?? 0, 'secfilt-wake').some((pid) => found.includes(pid)),
  );
}

for (const { options } of engines.filter(({ name }) => name === 'trace')) {
  for (const backing of backings) {
    void test(`S16 another takes the place of a waker that was killed, ${backing.name} (${who})`, async (t) => {
      const ground = makeGround(t);
      const script = `
os.chdir(ROOT)
signal.signal(signal.SIGTERM, lambda *_: (open('a/heard', 'w').close(), os._exit(9)))
for number in range(100000):
    open(f'a/n{number % 10}', 'w').close()
    if number % 50 == 0: time.sleep(0.05)`;
      const words = secfiltWords([
        ...options,
        `--write-allow=${ground.a}`,
        '--',
        ...python(script, ground.root),
      ]);
      const child = start(words, { env: backing.env });
      t.after(() => child.kill('SIGKILL'));
      let stderr = '';
      child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
      const ended = once(child, 'exit');
      await until('the command', () => readdirSync(ground.a).includes('n1'));
      for (let turn = 0; turn < 5; turn += 1) {
        await killWaker(child);
        await sleep(patience(turn % 2 === 0 ? 0 : 30));
      }
      // Nobody but a waker lets this through.
      child.kill('SIGTERM');
      assert.deepEqual(await ended, [9, null], stderr);
      assert.ok(readdirSync(ground.a).includes('heard'));
      assert.doesNotMatch(stderr, /wait4|error/);
      assert.equal(readFileSync(join(ground.o, 'f'), 'utf8'), 'kept');
    });
  }
}
