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
    script: `expect -c 'spawn -noecho sh -c {read x; echo got $x; echo y > /dev/tty; exit 4}
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
    name: 'screen, twice in a row,',
    takesTerminal: true,
    needs: ['screen'],
    script: `export SCREENDIR=$PWD/d; mkdir -m 700 d
for name in one two; do
  screen -c /dev/null -D -m bash -c 'test -t 0 && echo t && echo seen > '$name'; echo t > /dev/tty && echo own >> '$name'
    set -m; sh -c "kill -STOP \\$\\$; echo on > /dev/tty && echo continued >> '$name'" & wait -f; fg > /dev/null; echo $? >> '$name
  cat $name
done
rm -rf d`,
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
    // Which opens make a terminal the session's own, and what that is good for: the key that interrupts.
    name: 'a session that opens a terminal',
    takesTerminal: true,
    needs: ['python3'],
    script: `python3 - << 'END'
import ctypes, fcntl, os, signal, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
def number(fd): return struct.unpack('I', fcntl.ioctl(fd, 0x80045432, bytes(4)))[0]
def own():
    try: fd = os.open('/dev/tty', os.O_RDWR)
    except OSError as error: return error.strerror
    found = number(fd); os.close(fd)
    return found
def thread(path):
    worker = threading.Thread(target=os.open, args=(path, os.O_RDWR)); worker.start(); worker.join()
def openat2(path): libc.syscall(437, -100, path.encode(), struct.pack('QQQ', os.O_RDWR, 0, 0), 24)
def late(path):
    os.setsid(); os.open(path, os.O_RDWR)
def peer(path):
    master = os.open('/dev/ptmx', os.O_RDWR); fcntl.ioctl(master, 0x40045431, bytes(4)); libc.ioctl(master, 0x5441, os.O_RDWR)
def nothing_of(path):
    os.setsid(); os.open(path, os.O_RDWR | os.O_NOCTTY); os.open('/dev/ptmx', os.O_RDWR)
def child_of(path):
    os.setsid()
    if os.fork() == 0: os.open(path, os.O_RDWR); print(own(), flush=True); os._exit(0)
    os.wait()
ways = dict(writing=lambda path: os.open(path, os.O_WRONLY), reading=lambda path: os.open(path, os.O_RDONLY),
    both=lambda path: os.open(path, os.O_RDWR), waiting=lambda path: os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC),
    link=lambda path: os.open('/proc/self/fd/%d' % os.open(path, os.O_PATH), os.O_RDWR), thread=thread, openat2=openat2, peer=peer,
    nothing=nothing_of, child=child_of, no_leader=lambda path: os.setpgid(0, 0) or os.open(path, os.O_RDWR))
for name, way in ways.items():
    master, slave = os.openpty()
    if os.fork() == 0:
        if name not in ('nothing', 'child', 'no_leader'): os.setsid()
        elif name == 'no_leader' and os.fork(): os.wait(); os._exit(0)
        way(os.ttyname(slave))
        found = own()
        other = os.openpty()[1]
        os.open(os.ttyname(other), os.O_RDWR)
        print(name, 'its own' if found == number(slave) else 'another' if isinstance(found, int) else found, own() == found, flush=True)
        os._exit(0)
    os.wait()
    os.close(master); os.close(slave)
# Another session's stays that one's.
master, slave = os.openpty()
first, second = os.pipe(), os.pipe()
if os.fork() == 0:
    os.setsid(); os.open(os.ttyname(slave), os.O_RDWR); os.write(first[1], b'x'); os.read(second[0], 1); os._exit(0)
os.read(first[0], 1)
if os.fork() == 0:
    os.setsid(); os.open(os.ttyname(slave), os.O_RDWR); print(own(), flush=True); os._exit(0)
os.wait(); os.write(second[1], b'x'); os.wait()
pid = os.fork()
if pid == 0:
    os.setsid(); os.open(os.ttyname(slave), os.O_RDWR); signal.signal(2, signal.SIG_DFL); os.write(first[1], b'x'); signal.pause()
os.read(first[0], 1); os.write(master, b'\\x03')
print(os.waitpid(pid, 0)[1])
END`,
  },
  {
    name: 'socat with a terminal at each end',
    needs: ['socat'],
    script: `socat PTY,link=$PWD/one,raw,echo=0 PTY,link=$PWD/two,raw,echo=0 & server=$!
for attempt in $(seq 200); do test -e one -a -e two && break; sleep 0.02; done
{ exec 3<>one 4<>two; echo there >&3; read -r there <&4; echo back >&4; read -r back <&3; echo $there $back; } 2>&1
kill $server; wait $server; rm -f one two`,
  },
  {
    name: 'stty of a terminal by its name',
    needs: ['script'],
    script: `script -qec 'stty -F $(tty) rows 7 columns 8 -echo; stty -F $(tty) size; stty -a < $(tty) | grep -o -- "-echo\\b"; tput -T xterm cols' /dev/null < /dev/null
echo $?`,
  },
  {
    // As the terminals of node-pty do: another thread waits, and the size is set at the master.
    name: 'a terminal in a program with threads',
    needs: ['python3'],
    script: `python3 - << 'END'
import fcntl, os, pty, struct, termios, threading
pid, master = pty.fork()
if pid == 0: os.execvp('sh', ['sh', '-c', 'read line; stty size; echo $line; exit 7'])
status = []
waiter = threading.Thread(target=lambda: status.append(os.waitpid(pid, 0)[1])); waiter.start()
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack('HHHH', 9, 10, 0, 0))
modes = termios.tcgetattr(master); modes[3] &= ~termios.ECHO; termios.tcsetattr(master, termios.TCSADRAIN, modes)
os.write(master, b'typed\\n')
text = b''
try:
    while more := os.read(master, 99): text += more
except OSError as error: print(error.strerror)
waiter.join(); print(text, status)
# In the background, where a change of modes stops who makes it.
pid, master = pty.fork()
if pid == 0:
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        modes = termios.tcgetattr(0); modes[3] &= ~termios.ECHO; termios.tcsetattr(0, termios.TCSANOW, modes)
        os._exit(5)
    print(os.WSTOPSIG(os.waitpid(job, os.WUNTRACED)[1]), bool(termios.tcgetattr(0)[3] & termios.ECHO), flush=True)
    os.setpgid(job, job); os.tcsetpgrp(0, job); os.kill(job, 18)
    code = os.waitstatus_to_exitcode(os.waitpid(job, 0)[1])
    os.write(1, b'%d %d\\n' % (code, bool(termios.tcgetattr(0)[3] & termios.ECHO))); os._exit(0)
text = b''
try:
    while more := os.read(master, 99): text += more
except OSError: pass
print(text, os.waitpid(pid, 0)[1])
END`,
  },
  {
    name: 'a terminal of a process that gave up root',
    takesTerminal: true,
    needs: ['/usr/bin/python3', 'setpriv'],
    rootOnly: true,
    script: `cat > go.py << 'END'
import os, sys, tty
if len(sys.argv) > 1: os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
master, slave = os.openpty()
name = os.ttyname(slave)
print(os.stat(name).st_uid, os.getuid())
again = os.open(name, os.O_RDWR); tty.setraw(again); os.write(again, b'by name'); print(os.read(master, 99))
if os.fork() == 0:
    os.setsid(); os.open(name, os.O_RDWR); os.write(os.open('/dev/tty', os.O_RDWR), b'tty'); os._exit(0)
print(os.wait()[1], os.read(master, 99))
END
/usr/bin/python3 - drop < go.py
setpriv --reuid 65534 --regid 65534 --clear-groups /usr/bin/python3 - < go.py`,
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
