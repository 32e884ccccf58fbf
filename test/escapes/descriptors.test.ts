/**
 * Descriptors give no more than they were opened for: a reading end is not opened for writing, neither is what is open
 * for nothing, commands on what is open for reading do not change the file, and nobody outside is signalled for one.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { attackTest, type Ground, insideTest, saidBy } from '../support/escape.ts';

/** Opens a descriptor again for writing, in every way and by every name, and writes. */
const REOPEN = String.raw`
os.symlink('/proc/self/fd/0', ROOT + '/a/link')
for name in ('/proc/self/fd/0', '/dev/stdin', '/dev/fd/0', f'/proc/{os.getpid()}/fd/0', '/proc/thread-self/fd/0', ROOT + '/a/link'):
    for flags in (1, 2, 0o1001, 0o2001, 0o4001, 0o4002, 0o101):
        for number, args in ((2, (name, flags, 0o600)), (257, (-100, name, flags, 0o600)),
                             (437, (-100, name, struct.pack('QQQ', flags, 0o600 if flags & 0o100 else 0, 0), 24))):
            fd = sc(number, *args)
            if fd >= 0: os.write(fd, b'x'); os.close(fd)
    fd = sc(85, name, 0o600)
    if fd >= 0: os.write(fd, b'x'); os.close(fd)
`;

attackTest({
  id: 'S12',
  title: 'the reading end of a pipe that was handed in is opened for writing',
  outside: String.raw`
r, w = os.pipe()
os.dup2(r, 0)
pid = os.fork()
if pid == 0: os.execv(WORDS[0], WORDS)
os.waitpid(pid, 0)
os.set_blocking(r, False)
try: got = os.read(r, 9)
except BlockingIOError: got = b''
open(ROOT + '/got', 'wb').write(got)`,
  script: REOPEN,
  worked: ({ root }) => readFileSync(join(root, 'got'), 'utf8') !== '',
});

attackTest({
  id: 'S12',
  title: 'a descriptor that is open for neither reading nor writing (access mode 3) is opened for writing',
  outside: `
os.dup2(os.open(ROOT + '/o/f', 3), 0)
os.execv(WORDS[0], WORDS)`,
  script: REOPEN,
});

insideTest(
  'S12 a pipe is opened again by who holds its writing end, under whatever name',
  String.raw`
r, w = os.pipe()
os.symlink(f'/proc/self/fd/{r}', ROOT + '/a/link')
def works(name, flags):
    fd = sc(2, name, flags)
    if fd < 0: return fd
    os.write(fd, b'x'); os.close(fd)
    return os.read(r, 9) == b'x'
results = dict(writing=works(f'/proc/self/fd/{w}', 1), reading=works(f'/proc/self/fd/{r}', 2), link=works(ROOT + '/a/link', 0o1001))
# Of a child that has closed its own.
done, wait = os.pipe()
child = os.fork()
if child == 0: os.close(r); os.read(done, 1); os._exit(0)
os.close(w)
results['of a child'] = works(f'/proc/{child}/fd/{w}', 1)
os.write(wait, b'x'); os.waitpid(child, 0)
results['nobody'] = works(f'/proc/self/fd/{r}', 1)
say(**results)`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      writing: true,
      reading: true,
      link: true,
      'of a child': true,
      nobody: -1,
    }),
);

/** F_GET_RW_HINT of a file, seen from outside. */
const SEEN = String.raw`
import fcntl
pid = os.fork()
if pid == 0: os.execv(WORDS[0], WORDS)
os.waitpid(pid, 0)
fd = os.open(ROOT + '/o/f', os.O_RDONLY)
hint = ctypes.create_string_buffer(8)
if sc(72, fd, 1035, hint) < 0: raise SystemExit('no hints')
open(ROOT + '/hint', 'w').write(str(struct.unpack('Q', hint.raw)[0]))`;

attackTest({
  id: 'S12',
  title: 'a hint that stays in the file is set through a descriptor open for reading (F_SET_RW_HINT)',
  outside: SEEN,
  script: String.raw`
fd = os.open(ROOT + '/o/f', os.O_RDONLY)
for command in (1036, 1038, 1036 | 1 << 32): sc(72, fd, command, struct.pack('Q', 3))`,
  worked: ({ root }) => existsSync(join(root, 'hint')) && readFileSync(join(root, 'hint'), 'utf8') !== '0',
  lacking: ({ stderr }) => (stderr.includes('no hints') ? 'this kernel has no hints' : undefined),
});

insideTest(
  'S12 commands of fcntl that do not exist are invalid, as natively, and the others work',
  String.raw`
r, w = os.pipe()
fd = os.open(ROOT + '/o/f', os.O_RDONLY)
say(unknown=sc(72, fd, 1029), beyond=sc(72, fd, 4711), duplicate=sc(72, r, 1030, 100), flags=sc(72, r, 3), size=sc(72, r, 1032) > 0,
    set_size=sc(72, w, 1031, 4096) > 0, lock=sc(72, fd, 37, struct.pack('hhqqi', 0, 0, 0, 0, 0) + bytes(8)), hint=sc(72, fd, 1035, bytes(8)))`,
  (outcome) =>
    assert.deepEqual(saidBy(outcome), {
      unknown: -22,
      beyond: -22,
      duplicate: 100,
      flags: 0,
      size: true,
      set_size: true,
      lock: 0,
      hint: 0,
    }),
);

/** A pipe whose owner, who is to be signalled, is outside; it is written to when all is over. */
const OWNED = String.raw`
import fcntl
r, w = os.pipe()
os.dup2(r, 0)
open(ROOT + '/heard', 'w').close()
for number in (signal.SIGIO, signal.SIGUSR2, signal.SIGURG): signal.signal(number, lambda *_: open(ROOT + '/heard', 'a').write('x'))
fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
PREPARE
pid = os.fork()
if pid == 0: os.execv(WORDS[0], WORDS)
os.waitpid(pid, 0)
os.write(w, b'x')
time.sleep(0.2)`;

function heard({ root }: Ground): boolean {
  return readFileSync(join(root, 'heard'), 'utf8') !== '';
}

for (const [what, attempt] of [
  ['O_ASYNC', 'sc(72, 0, 4, 0o20000)'],
  ['FIOASYNC', "sc(16, 0, 0x5452, struct.pack('i', 1))"],
  ['O_ASYNC by a thread', 't = threading.Thread(target=lambda: sc(72, 0, 4, 0o20000)); t.start(); t.join()'],
] as const) {
  attackTest({
    id: 'S12',
    title: `the owner of a descriptor that was handed in is signalled: ${what}`,
    outside: OWNED.replace('PREPARE', ''),
    script: attempt,
    worked: heard,
  });
}

attackTest({
  id: 'S12',
  title: 'which signal the owner of a descriptor that was handed in gets is chosen inside (F_SETSIG)',
  // SIGIO itself does nothing.
  outside: OWNED.replace(
    'PREPARE',
    'signal.signal(signal.SIGIO, signal.SIG_IGN); fcntl.fcntl(0, 4, 0o20000)',
  ),
  script: 'sc(72, 0, 10, 12)',
  worked: heard,
});

insideTest(
  "S12 one's own signals for a descriptor are asked for and chosen",
  String.raw`
heard = []
for number in (signal.SIGIO, signal.SIGUSR2): signal.signal(number, lambda n, _: heard.append(n))
r, w = os.pipe()
results = [sc(72, r, 8, os.getpid()), sc(72, r, 4, 0o24000), os.write(w, b'x')]
time.sleep(0.05)
results += [sc(72, r, 10, signal.SIGUSR2), os.write(w, b'x')]
time.sleep(0.05)
say(results=max(results), io=heard.count(signal.SIGIO), chosen=heard.count(signal.SIGUSR2))`,
  (outcome) => assert.deepEqual(saidBy(outcome), { results: 1, io: 1, chosen: 1 }),
);
