/** Limits (getrlimit(2)) that secfilt is started with. */
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { secfiltScript, testEngine, who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

void test(`the limit of open files is the shell's, although Node raises its own (${who})`, async () => {
  const words = secfiltWords(['--read-only', 'sh', '-c', 'ulimit -Sn; ulimit -Hn']);
  const script = 'ulimit -Sn 500; ulimit -Hn 2000; "$@"; exit $?';
  const { code, stdout, stderr } = await run(['sh', '-c', script, 'sh', ...words]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '500\n2000\n', stderr: '' });
});

/** What Node alone does under a limit, reading one file as it does for secfilt: below it nothing of ours has run yet. */
interface Limit {
  /** Of prlimit(1). */
  readonly option: string;
  readonly values: readonly number[];
  /** From here on Node's memory suffices; V8 ends a process that runs out of it, and asks nobody. */
  readonly enough?: number;
}

const MIB = 1_048_576;
const LIMITS: readonly Limit[] = [
  { option: 'nofile', values: [8, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32, 40] },
  { option: 'fsize', values: [0, 1, 512, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 20_000] },
  { option: 'sigpending', values: [0, 1, 8] },
  { option: 'memlock', values: [0, 4096] },
  { option: 'core', values: [0] },
  { option: 'rss', values: [0, 4096] },
  { option: 'msgqueue', values: [0] },
  { option: 'locks', values: [0] },
  { option: 'nice', values: [0] },
  { option: 'rtprio', values: [0] },
  { option: 'rttime', values: [0, 1000] },
  { option: 'cpu', values: [1, 2] },
  { option: 'stack', values: [64, 128, 256, 512, 1024].map((kib) => kib * 1024), enough: 256 * 1024 },
  { option: 'data', values: [50, 60, 100, 200].map((mib) => mib * MIB), enough: 100 * MIB },
  { option: 'as', values: [720, 730, 800, 1024, 2048].map((mib) => mib * MIB), enough: 1024 * MIB },
];
const ENGINE_OPTIONS = [['--engine=notify'], ['--engine=trace'], ['--engine=kernel'], []];
/** A user that owns no process, so that all of a limit of processes is for the run. */
const NOBODY_ELSE = 47_000 + (process.pid % 10_000);

/** Whether Node under the limit comes to read a program and to end, three times: what it does near a limit is chance. */
async function nodeWorks(limited: readonly string[], script: string): Promise<boolean> {
  for (let turn = 0; turn < 3; turn += 1) {
    try {
      const { code } = await run([...limited, process.execPath, script], { timeout: 5000 });
      if (code !== 0) return false;
    } catch {
      return false; // It hangs.
    }
  }
  return true;
}

async function compare(t: TestContext, limited: readonly string[], mayDie: boolean): Promise<boolean> {
  const script = join(sharedFolder(t), 'empty.cjs');
  writeFileSync(script, '', { mode: 0o644 });
  if (!(await nodeWorks(limited, script))) return false;
  for (const engine of ENGINE_OPTIONS) {
    const args = [...engine, '--read-only', '--', 'sh', '-c', 'exit 7'];
    const words = [...limited, process.execPath, secfiltScript, ...args];
    const outcome = await run(words, { timeout: 20_000 });
    const said = `${words.join(' ')}: ${JSON.stringify(outcome)}`;
    if (outcome.code === 125) assert.match(outcome.stderr, /^secfilt: .+\n$/m, said);
    else if (!mayDie) assert.equal(outcome.code, 7, said);
  }
  return true;
}

/** Where another user can read. */
function sharedFolder(t: TestContext): string {
  const folder = temporaryDirectory(t);
  chmodSync(folder, 0o755);
  return folder;
}

for (const { option, values, enough = 0 } of LIMITS) {
  void test(`S17 under a limit (${option}) with which Node starts secfilt runs the command or says why not (${who})`, async (t) => {
    if (testEngine !== 'auto' && testEngine !== undefined) return t.skip('it has run for every engine');
    let compared = 0;
    for (const value of values) {
      const limited = ['prlimit', `--${option}=${value}`, '--'];
      const known = await run([...limited, 'true']);
      if (known.code !== 0) continue; // prlimit(1) knows no such limit, or `true` itself does not run.
      if (await compare(t, limited, value < enough)) compared += 1;
    }
    if (compared === 0) t.skip('Node does not start under any of the values');
  });
}

void test(`S17 the same under a limit of processes (${who})`, async (t) => {
  if (testEngine !== 'auto' && testEngine !== undefined) return t.skip('it has run for every engine');
  if (process.getuid?.() !== 0) return t.skip('only root can take a user who has no other process');
  const asUser = ['setpriv', `--reuid=${NOBODY_ELSE}`, `--regid=${NOBODY_ELSE}`, '--clear-groups'];
  const readable = await run([...asUser, process.execPath, secfiltScript, '--version']);
  if (readable.code !== 0) return t.skip('another user cannot read the program');
  for (const value of [6, 7, 8, 9, 10, 11, 12, 16])
    await compare(t, [...asUser, 'prlimit', `--nproc=${value}`, '--'], false);
});

void test('S17 a message names the limit', async () => {
  const rows: readonly [string, RegExp][] = [
    ['--nofile=20', /too many open files \(EMFILE\); too few descriptors: raise the limit \(ulimit -n\)$/m],
    ['--fsize=1000', /file too large \(EFBIG\); .*raise the limit \(ulimit -f\)$/m],
  ];
  for (const [limit, message] of rows) {
    const words = secfiltWords(['--read-only', 'true']);
    const { code, stderr } = await run(['prlimit', limit, '--', ...words]);
    assert.equal(code, 125, stderr);
    assert.match(stderr, message);
  }
});
