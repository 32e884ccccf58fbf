/**
 * Signals that nobody sends but the kernel, for a descriptor or a terminal: to a process group that somebody outside is
 * in, too. Only the one who was inside may get them.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import { attackTest, engines, insideTest, makeGround, python, saidBy } from '../support/escape.ts';
import { type Outcome, run, secfiltWords, start } from '../support/run.ts';

/** SIGURG harms nobody who does not ask for it: it may reach the tests themselves, which are in the group as well. */
const VICTIM = `signal.signal(23, lambda *_: open(ROOT + '/heard', 'a').write('x'))
open(ROOT + '/heard', 'w').close()
print('ready', flush=True)
while True: time.sleep(0.05)`;

for (const [what, request] of [
  ['F_SETOWN', 'sc(72, r, 8, -os.getpgid(0))'],
  ['F_SETOWN with garbage', 'sc(72, r, 0xdead00000008, 0xdead00000000 | -os.getpgid(0) & 0xffffffff)'],
  ['F_SETOWN_EX', "sc(72, r, 15, struct.pack('ii', 2, os.getpgid(0)))"],
  ['FIOSETOWN', "sc(16, r, 0x8901, struct.pack('i', -os.getpgid(0)))"],
  ['SIOCSPGRP', "sc(16, r, 0x8902, struct.pack('i', -os.getpgid(0)))"],
] as const) {
  attackTest({
    id: 'P14',
    title: `SIGIO by ${what} for the group of the youngest in it`,
    prepare: async ({ root }, t) => {
      const victim = start(python(VICTIM, root), { stdio: ['ignore', 'pipe', 'inherit'] });
      t.after(() => victim.kill('SIGKILL'));
      await new Promise((resolve) => victim.stdout?.once('data', resolve));
    },
    script: `
def attack():
    pair = socket.socketpair()
    r, w = (end.fileno() for end in pair)
    result = ${request}
    sc(72, r, 10, 23); sc(72, r, 4, 0o22000)
    os.write(w, b'x')
    time.sleep(0.2)
    return 1 if result == 0 else 0
print(in_child(attack))`,
    worked: ({ root }) => readFileSync(`${root}/heard`, 'utf8') !== '',
    // Not every kernel's Landlock would have held it, so that nobody may ask for it.
    inside: (_ground, { stdout }) => assert.equal(stdout, '0\n'),
  });
}

insideTest(
  'P14 who asks for signals to itself gets them, with one thread and with two',
  `got = 0
def handler(*_):
    global got
    got += 1
signal.signal(10, handler)
me, thread = os.getpid(), sc(186)
OWN = [
  lambda r: sc(72, r, 8, me), lambda r: sc(72, r, 15, struct.pack('ii', 1, me)), lambda r: sc(72, r, 15, struct.pack('ii', 0, thread)),
  lambda r: sc(16, r, 0x8901, struct.pack('i', me)), lambda r: sc(16, r, 0x8902, struct.pack('i', me)),
]
ASK = [lambda r: sc(72, r, 4, 0o22000), lambda r: sc(16, r, 0x5452, struct.pack('i', 1))]
failed = 0
def attempts():
    global failed
    for own in OWN:
        for ask in ASK:
            pair = socket.socketpair()
            r, w = (end.fileno() for end in pair)
            results = (own(r), sc(72, r, 10, 10), ask(r))
            if results != (0, 0, 0): failed += 1
            os.write(w, b'x')
            # Nobody is the owner any more, and then nobody is asked to be told.
            if (sc(72, r, 8, 0), sc(16, r, 0x5452, struct.pack('i', 0))) != (0, 0): failed += 1
            os.write(w, b'x')
attempts(); alone = got; got = 0
sibling = threading.Thread(target=time.sleep, args=(5,), daemon=True); sibling.start()
attempts()
say(alone=alone, together=got, failed=failed, none=sc(72, 99, 4, 0o22000), file=sc(72, os.open('/dev/null', 0), 4, 0o20000))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { alone: 10, together: 10, failed: 0, none: -9, file: 0 }),
);

/** A session with a terminal, whose leader is in the same group as what it starts; then somebody types. */
const SESSION = String.raw`
import pty, subprocess
pid, master = pty.fork()
if pid == 0:
    heard = []
    signal.signal(12, lambda *_: heard.append(12))
    code = subprocess.run(sys.argv[2:]).returncode
    time.sleep(0.1)
    print(f'heard {len(heard)} code {code}', flush=True); os._exit(0)
text = b''
while True:
    try: more = os.read(master, 1000)
    except OSError: break
    if not more: break
    text += more
    if b'ready' in more: os.write(master, b'typed\n')
os.waitpid(pid, 0)
print(text.decode())`;

async function inSession(words: readonly string[], env = {}): Promise<Outcome> {
  return run([...python(SESSION, '/'), ...words], { env, timeout: 60_000 });
}

for (const [what, request] of [
  ['O_ASYNC', 'sc(72, 0, 4, 0o20002)'],
  ['O_ASYNC with garbage', 'sc(72, 0, 0xdead00000004, 0xdead00020002)'.replace('20002', '2002')],
  ['FIOASYNC', "sc(16, 0, 0x5452, struct.pack('i', 1))"],
] as const) {
  const attack = python(`signal.signal(12, signal.SIG_IGN)
def attack():
    sc(72, 0, 10, 12); result = ${request}
    print('ready', flush=True); sys.stdin.readline(); time.sleep(0.1)
    return 1 if result == 0 else 0
sys.exit(in_child(attack))`);
  void test(`P14 SIGIO by ${what} on the terminal: works without a sandbox (${who})`, async () => {
    const { stdout } = await inSession(attack);
    assert.match(stdout, /^heard [1-9]\d* code 1/m);
  });
  for (const engine of engines) {
    for (const backing of backings) {
      void test(`P14 SIGIO by ${what} on the terminal: held by ${engine.name} ${backing.name} (${who})`, async (t) => {
        const { root } = makeGround(t);
        const words = secfiltWords([...engine.options, `--write-allow=${root}`, '--', ...attack]);
        const { stdout } = await inSession(words, backing.env);
        assert.match(stdout, /^heard 0 code 0/m);
      });
    }
  }
}

/** A shell with job control: what it starts is a job, a group of its own in the foreground, and may be stopped. */
const JOB = String.raw`
import pty
pid, master = pty.fork()
if pid == 0:
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0); os.tcsetpgrp(0, os.getpid()); signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvp(sys.argv[2], sys.argv[2:])
    status = os.waitpid(job, os.WUNTRACED)[1]
    os.tcsetpgrp(0, os.getpgid(0))
    print(f'stopped by {os.WSTOPSIG(status)}' if os.WIFSTOPPED(status) else f'ended {os.waitstatus_to_exitcode(status)}', flush=True)
    try: os.killpg(job, 9)
    except OSError: pass
    os._exit(0)
text = b''
while True:
    try: more = os.read(master, 1000)
    except OSError: break
    if not more: break
    text += more
os.waitpid(pid, 0)
print(text.decode())`;

/** In the foreground itself, it lets the terminal stop whoever else writes to it (TOSTOP). */
const FOREGROUND = `import termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.setpgid(0, 0); os.tcsetpgrp(0, os.getpgid(0))
modes = termios.tcgetattr(0); modes[3] |= termios.TOSTOP; termios.tcsetattr(0, termios.TCSANOW, modes)
sc(83, ROOT + '/refused', 0o755)
sys.exit(7)`;

void test(`P14 SIGTTOU from the terminal for others than its foreground: works without a sandbox (${who})`, async (t) => {
  const words = ['sh', '-c', '"$@"; echo word; exit 7', 'sh', ...python(FOREGROUND, makeGround(t).root)];
  const { stdout } = await run([...python(JOB, '/'), ...words], { timeout: 60_000 });
  assert.match(stdout, /^stopped by 22/m);
});

for (const engine of engines) {
  for (const backing of backings) {
    void test(`P14 SIGTTOU from the terminal does not stop the supervisor: ${engine.name} ${backing.name} (${who})`, async (t) => {
      const attack = python(FOREGROUND, makeGround(t).root);
      const words = secfiltWords([...engine.options, '--verbose', '--read-only', '--', ...attack]);
      const { stdout } = await run([...python(JOB, '/'), ...words], { env: backing.env, timeout: 60_000 });
      assert.match(stdout, /\/refused[\s\S]*^ended 7/m);
    });
  }
}
