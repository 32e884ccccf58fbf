/**
 * secfilt at a terminal: keys, job control, window size.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { secfiltScript } from '../support/environment.ts';
import { secfiltWords } from '../support/run.ts';
import { Terminal } from '../support/terminal.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const SHELL = ['bash', '--norc', '--noprofile', '-i'];
const [CTRL_C, CTRL_D, CTRL_Z, CTRL_BACKSLASH] = ['\u{3}', '\u{4}', '\u{1a}', '\u{1c}'];
const PROMPT = /\$ $/;

/** An ordinary interactive bash, in which `$S` starts secfilt. */
async function plainShell(t: TestContext): Promise<Terminal> {
  const terminal = new Terminal(SHELL, { env: { S: `${process.execPath} ${secfiltScript} --read-only --` } });
  t.after(() => terminal.close());
  await terminal.expect(PROMPT);
  return terminal;
}

async function sandboxedShell(t: TestContext): Promise<Terminal> {
  const terminal = new Terminal(secfiltWords(['--read-only', '--', ...SHELL]), {
    cwd: temporaryDirectory(t),
  });
  t.after(() => terminal.close());
  await terminal.expect(PROMPT);
  assert.doesNotMatch(terminal.text, /no job control|cannot set terminal/);
  return terminal;
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function leave(terminal: Terminal, code = 0): Promise<void> {
  terminal.type(`exit ${code}\n`);
  assert.equal((await terminal.ended).code, code);
}

void test('Ctrl-C ends the command and leaves the shell around secfilt', async (t) => {
  const terminal = await plainShell(t);
  terminal.type('$S bash -c "echo on; exec sleep 100"\n');
  await terminal.expect('\non\n');
  terminal.type(CTRL_C);
  await terminal.expect(PROMPT);
  terminal.type('echo "code $?"\n');
  await terminal.expect('\ncode 130\n');
  await leave(terminal);
});

void test('Ctrl-C that the command handles does not end secfilt', async (t) => {
  const terminal = await plainShell(t);
  terminal.type(
    `$S bash -c 'trap "echo caught" INT; echo on; for i in 1 2 3 4 5; do sleep 0.2; done; exit 6'\n`,
  );
  await terminal.expect('\non\n');
  terminal.type(CTRL_C);
  await terminal.expect('caught\n');
  await terminal.expect(PROMPT);
  terminal.type('echo "code $?"\n');
  await terminal.expect('\ncode 6\n');
  await leave(terminal);
});

void test('Ctrl-backslash ends the command', async (t) => {
  const terminal = await plainShell(t);
  terminal.type('ulimit -c 0; $S bash -c "echo on; exec sleep 100"\n');
  await terminal.expect('\non\n');
  // Bash itself ignores this signal; by now it has become sleep.
  await pause(300);
  terminal.type(CTRL_BACKSLASH);
  await terminal.expect(PROMPT);
  terminal.type('echo "code $?"\n');
  await terminal.expect('\ncode 131\n');
  await leave(terminal);
});

void test('Ctrl-Z stops the job, fg goes on with it', async (t) => {
  const terminal = await plainShell(t);
  terminal.type('$S cat\n');
  await pause(500);
  terminal.type('one\n');
  await terminal.expect('one\none\n');
  terminal.type(CTRL_Z);
  await terminal.expect('Stopped');
  await terminal.expect(PROMPT);
  terminal.type('echo in between\n');
  await terminal.expect('\nin between\n');
  terminal.type('fg\n');
  await terminal.expect(/cat\n/);
  terminal.type('two\n');
  await terminal.expect('two\ntwo\n');
  terminal.type(CTRL_D);
  await terminal.expect(PROMPT);
  terminal.type('echo "code $?"\n');
  await terminal.expect('\ncode 0\n');
  await leave(terminal);
});

void test('bash under secfilt has job control of its own', async (t) => {
  const terminal = await sandboxedShell(t);
  terminal.type('sleep 100\n');
  await pause(200);
  terminal.type(CTRL_Z);
  await terminal.expect('Stopped');
  terminal.type('jobs\n');
  await terminal.expect(/Stopped +sleep 100\n/);
  terminal.type('fg\n');
  await terminal.expect('sleep 100\n');
  terminal.type(CTRL_C);
  await terminal.expect(PROMPT);
  terminal.type('echo "code $?"; sleep 0.1 & wait; cat <<< after\n');
  await terminal.expect('\ncode 130\n');
  await terminal.expect(/\nafter\n/);
  terminal.type('echo x > forbidden\n');
  await terminal.expect('bash: forbidden: Operation not permitted\n');
  await leave(terminal, 8);
});

void test('Ctrl-C at the prompt of a sandboxed bash ends nothing', async (t) => {
  const terminal = await sandboxedShell(t);
  terminal.type('half a line');
  await terminal.expect('half a line');
  terminal.type(CTRL_C);
  await terminal.expect('^C');
  // Bash throws away what was typed until it shows its prompt again.
  await terminal.expect(PROMPT);
  terminal.type('echo alive\n');
  await terminal.expect('\nalive\n');
  await leave(terminal);
});

void test('the window size and its changes reach the command', async (t) => {
  const terminal = await sandboxedShell(t);
  terminal.type('stty size\n');
  await terminal.expect('\n24 80\n');
  terminal.type('trap "stty size" WINCH; echo set\n');
  await terminal.expect('\nset\n');
  terminal.resize(40, 132);
  terminal.type('sleep 0.2; stty size\n');
  await terminal.expect('40 132\n');
  await leave(terminal);
});

void test('the terminal is left as it was found', async (t) => {
  const terminal = await plainShell(t);
  terminal.type(
    'stty -g > /dev/null; a=$(stty -g); $S bash -c "exit 1"; b=$(stty -g); [ "$a" = "$b" ] && echo same\n',
  );
  await terminal.expect('\nsame\n');
  await leave(terminal);
});

void test('a hangup ends a sandboxed shell', async (t) => {
  const terminal = await sandboxedShell(t);
  terminal.child.kill('SIGHUP');
  const { code, signal } = await terminal.ended;
  assert.ok(signal === 'SIGHUP' || code === 129, `code ${code}, signal ${signal}`);
});
