/**
 * Programs that make terminals of their own: what runs there, and what is shown, is as natively.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { testEngine, who } from '../support/environment.ts';
import { run, secfiltWords } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { missing, programTests } from './same.ts';

programTests([
  {
    name: 'script',
    needs: ['script'],
    script: `script -qec 'test -t 0 && stty -a | tail -n +2; echo seen > /dev/tty; exit 3' typescript < /dev/null
echo $?`,
    volatile: /typescript/,
  },
  {
    name: 'expect',
    needs: ['expect'],
    script: `expect -c 'spawn -noecho -nottyinit sh -c {read x; echo got $x; echo y > /dev/tty; exit 4}
send "abc\\r"; expect "got abc" {}; expect eof; puts "code [lindex [wait] 3]"'`,
  },
  {
    name: 'tmux, twice in a row,',
    needs: ['tmux'],
    script: `export TMUX_TMPDIR=$PWD LC_ALL=C.UTF-8
for name in one two; do
  tmux -f /dev/null new-session -d -x 80 -y 24 "stty size > $name; echo t > /dev/tty && echo own >> $name; touch $name.end"
  for attempt in $(seq 200); do test -e $name.end && break; sleep 0.05; done
  cat $name
  rm -rf tmux-*
done`,
  },
  {
    name: 'screen',
    needs: ['screen'],
    script: `export SCREENDIR=$PWD/d; mkdir -m 700 d
screen -c /dev/null -D -m sh -c 'test -t 0 && echo t && echo seen > out'
cat out; rm -rf d`,
  },
  {
    name: 'socat with a terminal',
    needs: ['socat'],
    script: `echo 'test -t 0; echo $? > heard; echo t > /dev/tty && echo seen >> heard' > go
socat -t 2 EXEC:'sh ./go',pty,setsid,ctty SYSTEM:'sleep 0.3' > out 2>&1
cat heard`,
    volatile: /out/,
  },
  {
    name: "Python's pty",
    needs: ['python3'],
    script: `python3 - << 'END'
import fcntl, os, pty, struct, termios, tty
print(pty.spawn(['sh', '-c', 'echo x > /dev/tty; stty -a; exit 5'], lambda fd: os.read(fd, 999)))
pid, master = pty.fork()
if pid == 0:
    size = os.get_terminal_size(0); os.write(1, b'%d\\n' % size.lines); os.write(os.open('/dev/tty', os.O_RDWR), os.read(0, 9)); os._exit(6)
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', 7, 8, 0, 0)); os.write(master, b'typed\\n')
text = b''
try:
    while more := os.read(master, 99): text += more
except OSError: pass
print(b'typed' in text, os.waitpid(pid, 0)[1])
master, slave = os.openpty()
name = os.ttyname(slave)
print(os.access('/dev/ptmx', os.W_OK), os.access(name, os.W_OK))
os.chmod(name, 0o620); os.chown(name, -1, os.getgid()); os.utime(name); print(oct(os.stat(name).st_mode))
again = os.open(name, os.O_RDWR | os.O_NOCTTY); tty.setraw(again); os.write(again, b'by name'); print(os.read(master, 99))
os.write(master, b'x'); print(os.read(slave, 9)); os.close(master)
try: os.write(again, b'x')
except OSError as error: print(error)
print(os.read(again, 9))
END`,
  },
]);

const LEARNED = [
  { name: 'script', command: ['script', '-qec', 'echo seen > /dev/tty', '/dev/null'] },
  {
    name: 'tmux',
    command: ['tmux', '-f', '/dev/null', 'new-session', '-d', 'echo seen > "$TMUX_TMPDIR/out"'],
  },
] as const;

for (const { name, command } of LEARNED) {
  void test(`${name} runs under what was learned from it, and no terminal is named there (${who})`, async (t) => {
    const lacks = await missing([name]);
    if (lacks !== undefined) return t.skip(`${lacks} is not installed`);
    const root = temporaryDirectory(t);
    const directory = join(root, 'work');
    mkdirSync(directory);
    const options = { cwd: directory, env: { TMUX_TMPDIR: directory, HOME: directory } };
    const engine = testEngine === undefined ? [] : [`--engine=${testEngine}`];
    const file = join(root, 'learned');
    const learned = await run(secfiltWords([...engine, `--learn=${file}`, '--', ...command]), options);
    assert.equal(learned.code, 0, JSON.stringify(learned));
    const config = readFileSync(file, 'latin1');
    assert.doesNotMatch(config, /pts|ptmx/);
    // What a server leaves behind where it listened.
    for (const entry of [`tmux-${process.getuid?.()}/default`, 'out'])
      rmSync(join(directory, entry), { force: true });
    const again = await run(secfiltWords([...engine, `--config=${file}`, '--', ...command]), options);
    assert.deepEqual(again, learned);
    if (name === 'tmux') assert.equal(readFileSync(join(directory, 'out'), 'latin1'), 'seen\n');
  });
}
