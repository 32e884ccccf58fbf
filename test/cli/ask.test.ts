/** `--ask`: a person at the terminal decides, call by call; whoever has no terminal is refused as ever. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { engines } from '../support/escape.ts';
import { who } from '../support/environment.ts';
import { run, secfilt, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** Runs words at a terminal of their own, and types what comes next each time that the screen ends as is said. */
const TALK = `import json, os, pty, select, sys, time
talk = json.loads(sys.argv[1]); words = sys.argv[2:]
pid, fd = pty.fork()
if pid == 0: os.execvp(words[0], words)
screen = b''; end = time.time() + 40
while time.time() < end:
    if talk and screen.rstrip(b' ').endswith(talk[0][0].encode()):
        time.sleep(.05); os.write(fd, talk[0][1].encode('latin1')); screen += b'<' + talk[0][1].encode('latin1') + b'>'; del talk[0]; continue
    if not select.select([fd], [], [], 1)[0]: continue
    try: data = os.read(fd, 65536)
    except OSError: break
    if not data: break
    screen += data
status = os.waitpid(pid, 0)[1]
print(json.dumps({'screen': screen.decode('latin1'), 'code': os.waitstatus_to_exitcode(status), 'left': len(talk)}))`;

interface Talk {
  readonly screen: string;
  readonly code: number;
  /** What was not typed. */
  readonly left: number;
}

const QUESTION = '[N]o?';

async function talk(
  cwd: string,
  options: readonly string[],
  command: readonly string[],
  typed: readonly (readonly [after: string, text: string])[],
): Promise<Talk> {
  const words = secfiltWords([...options, '--ask', '--', ...command]);
  const { stdout, stderr } = await run(['python3', '-c', TALK, JSON.stringify(typed), ...words], { cwd });
  assert.notEqual(stdout, '', stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what TALK prints
  return JSON.parse(stdout) as Talk;
}

function questions({ screen }: Talk): number {
  return screen.split(QUESTION).length - 1;
}

for (const { name, options } of engines) {
  const restricted = [...options, '--read-only'];

  void test(`yes is for once, always for the run, all else is no: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const script = 'for f in y n d a a a; do (echo x >>$f) 2>/dev/null; done; exit 3';
    const said = await talk(
      cwd,
      restricted,
      ['sh', '-c', script],
      ['y', 'n', '', 'a'].map((letter) => [QUESTION, `${letter}\n`] as const),
    );
    assert.equal(said.code, 3, said.screen);
    assert.deepEqual(
      ['y', 'n', 'd'].map((file) => existsSync(join(cwd, file))),
      [true, false, false],
    );
    assert.equal(readFileSync(join(cwd, 'a'), 'utf8'), 'x\nx\nx\n');
    assert.match(
      said.screen,
      /sh \(\d+\) wants to create \/.*\/y \(openat\): \[y\]es once, \[a\]lways for this run, \[N\]o\? /,
    );
    assert.match(said.screen, /secfilt: to be asked no more: --write-allow=/);
  });

  void test(`reads that no rule allows are asked about, those that one denies are not: ${name} (${who})`, async (t) => {
    const root = temporaryDirectory(t);
    for (const folder of ['project', 'denied']) mkdirSync(join(root, folder));
    for (const file of ['one', 'two', 'denied/three']) writeFileSync(join(root, file), `${file}\n`);
    const rules = ['--read-deny=/', '--read-allow=@system,project', '--read-deny=denied', '--read-only'];
    // What may be read is not thereby changed, nor is anything else read.
    const script =
      'cat ../one; cat ../two; cat ../denied/three; (echo x >>../one) 2>/dev/null; cat ../two; exit 0';
    const said = await talk(
      root,
      [...options, ...rules],
      ['sh', '-c', `cd project; ${script}`],
      [
        [QUESTION, 'a\n'],
        [QUESTION, 'n\n'],
        [QUESTION, 'n\n'],
        [QUESTION, 'y\n'],
      ],
    );
    assert.deepEqual([said.code, said.left, questions(said)], [0, 0, 4], said.screen);
    assert.match(said.screen, /cat \(\d+\) wants to read \/.*\/one \(openat\): \[y\]es once/);
    assert.match(said.screen, /\none\r?\n/);
    assert.equal(said.screen.match(/\ntwo\r?\n/g)?.length, 1, said.screen);
    assert.doesNotMatch(said.screen, /\nthree\r?\n/);
    assert.equal(readFileSync(join(root, 'one'), 'utf8'), 'one\n');
    assert.ok(said.screen.includes(`--read-allow=${root}/one`), said.screen);
  });

  void test(`what is typed for the command is the command's: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const script =
      'echo ready; read one; echo "got $one."; echo x >f; echo again; read two; echo "got $two."';
    const said = await talk(
      cwd,
      restricted,
      ['sh', '-c', script],
      [
        ['ready\r\n', 'first\n'],
        [QUESTION, 'y\n'],
        ['again\r\n', 'second\n'],
      ],
    );
    assert.match(said.screen, /got first\.[^]*got second\./);
    assert.equal(existsSync(join(cwd, 'f')), true, said.screen);
  });

  void test(`what was typed before a question is no answer to it: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const script = `import fcntl, termios, time
print('Go on? ', flush=True)
while fcntl.ioctl(0, termios.FIONREAD, b'0000') == bytes(4): time.sleep(.01)
open('f', 'w')`;
    const said = await talk(
      cwd,
      restricted,
      ['python3', '-c', script],
      [
        ['Go on? \r\n', 'y\n'],
        [QUESTION, 'n\n'],
      ],
    );
    assert.deepEqual([existsSync(join(cwd, 'f')), said.left], [false, 0], said.screen);
  });

  void test(`modes and foreground of the terminal are as they were: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const script = `import os, signal, subprocess
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
tty = os.open('/dev/tty', os.O_RDWR)
pid = os.fork()
if pid == 0:
    os.setpgid(0, 0); os.tcsetpgrp(tty, os.getpgrp()); subprocess.run(['stty', 'raw', '-echo'], stdin=tty)
    before = subprocess.run(['stty', '-g'], stdin=tty, capture_output=True).stdout
    open('f', 'w').close()
    after = subprocess.run(['stty', '-g'], stdin=tty, capture_output=True).stdout
    foreground = os.tcgetpgrp(tty) == os.getpgrp()
    subprocess.run(['stty', 'sane'], stdin=tty); os.write(1, b'same %d %d\\n' % (before == after, foreground)); os._exit(0)
os.waitpid(pid, 0)`;
    const said = await talk(cwd, restricted, ['python3', '-c', script], [[QUESTION, 'y\n']]);
    assert.match(said.screen, /same 1 1/);
  });

  void test(`Ctrl-C at a question ends the command, and who asks too often is refused: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const ended = await talk(cwd, restricted, ['sh', '-c', 'echo x >f'], [[QUESTION, '\x03']]);
    assert.deepEqual([ended.code, existsSync(join(cwd, 'f'))], [-2, false], ended.screen);
    const flood = 'for n in $(seq 50); do (echo x >f$n) 2>/dev/null; done';
    const many = await talk(
      cwd,
      restricted,
      ['sh', '-c', flood],
      Array.from({ length: 50 }, () => [QUESTION, 'n\n'] as const),
    );
    assert.ok(questions(many) >= 1 && many.left > 0, many.screen);
  });

  void test(`what is shown is escaped: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const said = await talk(
      cwd,
      restricted,
      ['sh', '-c', '(true >"$(printf "a\\033[2Jb")") 2>/dev/null'],
      [[QUESTION, 'n\n']],
    );
    assert.ok(questions(said) === 1 && !said.screen.includes('\x1b[2J'), said.screen);
  });

  void test(`without a terminal nothing is asked and nothing allowed: ${name} (${who})`, async (t) => {
    const cwd = temporaryDirectory(t);
    const words = secfiltWords([...restricted, '--ask', '--', 'sh', '-c', 'echo x >f']);
    const { stderr } = await run(['setsid', '--wait', ...words], { cwd });
    assert.match(stderr, /^secfilt: --ask: there is no terminal to ask at, so nothing more is allowed$/m);
    assert.equal(existsSync(join(cwd, 'f')), false);
  });
}

void test('--ask where nobody could answer is an error', async () => {
  const kernel = await secfilt(['--engine=kernel', '--read-only', '--ask', 'true']);
  assert.deepEqual([kernel.code, /--ask needs a supervisor/.test(kernel.stderr)], [125, true], kernel.stderr);
  const learning = await secfilt(['--learn=/nonexistent/x', '--ask', 'true']);
  assert.deepEqual(
    [learning.code, /--ask contradicts --learn/.test(learning.stderr)],
    [125, true],
    learning.stderr,
  );
});
