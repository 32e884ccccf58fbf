/**
 * /dev/tty means whatever terminal one has, and one may take a terminal that is nobody's.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { backings } from '../support/backing.ts';
import { who } from '../support/environment.ts';
import {
  attackTest,
  engines,
  type Ground,
  insideTest,
  makeGround,
  python,
  saidBy,
} from '../support/escape.ts';
import { landlockVersion } from '../support/native.ts';
import { type Outcome, run, secfiltWords, start } from '../support/run.ts';

/** A terminal outside that no session has, such as one of a virtual machine or a modem. What is written there is heard. */
const LINE = `import tty
master, slave = os.openpty(); tty.setraw(slave)
if os.geteuid() == 0: os.mknod(ROOT + '/o/tty', 0o20666, 0x500); os.chmod(ROOT + '/o/tty', 0o666)
open(ROOT + '/heard', 'w').close()
open(ROOT + '/name', 'w').write(os.ttyname(slave))
print('ready', flush=True)
while True: open(ROOT + '/heard', 'ab').write(os.read(master, 99))`;

async function startLine(t: TestContext, { root }: Ground): Promise<void> {
  const child = start(python(LINE, root), { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
}

function isHeard({ root }: Ground): boolean {
  return existsSync(`${root}/heard`) && readFileSync(`${root}/heard`, 'latin1') !== '';
}

/** Takes the line as its own terminal, for which it need only be read, and writes to /dev/tty by every name and call. */
const TAKING = `
def attack():
    os.setsid()
    line = os.open(open(ROOT + '/name').read(), os.O_RDONLY)
    os.symlink('/dev/tty', ROOT + '/a/l')
    paths = ['/dev/tty', ROOT + '/a/l', '/dev/../dev/tty', f'/proc/self/fd/{line}', '/proc/self/fd/%d' % os.open('/dev/tty', os.O_PATH),
        '/proc/self/fd/%d' % os.open('/dev/tty', os.O_RDONLY), '/dev/fd/%d' % os.open('/dev/tty', os.O_RDONLY), ROOT + '/o/tty']
    opened = 0
    def attempt():
        nonlocal opened
        for path in paths:
            for flags in (1, 2, 3, 0o101, 0o1002, 0o402, 0o4002):
                for number, args in ((2, (path, flags, 0o600)), (257, (-100, path, flags, 0o600)), (437, (-100, path, struct.pack('QQQ', flags, 0o600 if flags & 0o100 else 0, 0), 24))):
                    fd = sc(number, *args)
                    if fd >= 0: opened += 1; sc(1, fd, b'!', 1); os.close(fd)
    thread = threading.Thread(target=attempt); thread.start(); thread.join(); attempt()
    time.sleep(0.2)
    return min(opened, 9)
print(in_child(attack))`;

attackTest({
  id: 'S03',
  title: 'a terminal outside that was taken is written as /dev/tty',
  prepare: (ground, t) => startLine(t, ground),
  script: TAKING,
  worked: isHeard,
  inside: (_ground, { stdout }) => assert.equal(stdout, '0\n'),
});

attackTest({
  id: 'S03',
  title: 'a terminal outside that was taken is written as /dev/tty, which the standard streams are',
  prepare: (ground, t) => startLine(t, ground),
  script: `
def attack():
    import pty
    pid, master = pty.fork()
    if pid == 0:
        tty = os.open('/dev/tty', os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(tty, fd)
        os.execv(sys.argv[2], sys.argv[2:])
    try:
        while os.read(master, 999): pass
    except OSError: pass
    os.waitpid(pid, 0)
    return 0
${TAKING}`,
  worked: isHeard,
});

void test(`S03 a terminal outside that was taken is not written under the kernel engine (${who})`, async (t) => {
  if (landlockVersion() < 6) return t.skip('the kernel engine needs Landlock ABI 6');
  const ground = makeGround(t);
  await startLine(t, ground);
  const words = secfiltWords([
    '--engine=kernel',
    `--write-allow=${ground.a}`,
    '--',
    ...python(TAKING, ground.root),
  ]);
  const outcome = await run(words, { cwd: ground.a });
  assert.equal(outcome.code, 0, JSON.stringify(outcome));
  assert.ok(!isHeard(ground), JSON.stringify(outcome));
});

insideTest(
  'S03 without a terminal /dev/tty cannot be opened, as natively',
  `say(**{str(flags): in_child(lambda: -sc(2, '/dev/tty', flags) if os.setsid() is None else 0) for flags in (0, 1, 2, 0o101)}, directory=sc(2, '/dev/tty', 0o200001), fresh=sc(2, '/dev/tty', 0o301))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { 0: 6, 1: 6, 2: 6, 65: 6, directory: -20, fresh: -17 }),
);

/** Runs words on a pseudo-terminal of their own, as the leader of its session, and prints what is shown there. */
const ON_TERMINAL = `import pty
pid, master = pty.fork()
if pid == 0: os.execv(sys.argv[2], sys.argv[2:])
text = b''
while True:
    try: more = os.read(master, 1000)
    except OSError: break
    if not more: break
    text += more
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(text.decode().replace('\\r', ''), f'code {code}')`;

/** Every way to the terminal that was handed over, also from the background, without a terminal as stream, and from another session. */
const OWN = `
import termios
null = os.open('/dev/null', os.O_RDWR)
def write(how, *args):
    fd = sc(*args)
    print(how, fd if fd < 0 else os.write(fd, b'') or 'opened', flush=True)
    if fd >= 0: termios.tcgetattr(fd); os.close(fd)
for flags in (1, 2, 0o101, 0o1002):
    write('open', 2, '/dev/tty', flags, 0o600)
    write('openat2', 437, -100, '/dev/tty', struct.pack('QQQ', flags, 0o600 if flags & 0o100 else 0, 0), 24)
write('link', 2, '/proc/self/fd/%d' % os.open('/dev/tty', os.O_PATH), 2)
write('name', 2, os.ttyname(1), 2)
# A pager reads the keys from there.
fd = os.open('/dev/tty', os.O_RDONLY); modes = termios.tcgetattr(fd); termios.tcsetattr(fd, termios.TCSANOW, modes)
print('modes', os.get_terminal_size(fd).columns, flush=True)
kept = os.dup(1)
for stream in (0, 1, 2): os.dup2(null, stream)
out = os.open('/dev/tty', os.O_WRONLY); os.write(out, b'without streams\\n'); os.dup2(out, 1)
os.setsid() if os.fork() == 0 else os.wait() and os._exit(0)
print('other session', sc(2, '/dev/tty', 2), flush=True)`;

const OWN_SAYS = `${'open opened\nopenat2 opened\n'.repeat(4)}link opened\nname opened\nmodes 0\nwithout streams\nother session -6\n code 0\n`;

void test(`S03 the terminal that was handed over is written as /dev/tty: natively (${who})`, async () => {
  const { stdout } = await run([...python(ON_TERMINAL, '/'), ...python(OWN, '/')]);
  assert.equal(stdout, OWN_SAYS);
});

for (const { name, options } of engines) {
  for (const { name: backing, env } of backings) {
    for (const policy of [['--read-only'], ['--learn=/dev/null']]) {
      void test(`S03 the terminal that was handed over is written as /dev/tty: ${name} ${backing} ${policy.join()} (${who})`, async () => {
        const words = secfiltWords([...options, ...policy, '--', ...python(OWN, '/')]);
        const { stdout } = await run([...python(ON_TERMINAL, '/'), ...words], { env });
        assert.equal(stdout, OWN_SAYS);
      });
    }
    void test(`S03 a terminal that was handed over as a stream and is taken inside is written as /dev/tty: ${name} ${backing} (${who})`, async () => {
      const inside = python(
        `sc(16, 0, 0x540e, 0) # TIOCSCTTY
fd = os.open('/dev/tty', os.O_WRONLY); os.write(fd, b'from inside\\n')`,
        '/',
      );
      const words = secfiltWords([...options, '--read-only', '--', 'setsid', '--wait', ...inside]);
      const outside = `import subprocess
master, slave = os.openpty()
p = subprocess.run(sys.argv[2:], stdin=slave, start_new_session=True); os.close(slave)
print(p.returncode, os.read(master, 99))`;
      const outcome: Outcome = await run([...python(outside, '/'), ...words], { env });
      assert.equal(outcome.stdout, "0 b'from inside\\r\\n'\n", JSON.stringify(outcome));
    });
  }
}
