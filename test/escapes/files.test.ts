/**
 * Ways to a file outside the allowed tree that the tests of files do not try: other processes that share the memory of
 * a call, directories that move, objects that are no files, and what is left for a later run.
 */
import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { patience } from '../support/environment.ts';
import { attackTest, type Ground, insideTest, saidBy } from '../support/escape.ts';

/** The path begins as the allowed one; another flips one letter of it. */
const RACE = String.raw`
memory = mmap.mmap(-1, 4096)
allowed, place = (ROOT + '/a/f').encode() + b'\0', len(ROOT) + 1
memory[:len(allowed)] = allowed
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
def flip_until(end):
    while time.time() < end:
        for _ in range(200): memory[place] = 0x6f; memory[place] = 0x61
def attempt_until(end):
    won = lost = 0
    while time.time() < end:
        fd = sc(2, address, 1)
        if fd >= 0: os.write(fd, b'!'); os.close(fd); won += 1
        else: lost += 1
    return won, lost
END = time.time() + ${patience(1)}
`;

function allowedWorks({ a }: Ground): void {
  assert.match(readFileSync(join(a, 'f'), 'latin1'), /!/, 'the allowed side of the race must work');
}

attackTest({
  id: 'F03',
  title: 'a process that shares the memory of the path changes it',
  script: `${RACE}
if os.fork() == 0: flip_until(END + 0.2); os._exit(0)
print(attempt_until(END)); os.wait()`,
  inside: allowedWorks,
});

attackTest({
  id: 'F03',
  title: 'a process outside the sandbox shares the memory of the path',
  // The file that is mapped is in the allowed tree; the one who flips is not sandboxed at all.
  prepare: ({ a }) => writeFileSync(join(a, 'shared'), Buffer.alloc(4096)),
  script: `${RACE.replace('mmap.mmap(-1, 4096)', "mmap.mmap(os.open(ROOT + '/a/shared', os.O_RDWR), 4096)")}
if os.fork() == 0: flip_until(END + 0.2); os._exit(0)
print(attempt_until(END)); os.wait()`,
  inside: allowedWorks,
});

attackTest({
  id: 'F02',
  title: 'a process made with CLONE_VM changes the path',
  script: `${RACE}
# Machine code, as it may share nothing with Python's threads: write one letter, wait, write the other, wait.
flipper = bytes.fromhex('c6076fb8ffff0000ffc875fcc60761b8ffff0000ffc875fcebe6')
run = low_memory(flipper)
stack = low_memory(size=65536, protection=3) + 65000
# clone(CLONE_VM | SIGCHLD, stack); the child jumps to the flipper with the address of the letter.
trampoline = bytes.fromhex('4989d0') + bytes.fromhex('b838000000bf00010000' ) + bytes.fromhex('0f05') + bytes.fromhex('85c07401c3') + bytes.fromhex('4c89c7') + bytes.fromhex('48b8') + struct.pack('Q', run) + bytes.fromhex('ffe0')
call = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_long)
child = call(low_memory(trampoline))(0, stack, address + place)
assert child > 0, child
print(attempt_until(END))
os.kill(child, 9)`,
  inside: allowedWorks,
});

attackTest({
  id: 'F10',
  title: 'the directory below .. moves between the allowed tree and the outside',
  prepare: ({ a }) => void mkdirSync(join(a, 'x/y/z'), { recursive: true }),
  // a/x/y/z/../../../f is a/f, and root/f while y is at a/y: then o/f by ../../o/f.
  script: String.raw`
fd = os.open(ROOT + '/a/x/y/z', os.O_RDONLY)
END = time.time() + ${patience(1)}
if os.fork() == 0:
    while time.time() < END:
        try: os.rename(ROOT + '/a/x/y', ROOT + '/a/y'); os.rename(ROOT + '/a/y', ROOT + '/a/x/y')
        except OSError: pass
    os._exit(0)
while time.time() < END:
    for path in ('../../../o/f', '../../../../o/f'):
        out = sc(257, fd, path, 1)
        if out >= 0: os.write(out, b'!'); os.close(out)
    out = sc(257, fd, '../../../f', 0o101)
    if out >= 0: os.write(out, b'!'); os.close(out)
os.wait()`,
  inside: allowedWorks,
});

attackTest({
  id: 'F04 P17',
  title: 'another process of the sandbox is made to write by its /proc/PID/mem',
  script: String.raw`
secret = ctypes.create_string_buffer(b'before')
pid = os.fork()
if pid == 0: time.sleep(0.3); open(ROOT + '/o/f', 'w').write('x') if secret.value == b'after!' else None; os._exit(0)
fd = sc(2, f'/proc/{pid}/mem', 2)
if fd >= 0: os.pwrite(fd, b'after!', ctypes.addressof(secret))
os.wait()`,
});

const HELD = ['0o1', '0o2', '0o1001', '0o102', '0o3'].join(', ');
attackTest({
  id: 'F19 F20 F21',
  title: 'a file held for reading is written by a name in /proc of oneself, a thread, a child and map_files',
  script: String.raw`
fd = os.open(ROOT + '/o/f', os.O_RDONLY)
path = os.open(ROOT + '/o/f', os.O_PATH)
folder = os.open(ROOT + '/o', os.O_PATH)
tree = os.open('/proc/self/fd', os.O_PATH)
m = mmap.mmap(fd, 4, mmap.MAP_SHARED, mmap.PROT_READ)
child = os.fork()
if child == 0: signal.pause()
names = ['/proc/self', '/proc/thread-self', f'/proc/{os.getpid()}', f'/proc/{child}', f'/proc/self/task/{sc(186)}', '/dev', f'/proc/{os.getpid()}/../self', f'/proc/{child}/root/proc/{child}']
paths = [f'{n}/fd/{d}' for n in names for d in (fd, path)] + [f'{n}/fd/{folder}/f' for n in names] + [f'{n}/root{ROOT}/o/f' for n in names if n != '/dev'] + [f'{n}/cwd/../o/f' for n in names if n != '/dev']
for line in open('/proc/self/maps'):
    if '/o/f' in line: paths.append('/proc/self/map_files/' + line.split()[0])
for p in paths:
    for flags in (${HELD}):
        out = sc(2, p, flags)
        if out >= 0:
            try: os.write(out, b'!')
            except OSError: pass
            os.close(out)
    sc(76, p, 0)
for flags in (${HELD}):
    out = sc(257, tree, str(fd), flags)
    if out >= 0: sc(1, out, b'!', 1)
os.kill(child, 9)`,
});

insideTest(
  'F39 what is no ordinary file is not written either',
  String.raw`
paths = ['/dev/kmsg', '/dev/mem', '/dev/uinput', '/dev/fuse', '/dev/kvm', '/dev/loop-control', '/proc/sysrq-trigger',
  '/proc/sys/kernel/core_pattern', '/proc/sys/vm/drop_caches', '/sys/kernel/uevent_helper', '/sys/power/state', '/proc/self/mem',
  '/proc/self/uid_map', '/proc/self/attr/current', '/proc/self/clear_refs', '/proc/self/autogroup',
  '/proc/1/oom_score_adj', '/proc/1/comm', '/proc/1/coredump_filter', '/sys/fs/cgroup/cgroup.procs']
say(**{f'{p} {oct(flags)}': 1 for p in paths for flags in (1, 2, 0o101, 0o1000) if sc(2, p, flags, 0o600) >= 0})`,
  (outcome) => assert.deepEqual(saidBy(outcome), {}),
);

/** The policy's own path, made to name something else: the next run with the same options would follow it. */
const POISONED = [
  [
    'symlink(2)',
    `import shutil; shutil.rmtree(ROOT + '/a', ignore_errors=True)
sc(84, ROOT + '/a'); print(sc(88, ROOT + '/o', ROOT + '/a'))`,
  ],
  [
    'rename(2) of a link',
    `os.symlink(ROOT + '/o', ROOT + '/b/l')
import shutil; shutil.rmtree(ROOT + '/a', ignore_errors=True); sc(84, ROOT + '/a')
print(sc(82, ROOT + '/b/l', ROOT + '/a'))`,
  ],
  [
    'an exchange with a link',
    `os.symlink(ROOT + '/o', ROOT + '/b/l')
print(sc(316, -100, ROOT + '/b/l', -100, ROOT + '/a', 2), sc(316, -100, ROOT + '/a', -100, ROOT + '/b/l', 2) if not os.path.islink(ROOT + '/a') else '')`,
  ],
  [
    'a hard link to a link',
    `os.symlink(ROOT + '/o', ROOT + '/b/l')
import shutil; shutil.rmtree(ROOT + '/a', ignore_errors=True); sc(84, ROOT + '/a')
print(sc(265, -100, ROOT + '/b/l', -100, ROOT + '/a', 0))`,
  ],
  [
    'a race of renames',
    String.raw`
import shutil; shutil.rmtree(ROOT + '/a', ignore_errors=True); sc(84, ROOT + '/a')
os.symlink(ROOT + '/o', ROOT + '/b/link'); open(ROOT + '/b/file', 'w').close()
END = time.time() + ${patience(1)}
if os.fork() == 0:
    while time.time() < END: sc(316, -100, ROOT + '/b/link', -100, ROOT + '/b/file', 2)
    os._exit(0)
while time.time() < END:
    sc(82, ROOT + '/b/file', ROOT + '/a')
    if not os.path.lexists(ROOT + '/b/file') or not os.path.lexists(ROOT + '/b/link'):
        sc(87, ROOT + '/a'); sc(87, ROOT + '/b/file'); sc(87, ROOT + '/b/link')
        os.symlink(ROOT + '/o', ROOT + '/b/link'); open(ROOT + '/b/file', 'w').close()
os.wait()`,
  ],
] as const;

for (const [how, script] of POISONED) {
  const isRace = how.startsWith('a race');
  attackTest({
    id: 'F14 F15',
    title: `an allowed path becomes a symbolic link by ${how}`,
    prepare: ({ root, a }) => {
      mkdirSync(join(root, 'b'));
      mkdirSync(join(a, 'd'));
    },
    policy: ({ root, a }) => [`--write-allow=${a},${join(root, 'b')}`],
    script: `os.chdir('/')\n${script}`,
    worked: ({ a }) => existsSync(a) && lstatSync(a).isSymbolicLink(),
    ...(isRace && { natively: 'which of both is there at the end is left to chance' }),
  });
}

attackTest({
  id: 'F47',
  title: 'a file whose name is that of a deleted one, " (deleted)" and all',
  prepare: ({ root, o }) => {
    mkdirSync(join(root, 'a (deleted)'));
    writeFileSync(join(root, 'a (deleted)/f'), 'kept');
    symlinkSync(join(root, 'a (deleted)/f'), join(o, 'l'));
  },
  script: String.raw`
for path in ('/a (deleted)/f', '/o/l'):
    out = sc(2, ROOT + path, 0o1001)
    if out >= 0: os.write(out, b'!')
os.mkdir(ROOT + '/a/gone'); os.chdir(ROOT + '/a/gone'); os.rmdir(ROOT + '/a/gone')
for path in ('f', '../f', '../../o/f'):
    out = sc(2, path, 0o101)
    if out >= 0: os.write(out, b'!')`,
  worked: ({ root }) => readFileSync(join(root, 'a (deleted)/f'), 'latin1') !== 'kept',
});

attackTest({
  id: 'F27 F28',
  title: 'a bind mount or a chroot in a user namespace gives the file an allowed name',
  script: String.raw`
def attack():
    uid = os.getuid()
    if sc(272, 0x10020000) < 0: return 1
    for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {uid} 1'), ('gid_map', f'0 {os.getgid()} 1')):
        try: open(f'/proc/self/{name}', 'w').write(text)
        except OSError: pass
    if sc(165, ROOT + '/o/f', ROOT + '/a/f', 0, 0x1000, 0) < 0: return 2
    open(ROOT + '/a/f', 'w').write('x')
    return 0
sys.exit(50 + in_child(attack))`,
  lacking: ({ code }) => (code === 50 ? undefined : 'this system gives no user namespaces'),
});

attackTest({
  id: 'F51',
  title: 'a program dies, and the kernel writes a core file where it is',
  script: String.raw`
import resource
pattern = open('/proc/sys/kernel/core_pattern').read()
hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
try: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
except (OSError, ValueError): resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
os.chdir(ROOT + '/o')
in_child(os.abort)
sys.exit(50 if hard == 0 or pattern[0] in '|/' else 0)`,
  worked: ({ o }) => readdirSync(o).length > 1,
  lacking: ({ code }) =>
    code === 50 ? 'core files are not written to the working directory here' : undefined,
});
