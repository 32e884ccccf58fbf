/**
 * A command that stops and goes on takes secfilt along, whoever stops and continues which of them.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { patience, secfiltScript, who } from '../support/environment.ts';
import { engines, python } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { secfiltWords, start } from '../support/run.ts';
import { Terminal } from '../support/terminal.ts';

/** Landlock's scope for signals: without it a signal inside is the supervisor's to send. */
const LANDLOCK_WITH_SCOPES = 6;

function pidOf(child: ChildProcess): number {
  assert.ok(child.pid !== undefined);
  return child.pid;
}

/** State, parent and name of a process (proc(5)). */
function lookAt(pid: number): { state: string; parent: number; name: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state = '', parent = ''] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent), name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')) };
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number, name: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((each) => lookAt(each)?.parent === pid && lookAt(each)?.name === name);
}

async function until(what: () => boolean, why: string): Promise<void> {
  for (const end = Date.now() + patience(15_000); !what();) {
    assert.ok(Date.now() < end, why);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Stopped {
  readonly child: ChildProcess;
  /** The command's number, which it says first. */
  readonly command: number;
  readonly said: () => string;
  readonly ended: Promise<unknown[]>;
}

/** Starts a script of Python's that says its number and then stops, in a session of its own, and waits until both stand. */
async function startStopping(t: TestContext, options: readonly string[], script: string): Promise<Stopped> {
  const words = secfiltWords([
    ...options,
    '--read-only',
    '--',
    ...python(`print(os.getpid(), flush=True)\n${script}`),
  ]);
  const child = start(['setsid', ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  const ended = once(child, 'close');
  t.after(() => child.kill('SIGKILL'));
  await until(() => text.includes('\n'), 'the command must start');
  const command = Number.parseInt(text, 10);
  await until(() => lookAt(pidOf(child))?.state === 'T', 'secfilt must stop with its command');
  return { child, command, said: () => text.slice(text.indexOf('\n') + 1), ended };
}

/** What waits for ever is to be a failure, and no hang of all tests. */
const LIMIT = { timeout: 60_000 };

const STOP = `
heard = []
signal.signal(signal.SIGCONT, lambda *_: heard.append(1))
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(0.3)
print('on', len(heard), flush=True)`;

for (const { name, options } of engines) {
  void test(
    `S14 secfilt is continued and its command goes on, told once: ${name} (${who})`,
    LIMIT,
    async (t) => {
      const { child, said, ended } = await startStopping(t, options, STOP);
      process.kill(pidOf(child), 'SIGCONT');
      assert.deepEqual([...(await ended), said()], [0, null, 'on 1\n']);
    },
  );

  void test(
    `S14 their group is continued and the command is told once: ${name} (${who})`,
    LIMIT,
    async (t) => {
      const { child, said, ended } = await startStopping(t, options, STOP);
      process.kill(-pidOf(child), 'SIGCONT');
      assert.deepEqual([...(await ended), said()], [0, null, 'on 1\n']);
    },
  );

  void test(
    `S14 the command is continued from outside and secfilt goes on: ${name} (${who})`,
    LIMIT,
    async (t) => {
      const { command, said, ended } = await startStopping(t, options, STOP);
      process.kill(command, 'SIGCONT');
      assert.deepEqual([...(await ended), said()], [0, null, 'on 1\n']);
    },
  );

  void test(
    `S14 the same while the user has more signals queued than before: ${name} (${who})`,
    LIMIT,
    async (t) => {
      const { command, said, ended } = await startStopping(t, options, STOP);
      const script = `
libc.sigprocmask(0, struct.pack('Q32x', 1 << 39) + bytes(88), None)
for _ in range(100): libc.sigqueue(os.getpid(), 40, None)
print('queued', flush=True)
time.sleep(60)`;
      const [file, ...words] = python(script);
      const other = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => other.kill('SIGKILL'));
      await once(other.stdout, 'data');
      process.kill(command, 'SIGCONT');
      assert.deepEqual([...(await ended), said()], [0, null, 'on 1\n']);
    },
  );

  void test(
    `S14 a brother continues the command, several times, and secfilt goes on: ${name} (${who})`,
    LIMIT,
    async (t) => {
      if (landlockVersion() < LANDLOCK_WITH_SCOPES) return t.skip('a signal inside waits for the supervisor');
      const script = `
command, secfilt = os.getpid(), os.getppid()
if os.fork() == 0:
    stands = lambda: open(f'/proc/{secfilt}/stat').read().rsplit(') ')[1][0] == 'T'
    for _ in range(3):
        while not stands(): time.sleep(0.01)
        os.kill(command, signal.SIGCONT)
        while stands(): time.sleep(0.01)
    os._exit(0)
for number in range(3):
    # Long enough for the brother to see that it goes on.
    time.sleep(0.5)
    os.kill(command, signal.SIGSTOP)
    try: open('/etc/passwd', 'a')
    except PermissionError: print('on', number, flush=True)
os.wait()`;
      const { said, ended } = await startStopping(t, options, script);
      assert.deepEqual([...(await ended), said()], [0, null, 'on 0\non 1\non 2\n']);
    },
  );

  void test(
    `S14 a stopped command is killed and secfilt ends as it did: ${name} (${who})`,
    LIMIT,
    async (t) => {
      const { child, command, ended } = await startStopping(t, options, STOP);
      process.kill(command, 'SIGKILL');
      assert.deepEqual(await ended, [null, 'SIGKILL']);
      assert.equal(lookAt(pidOf(child)), undefined);
    },
  );

  void test(
    `S14 who waits for the command to go on is there only as long as it is stopped: ${name} (${who})`,
    LIMIT,
    async (t) => {
      const { child, ended } = await startStopping(t, options, STOP.replace('0.3', '1'));
      const resumers = () => childrenOf(pidOf(child), 'secfilt-stop').length;
      await until(() => resumers() === 1, 'somebody must wait');
      process.kill(pidOf(child), 'SIGCONT');
      await until(() => resumers() === 0, 'it must end');
      assert.deepEqual(await ended, [0, null]);
    },
  );

  void test(`S14 when a stopped secfilt is killed nobody is left: ${name} (${who})`, LIMIT, async (t) => {
    const { child, command, ended } = await startStopping(t, options, STOP);
    let resumer = 0;
    await until(() => (resumer = childrenOf(pidOf(child), 'secfilt-stop')[0] ?? 0) > 0, 'somebody must wait');
    child.kill('SIGKILL');
    await ended;
    await until(() => lookAt(resumer) === undefined && lookAt(command) === undefined, 'both must end');
  });

  void test(`S14 Ctrl-Z stops secfilt only if it stops the command: ${name} (${who})`, LIMIT, async (t) => {
    const shell = ['bash', '--norc', '--noprofile', '-i'];
    const env = { S: `${process.execPath} ${secfiltScript} ${options.join(' ')} --read-only --` };
    const terminal = new Terminal(shell, { env });
    t.after(() => terminal.close());
    await terminal.expect(/\$ $/);
    terminal.type(`$S bash -c "trap '' TSTP; echo on; sleep 1; : > /refused; echo goes on"\n`);
    await terminal.expect('\non\n');
    terminal.type('\u{1a}');
    await terminal.expect('\ngoes on\n');
    await terminal.expect(/\$ $/);
    assert.doesNotMatch(terminal.text, /Stopped/);
    terminal.type('exit\n');
    await terminal.ended;
  });
  void test(`S14 Ctrl-Z and bg at once: the job goes on, ${name} (${who})`, LIMIT, async (t) => {
    const shell = ['bash', '--norc', '--noprofile', '-i'];
    const env = { S: `${process.execPath} ${secfiltScript} ${options.join(' ')} --read-only --` };
    const terminal = new Terminal(shell, { env });
    t.after(() => terminal.close());
    await terminal.expect(/\$ $/);
    terminal.type(`$S bash -c 'echo on; sleep 2; : > /refused; echo goes on'\n`);
    await terminal.expect('\non\n');
    terminal.type('\u{1a}');
    await terminal.expect(/Stopped[^]*\$ $/);
    terminal.type('bg; wait\n');
    await terminal.expect('\ngoes on\n');
    terminal.type('exit\n');
    await terminal.ended;
  });
}
