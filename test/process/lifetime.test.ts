/**
 * Who lives how long: daemons, orphans, many short processes, and a supervisor that is killed.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { forEachBacking } from '../support/backing.ts';
import { patience } from '../support/environment.ts';
import { landlockVersion } from '../support/native.ts';
import { secfilt, secfiltWords, start } from '../support/run.ts';
import { type Scope, temporaryDirectory } from '../support/temporary.ts';

/** Landlock's scope for signals, which comes with the means to take everybody along. */
const LANDLOCK_WITH_SCOPES = 6;

function makeGround(t: Scope): { root: string; allow: string } {
  const root = temporaryDirectory(t);
  mkdirSync(join(root, 'w'));
  mkdirSync(join(root, 'o'));
  return { root, allow: `--write-allow=${join(root, 'w')}` };
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended, whoever may still have to hear of it.
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function until(what: () => boolean, milliseconds = 5000): Promise<boolean> {
  for (const end = Date.now() + patience(milliseconds); Date.now() < end; await pause(20))
    if (what()) return true;
  return what();
}

const DAEMON =
  'sleep 0.7; cd "$1"; echo late > w/late; chmod 600 w/late; echo x 2>/dev/null > o/late; echo $? > w/code; touch w/done';

forEachBacking('a daemon stays supervised after its command ended', async (t, backing) => {
  const { root, allow } = makeGround(t);
  // A double fork into a session of its own, with nothing of the terminal left.
  const script = '( setsid bash -c "$0" bash "$1" </dev/null >/dev/null 2>&1 & ); exit 5';
  const begin = Date.now();
  const { code } = await secfilt([allow, '--', 'bash', '-c', script, DAEMON, root], { env: backing.env });
  assert.equal(code, 5);
  assert.ok(Date.now() - begin >= 600, 'secfilt must wait for the daemon');
  assert.ok(existsSync(join(root, 'w/done')));
  assert.equal(readFileSync(join(root, 'w/late'), 'utf8'), 'late\n');
  assert.equal(readFileSync(join(root, 'w/code'), 'utf8'), '1\n');
  assert.deepEqual(readdirSync(join(root, 'o')), []);
});

forEachBacking('an orphan of a killed command stays supervised', async (t, backing) => {
  const { root, allow } = makeGround(t);
  const script = 'bash -c "$0" bash "$1" & kill -KILL $$';
  const { signal } = await secfilt([allow, '--', 'bash', '-c', script, DAEMON, root], { env: backing.env });
  assert.equal(signal, 'SIGKILL');
  assert.ok(existsSync(join(root, 'w/done')));
  assert.deepEqual(readdirSync(join(root, 'o')), []);
});

forEachBacking('kill -9 of secfilt leaves nothing unsupervised', async (t, backing) => {
  const { root, allow } = makeGround(t);
  const loop =
    'cd "$1"; echo $$ >> w/pids; for i in $(seq 200); do sleep 0.05; echo x > w/$i; echo x > o/$i; done';
  const script =
    '( setsid bash -c "$0" bash "$1" & ); bash -c "$0" bash "$1" & cd "$1"; echo $$ >> w/pids; sleep 30; exit';
  const child = start(secfiltWords([allow, '--', 'bash', '-c', script, loop, root]), {
    env: backing.env,
    stdio: 'ignore',
  });
  const pids = () => {
    const path = join(root, 'w/pids');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : [];
  };
  t.after(() => {
    for (const pid of pids()) {
      if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    }
  });
  assert.ok(await until(() => pids().length === 3), 'all three must have started');
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  if (backing.landlock && landlockVersion() >= LANDLOCK_WITH_SCOPES) {
    assert.ok(await until(() => !pids().some(isAlive), 3000), 'all must be gone');
  }
  await pause(200);
  const before = readdirSync(join(root, 'w')).length;
  await pause(500);
  assert.equal(readdirSync(join(root, 'w')).length, before, 'no referred call may succeed any more');
  assert.deepEqual(readdirSync(join(root, 'o')), []);
});

forEachBacking('three hundred short processes lose nothing', async (t, backing) => {
  const { root, allow } = makeGround(t);
  const one = 'echo $1 > w/$1 && chmod 640 w/$1 && ! echo x 2>/dev/null > o/$1 && cat w/$1; exit $?';
  const script = `cd "$0" && seq 300 | xargs -P 24 -I{} sh -c '${one}' sh {} | sort -n | md5sum; echo "\${PIPESTATUS[@]}"`;
  const { stdout, stderr, code } = await secfilt(['--quiet', allow, '--', 'bash', '-c', script, root], {
    env: backing.env,
  });
  // The sum of the lines 1 to 300.
  assert.deepEqual(
    { stdout, stderr, code },
    { stdout: `bf4fa7116e26846bba3502a134f9bcba  -\n0 0 0 0\n`, stderr: '', code: 0 },
  );
  assert.equal(readdirSync(join(root, 'w')).length, 300);
  assert.deepEqual(readdirSync(join(root, 'o')), []);
});

void test('secfilt is idle while its command is', async () => {
  const words = ['--read-only', '--', 'bash', '-c', 'echo on; exec sleep 2.5'];
  const child = start(secfiltWords(words), { stdio: ['ignore', 'pipe', 'ignore'] });
  const { pid, stdout } = child;
  assert.ok(pid !== undefined && stdout !== null);
  await once(stdout, 'data');
  await pause(700);
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await pause(1000);
  // A tick is 10 ms.
  assert.ok(ticks() - before <= 1);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
