/**
 * Signals that the kernel sends to a whole process group: to one that has a reader in the background (SIGTTIN), to an orphaned one
 * (SIGHUP). Nobody inside may bring them upon a group outside, nor upon the supervisor.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { secfiltScript, who } from '../support/environment.ts';
import { engines, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { type Outcome, run, secfiltWords } from '../support/run.ts';
import { Terminal } from '../support/terminal.ts';

const LANDLOCK_WITH_SCOPES = 6;

/**
 * A login shell on a terminal: it has a job in the background, starts one in the foreground that is told the numbers of both,
 * and says what has become of the first. Whoever sends it a SIGHUP ends it.
 */
const LOGIN_SHELL = `import pty
pid, master = pty.fork()
if pid == 0:
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    def job(foreground, run):
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            if foreground: os.tcsetpgrp(0, os.getpid())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            run()
        # Whichever is first, as shells do.
        try: os.setpgid(pid, pid)
        except PermissionError: pass
        return pid
    background = job(False, lambda: libc.prctl(1, 9) or time.sleep(100))
    os.environ.update(SHELL_GROUP=str(os.getpid()), JOB_GROUP=str(background))
    status = os.waitpid(job(True, lambda: os.execvp(sys.argv[2], sys.argv[2:])), os.WUNTRACED)[1]
    os.tcsetpgrp(0, os.getpid())
    stopped = os.waitpid(background, os.WNOHANG | os.WUNTRACED)[0] != 0
    print('stopped by', os.WSTOPSIG(status), flush=True) if os.WIFSTOPPED(status) else print('code', os.waitstatus_to_exitcode(status), flush=True)
    print('its job is', 'stopped' if stopped else 'running', 'and the shell lives', flush=True)
    os.kill(background, 9); os._exit(0)
import select
text = b''
while True:
    ended = os.waitpid(pid, os.WNOHANG)[0] == pid
    while select.select([master], [], [], 0.1)[0]:
        try: text += os.read(master, 1000)
        except OSError: break
    if ended: break
print(text.decode().replace('\\r', ''))`;

function atShell(words: readonly string[], env = {}): Promise<Outcome> {
  return run([...python(LOGIN_SHELL, '/'), ...words], { env, timeout: 60_000 });
}

const JOINING = `
import termios
shell, job = int(os.environ['SHELL_GROUP']), int(os.environ['JOB_GROUP'])
signal.signal(signal.SIGHUP, signal.SIG_IGN)
def in_job(action):
    pid = os.fork()
    if pid == 0:
        ATTEMPT(job)
        for number in (signal.SIGTTIN, signal.SIGTTOU): signal.signal(number, signal.SIG_DFL)
        if os.getpgid(0) == job: action()
        os._exit(0)
    time.sleep(0.5); os.kill(pid, 9); os.waitpid(pid, 0)`;

const ATTACKS = {
  'a job outside is stopped by a reader in it': `in_job(lambda: os.read(0, 1))`,
  'a job outside is stopped by one in it that sets modes': `in_job(lambda: termios.tcsetattr(0, termios.TCSANOW, termios.tcgetattr(0)))`,
  'a job outside is stopped by a reader that its parent has put there': `
r, w = os.pipe(); child = os.fork()
if child == 0:
    signal.signal(signal.SIGTTIN, signal.SIG_DFL); os.read(r, 1)
    if os.getpgid(0) == job: os.read(0, 1)
    os._exit(0)
sc(109, child, job); os.write(w, b'x'); time.sleep(0.5); os.kill(child, 9); os.wait()`,
  // A stopped process in the group whose parent is of another session, and then one of whom the group had its parent ends.
  'the shell outside is hung up by an orphan': `
r, w = os.pipe(); r2, w2 = os.pipe()
if os.fork() == 0:
    stopped = os.fork()
    if stopped == 0:
        os.read(r2, 1); ATTEMPT(shell); os.write(w, b'x')
        if os.getpgid(0) == shell: os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.setsid(); os.write(w2, b'x'); os.waitpid(stopped, os.WUNTRACED); os.write(w, b'y'); time.sleep(1)
    os.kill(stopped, 9); os._exit(0)
os.read(r, 1); os.read(r, 1)
if os.fork() == 0: ATTEMPT(shell); os._exit(0)
os.wait(); time.sleep(0.5)`,
};

/** Garbage above the 32 bits that the kernel reads; by number, from a thread that is not the first. */
const ATTEMPTS = {
  'by itself': `def ATTEMPT(group): sc(109, 0, group)`,
  'with garbage': `def ATTEMPT(group): sc(109, 0xdead00000000, 0xdead00000000 | group)`,
  'by number from a thread': `
def ATTEMPT(group):
    thread = threading.Thread(target=lambda: sc(109, os.getpid(), group)); thread.start(); thread.join()`,
};

const HARM = /its job is stopped/;

for (const [what, attack] of Object.entries(ATTACKS)) {
  const isHarmed = ({ stdout }: Outcome): boolean => HARM.test(stdout) || !stdout.includes('the shell lives');
  // One attack by every way, the others by one.
  const ways = Object.entries(ATTEMPTS).slice(0, what === Object.keys(ATTACKS)[0] ? undefined : 1);
  for (const [how, attempt] of ways) {
    const words = python(`${attempt}\n${JOINING}\n${attack}\nsys.exit(7)`, '/');
    void test(`S02 ${what}, joined ${how}: works without a sandbox (${who})`, async () => {
      const outcome = await atShell(words);
      assert.ok(isHarmed(outcome), outcome.stdout);
    });
    for (const { name, options } of engines) {
      for (const { name: backing, env } of backings) {
        void test(`S02 ${what}, joined ${how}: held by ${name} ${backing} (${who})`, async () => {
          const outcome = await atShell(secfiltWords([...options, '-v', '--read-only', '--', ...words]), env);
          assert.ok(!isHarmed(outcome), outcome.stdout);
          assert.match(outcome.stdout, /^code 7$/m);
          // Whose group it was is said.
          assert.match(outcome.stdout, /process group|setpgid/);
        });
      }
    }
    void test(`S02 ${what}, joined ${how}: held by the kernel engine (${who})`, async (t) => {
      if (landlockVersion() < LANDLOCK_WITH_SCOPES) return t.skip('the kernel engine needs Landlock ABI 6');
      const outcome = await atShell(secfiltWords(['--engine=kernel', '--read-only', '--', ...words]));
      assert.ok(!isHarmed(outcome), outcome.stdout);
      assert.match(outcome.stdout, /^code 7$/m);
    });
  }
}

/** In the foreground with a group of its own, while a child that is left in secfilt's group reads: the whole group is stopped. */
const READER = `
signal.signal(signal.SIGTTIN, signal.SIG_IGN); signal.signal(signal.SIGTTOU, signal.SIG_IGN)
reader = os.fork()
if reader == 0:
    signal.signal(signal.SIGTTIN, signal.SIG_DFL)
    time.sleep(0.3); os.read(0, 1); os._exit(0)
foreground = os.fork()
if foreground == 0:
    os.setpgid(0, 0); os.tcsetpgrp(0, os.getpid()); time.sleep(30)
os.waitpid(reader, os.WUNTRACED)
sc(83, ROOT + '/refused', 0o755)
os.kill(reader, 9); os.kill(foreground, 9)
sys.exit(7)`;

for (const { name, options } of engines) {
  for (const { name: backing, env } of backings) {
    void test(`S02 SIGTTIN for secfilt's own group does not stop the supervisor: ${name} ${backing} (${who})`, async (t) => {
      const attack = python(READER, makeGround(t).root);
      const words = secfiltWords([...options, '-v', '--read-only', '--', ...attack]);
      const { stdout } = await atShell(words, env);
      assert.match(stdout, /\/refused/);
      assert.match(stdout, /^code 7$/m);
    });
  }
}

/** What setpgid(2) says where it changes nothing outside, errors in their order included. */
const ORDINARY = `
def child(action):
    "The pid of a child that waits, and what it is told to do first."
    r, w = os.pipe(); r2, w2 = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(w); action(); os.write(w2, b'x'); os.read(r, 1); os._exit(0)
    os.read(r2, 1); KEPT.append(w)
    return pid
nothing = lambda: None
leader = child(lambda: os.setpgid(0, 0)); other = child(nothing); session = child(os.setsid); executed = os.fork()
if executed == 0: os.execvp('sleep', ['sleep', '9'])
while open(f'/proc/{executed}/comm').read() != 'sleep\\n': time.sleep(0.01)
start = os.getpgid(0); result = {}
def ask(name, *args): result[name] = sc(109, *args)
ask('join', other, leader); result['joined'] = int(os.getpgid(other) == leader)
ask('back', other, start); ask('own', other, other); ask('zero', other, 0); ask('again', other, leader)
ask('negative', other, -1); ask('no process', 0x3ffffe, leader); ask('no group', other, 0x3ffffe)
ask('executed', executed, leader); ask('leader', session, leader); ask('not mine', os.getppid(), leader); ask('not mine, outside', 1, 1)
def late():
    ask('myself', 0, leader); ask('me by number', os.getpid(), leader); ask('to the start', 0, start)
    # A group whose first member has gone.
    grand = child(lambda: os.setpgid(0, leader)); os.kill(leader, 9)
    ask('without its leader', 0, leader); os.kill(grand, 9)
    # One whose first member has ended, and is not reaped.
    first = child(lambda: os.setpgid(0, 0)); second = child(lambda: os.setpgid(0, first)); os.kill(first, 9)
    while ') Z ' not in open(f'/proc/{first}/stat').read(): time.sleep(0.01)
    ask('its leader a zombie', 0, first); os.kill(second, 9)
    sys.stdout.write(json.dumps(result)); sys.stdout.flush()
if os.fork() == 0: late(); os._exit(0)
os.wait()
for pid in (other, session, executed): os.kill(pid, 9)`;

const ORDINARY_SAYS = {
  join: 0,
  joined: 1,
  back: 0,
  own: 0,
  zero: 0,
  again: 0,
  negative: -22,
  'no process': -3,
  'no group': -1,
  executed: -13,
  leader: -1,
  'not mine': -3,
  'not mine, outside': -3,
  myself: 0,
  'me by number': 0,
  'to the start': 0,
  'without its leader': 0,
  'its leader a zombie': 0,
};

void test(`S02 groups inside are made, joined and left: natively (${who})`, async () => {
  assert.deepEqual(saidBy(await run(python(ORDINARY))), ORDINARY_SAYS);
});

insideTest('S02 groups inside are made, joined and left', ORDINARY, (outcome) =>
  assert.deepEqual(saidBy(outcome), ORDINARY_SAYS),
);

insideTest(
  'S02 the command reads and writes the terminal as any program does: it ignores no signal of job control',
  `say(ignored=int(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('SigIgn')), 16) >> 19 & 7)`,
  (outcome) => assert.deepEqual(saidBy(outcome), { ignored: 0 }),
);

void test(`S02 the kernel engine in a session of its own lets shells have job control (${who})`, async (t) => {
  if (landlockVersion() < LANDLOCK_WITH_SCOPES) return t.skip('the kernel engine needs Landlock ABI 6');
  const shell = ['bash', '--norc', '--noprofile', '-i'];
  const terminal = new Terminal([
    process.execPath,
    secfiltScript,
    '--engine=kernel',
    '--read-only',
    '--',
    ...shell,
  ]);
  t.after(() => terminal.close());
  await terminal.expect(/\$ $/);
  terminal.type('sleep 0.1 | cat | cat; echo "code $?"\n');
  await terminal.expect('\ncode 0\n');
  terminal.type('sleep 100 | cat\n');
  await new Promise((resolve) => setTimeout(resolve, 300));
  terminal.type('\u{1a}');
  await terminal.expect('Stopped');
  assert.doesNotMatch(terminal.text, /setpgid|not permitted|no job control/);
});
