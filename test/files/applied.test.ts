/**
 * What the kernel applies to whoever makes a call applies inside as well, whoever performs it: umask and default ACLs, setgid
 * directories and the clearing of such bits, limits of files and descriptors, locks, sticky directories, capabilities, signals.
 * Each row natively and inside, in a tree that Landlock backs and in one where the supervisor does everything, by root, by who has
 * given up root, and by an ordinary user.
 *
 * Quotas, and what the audit system notes, cannot be tried here: they go by the owner of a file and by the login, which are the
 * same for the supervisor.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { who } from '../support/environment.ts';
import { engines, type Ground, makeGround, python } from '../support/escape.ts';
import { run, secfiltWords } from '../support/run.ts';

const ROWS = String.raw`
import errno, fcntl, resource, stat
rows = {}
def attempt(call, *words, **more):
    try: return call(*words, **more) or 0
    except OSError as error: return errno.errorcode.get(error.errno, error.errno)
def shut(descriptor):
    if isinstance(descriptor, int) and descriptor >= 0: os.close(descriptor)
def state(path):
    try: status = os.lstat(path)
    except OSError as error: return errno.errorcode[error.errno]
    return [oct(status.st_mode), status.st_uid, status.st_gid, status.st_size]
def acl(path):
    try: return os.getxattr(path, 'system.posix_acl_access').hex()
    except OSError as error: return errno.errorcode[error.errno]
def makings(mode):
    "Every way to make something, by name."
    def made(flags):
        shut(attempt(os.open, 'x', flags | os.O_CREAT | os.O_WRONLY, mode))
        return state('x'), acl('x'), attempt(os.unlink, 'x')
    yield 'open', made(0); yield 'exclusive', made(os.O_EXCL)
    shut(sc(85, 'x', mode)); yield 'creat', (state('x'), acl('x'), attempt(os.unlink, 'x'))
    shut(sc(437, -100, 'x', struct.pack('QQQ', os.O_CREAT | os.O_RDWR, mode & 0o7777, 0), 24)); yield 'openat2', (state('x'), acl('x'), attempt(os.unlink, 'x'))
    fd = attempt(os.open, '.', os.O_TMPFILE | os.O_RDWR, mode)
    yield 'nameless', (state(f'/proc/self/fd/{fd}') and [oct(os.fstat(fd).st_mode), os.fstat(fd).st_gid]) if isinstance(fd, int) else fd
    shut(fd)
    yield 'mkdir', (attempt(os.mkdir, 'x', mode), state('x')[:3], acl('x'), attempt(os.rmdir, 'x'))
    yield 'fifo', (attempt(os.mkfifo, 'x', mode), state('x'), attempt(os.unlink, 'x'))
    yield 'node', (attempt(os.mknod, 'x', mode | stat.S_IFREG), state('x'), attempt(os.unlink, 'x'))
    yield 'symlink', (attempt(os.symlink, 'y', 'x'), state('x'), attempt(os.unlink, 'x'))
    s = socket.socket(socket.AF_UNIX); yield 'bind', (attempt(s.bind, 'x'), state('x'), attempt(os.unlink, 'x')); s.close()
def inside(directory, rows_of):
    os.chdir(directory)
    try: return list(rows_of())
    finally: os.chdir('..')

def masks():
    for mask in (0o022, 0o137):
        before = os.umask(mask)
        for mode in (0o777, 0o6640): yield mask, mode, list(makings(mode))
        os.umask(before)
def lists():
    os.mkdir('acl', 0o777)
    entry = lambda tag, rights, number=0xffffffff: struct.pack('<HHI', tag, rights, number)
    default = struct.pack('<I', 2) + entry(1, 7) + entry(2, 6, 4711) + entry(4, 5) + entry(0x10, 7) + entry(0x20, 1)
    yield attempt(os.setxattr, 'acl', 'system.posix_acl_default', default)
    before = os.umask(0o077); yield inside('acl', lambda: makings(0o666)); os.umask(before)
def groups():
    others = [g for g in os.getgroups() if g != os.getegid()][:1] + [4711]
    for group in [os.getegid()] + others:
        os.mkdir('g', 0o755)
        yield attempt(os.chown, 'g', -1, group), attempt(os.chmod, 'g', 0o2777), state('g')[:3]
        yield inside('g', lambda: makings(0o2775)), attempt(os.rmdir, 'g')
        shut(os.open('f', os.O_CREAT | os.O_WRONLY, 0o644)); attempt(os.chown, 'f', -1, group)
        yield attempt(os.chmod, 'f', 0o2755), state('f'), attempt(os.chmod, 'f', 0o6755), state('f')
        os.unlink('f')
def clearing():
    ways = {'chown': lambda: os.chown('f', -1, os.getegid()), 'truncate': lambda: os.truncate('f', 1), 'O_TRUNC': lambda: shut(os.open('f', os.O_WRONLY | os.O_TRUNC)),
        'write': lambda: shut((fd := os.open('f', os.O_WRONLY), os.write(fd, b'x'))[0]), 'times': lambda: os.utime('f', (1, 1)), 'link': lambda: os.link('f', 'h'),
        'attribute': lambda: os.setxattr('f', 'user.x', b'1'), 'fchown': lambda: (fd := os.open('f', os.O_RDONLY), os.fchown(fd, -1, os.getegid()), shut(fd))[0]}
    for name, way in ways.items():
        for mode in (0o6755, 0o2744):
            fd = os.open('f', os.O_CREAT | os.O_WRONLY, 0o755); os.write(fd, b'1234'); shut(fd); attempt(os.chmod, 'f', mode)
            done = attempt(way); yield name, oct(mode), isinstance(done, str) and done, state('f')
            attempt(os.unlink, 'f'); attempt(os.unlink, 'h')
def sizes():
    heard = []; handler = signal.signal(signal.SIGXFSZ, lambda *_: heard.append(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    shut(os.open('f', os.O_CREAT | os.O_WRONLY))
    for size in (10, 11, 3, 2**40): yield attempt(os.truncate, 'f', size), state('f')[3], len(heard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    yield attempt(os.truncate, 'f', 3), attempt(os.truncate, 'f', 2), attempt(os.mkdir, 'd'), attempt(os.symlink, 'x', 's'), attempt(os.mkfifo, 'p'), len(heard)
    yield isinstance(fd := attempt(os.open, 'n', os.O_CREAT | os.O_RDWR), int), attempt(os.write, fd, b'x'), len(heard); shut(fd)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)); signal.signal(signal.SIGXFSZ, handler)
    for name in 'fspn': os.unlink(name)
    os.rmdir('d')
def numbers():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    fd = os.open('f', os.O_CREAT | os.O_WRONLY); os.write(fd, b'kept'); shut(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (24, before[1])); fill = []
    try:
        while True: fill.append(os.open('/dev/null', os.O_RDONLY))
    except OSError: pass
    W, C = os.O_WRONLY, os.O_WRONLY | os.O_CREAT
    def opens():
        for path in ('f', 'new', 'none/x', '', 'n' * 5000, ROOT + '/o/f', '.'):
            for flags in (W, C, C | os.O_EXCL, W | os.O_TRUNC, C | os.O_DIRECTORY, os.O_TMPFILE | os.O_RDWR, os.O_TMPFILE): yield sc(2, path, flags, 0o600)
            for flags in (W, C, 0, os.O_PATH, 1 << 30): yield sc(437, -100, path, struct.pack('QQQ', flags, 0o600 if flags & os.O_CREAT else 0, 0), 24)
            yield sc(85, path, 0o600)
        yield sc(2, 4096, W, 0), sc(257, 999, 'x', W, 0), sc(437, 999, 'x', struct.pack('QQQ', W, 0, 0), 24)
    yield len(fill), list(opens()), sorted(os.listdir('.') if not os.close(fill.pop()) else []), state('f')[3]
    # The last number, and calls that need none.
    for flags in (W, C, C | os.O_CLOEXEC, W | os.O_TRUNC):
        fd = attempt(os.open, 'last', flags, 0o600)
        yield fd, isinstance(fd, int) and sc(72, fd, 1, 0), attempt(os.open, 'f', W), attempt(os.mkdir, 'd'), attempt(os.rmdir, 'd'), attempt(os.truncate, 'f', 4), attempt(os.chmod, 'f', 0o600)
        shut(fd)
    yield resource.getrlimit(resource.RLIMIT_NOFILE) == (24, before[1])
    # What lies beyond a limit that was lowered takes no number away.
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, before[1]))
    yield sc(2, 'new', C, 0o600), sc(2, 'f', W | os.O_TRUNC, 0)
    os.close(5) if 5 in fill else None
    yield sc(2, 'f', W, 0), sc(2, 'new', C, 0o600)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    for fd in fill[:-1]: attempt(os.close, fd)
    yield sorted(os.listdir('.')), attempt(os.unlink, 'last'), attempt(os.unlink, 'new'), attempt(os.unlink, 'f')
LOCK = lambda: struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0)
def held():
    "Whether another finds the file locked: by a process, by an open file (flock)."
    end, other = os.pipe()
    pid = os.fork()
    if pid == 0:
        fd = os.open('f', os.O_RDWR); found = struct.unpack('hhqqi', fcntl.fcntl(fd, fcntl.F_GETLK, LOCK() + bytes(4))[:struct.calcsize('hhqqi')])
        try: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB); free = True
        except OSError: free = False
        os.write(other, json.dumps([found[0] != fcntl.F_UNLCK, found[4] == os.getppid(), free]).encode()); os._exit(0)
    os.waitpid(pid, 0); said = json.loads(os.read(end, 100)); os.close(end); os.close(other)
    return said
def locks():
    ways = {'open': lambda: os.open('f', os.O_RDWR), 'O_CREAT': lambda: os.open('f', os.O_RDWR | os.O_CREAT), 'O_TRUNC': lambda: os.open('f', os.O_WRONLY | os.O_TRUNC), 'openat2': lambda: sc(437, -100, 'f', struct.pack('QQQ', os.O_RDWR, 0, 0), 24),
        'proc': lambda: os.open('/proc/self/fd/%d' % fd, os.O_RDWR), 'truncate': lambda: os.truncate('f', 2), 'chmod': lambda: os.chmod('f', 0o600), 'fchmod': lambda: os.fchmod(fd, 0o640), 'utime': lambda: os.utime('f'), 'chown': lambda: os.chown('f', -1, -1),
        'xattr': lambda: os.setxattr('f', 'user.x', b'1'), 'rename': lambda: (os.rename('f', 'g'), os.rename('g', 'f')) and None, 'link': lambda: os.link('f', 'h'), 'unlink': lambda: os.unlink('h'), 'access': lambda: os.access('f', os.W_OK) and None, 'flags': lambda: sc(16, fd, 0x40086602, struct.pack('q', 0)) and None}
    for how in ('process', 'open file', 'flock'):
        fd = os.open('f', os.O_RDWR | os.O_CREAT, 0o600)
        if how == 'process': fcntl.fcntl(fd, fcntl.F_SETLK, LOCK())
        elif how == 'flock': fcntl.flock(fd, fcntl.LOCK_EX)
        else: fcntl.fcntl(fd, 37, LOCK() + bytes(4))
        kept = []
        for name, way in ways.items():
            result = attempt(way)
            yield how, name, isinstance(result, str) and result, held()
            if isinstance(result, int) and result > 2: kept.append(result)
        # One that is closed takes the process's locks along.
        shut(kept.pop(0)) if kept else None; yield how, 'closed', held()
        for one in kept: os.close(one)
        os.close(fd); yield how, 'all closed', held()
    os.unlink('f')
def flags():
    fd = os.open('f', os.O_CREAT | os.O_WRONLY); os.write(fd, b'1234'); os.close(fd)
    for flags in (os.O_WRONLY, os.O_RDWR | os.O_APPEND, os.O_RDWR | os.O_NONBLOCK, os.O_RDWR | os.O_SYNC, os.O_RDWR | os.O_DSYNC | os.O_CLOEXEC, os.O_WRONLY | os.O_NOATIME, os.O_RDWR | os.O_CREAT, 3, os.O_RDWR | 0o20000):
        fd = attempt(os.open, 'f', flags)
        yield oct(flags), isinstance(fd, str) and fd or (sc(72, fd, 3), sc(72, fd, 1), sc(72, fd, 9), sc(72, fd, 11), sc(72, fd, 1025), sc(8, fd, 0, 1)); shut(fd)
    os.unlink('f')
def arrives(heard):
    for _ in range(1000):
        if heard: return True
        time.sleep(.01)
    return False
def owners():
    heard = []; handler = signal.signal(signal.SIGIO, lambda *_: heard.append(1))
    os.mkfifo('p'); fd = os.open('p', os.O_RDWR | os.O_NONBLOCK)
    yield sc(72, fd, 8, os.getpid()), sc(72, fd, 9) == os.getpid(), sc(72, fd, 4, 0o24000 | os.O_RDWR), os.write(fd, b'x')
    yield arrives(heard); os.close(fd); os.unlink('p'); heard.clear()
    fd = os.open('f', os.O_RDWR | os.O_CREAT); yield sc(72, fd, 1024, 1); pid = os.fork()
    if pid == 0: attempt(os.open, 'f', os.O_WRONLY | os.O_NONBLOCK); os._exit(0)
    yield arrives(heard), sc(72, fd, 1024, 2); os.waitpid(pid, 0); os.close(fd); os.unlink('f')
    signal.signal(signal.SIGIO, handler)
def pipes():
    heard = []; handler = signal.signal(signal.SIGPIPE, lambda *_: heard.append(1))
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
        for more in (0, socket.MSG_NOSIGNAL):
            for way in ('closed', 'shut', 'peer shut'):
                one, other = socket.socketpair(socket.AF_UNIX, kind)
                other.close() if way == 'closed' else one.shutdown(socket.SHUT_WR) if way == 'shut' else other.shutdown(socket.SHUT_RD)
                yield kind, more, way, attempt(one.sendmsg, [b'x'], [], more), attempt(one.send, b'x', more), len(heard); heard.clear()
    signal.signal(signal.SIGPIPE, handler)
def objects():
    for number, words in ((29, (0, 4096)), (64, (0, 1)), (68, (0,))):
        before = os.umask(0o077); made = sc(number, *words, 0o1666); os.umask(before)
        data = ctypes.create_string_buffer(256); control = {29: 31, 64: 66, 68: 71}[number]
        asked = sc(control, made, *([0] if number == 64 else []), 2, data)
        key, uid, gid, cuid, cgid, mode = struct.unpack_from('iIIIII', data)
        yield number, asked, uid, gid, cuid, cgid, oct(mode), sc(control, made, *([0] if number == 64 else []), 0, 0)
ALL = (masks, lists, groups, clearing, sizes, numbers, locks, flags, owners, pipes, objects)
`;

const BY_WHOM = `${ROWS}
def everything(): return {one.__name__: list(one()) for one in ALL}
os.chdir(sys.argv[2]) if os.path.isdir(sys.argv[2]) else (os.mkdir(sys.argv[2]), os.chdir(sys.argv[2]))
attempt(os.unlink, 'f')
rows = {'own': everything()}
def others():
    "By who has given up root, who has groups besides, who has kept a capability."
    os.chown('.', 65534, 65534); os.mkdir('sticky'); os.chmod('sticky', 0o1777)
    for name in ('sticky/f', 'closed'): shut(os.open(name, os.O_CREAT | os.O_WRONLY, 0o644))
    os.chown('sticky', 0, 0); os.chown('closed', 0, 0)
    for groups in ([], [4711]):
        end, other = os.pipe(); pid = os.fork()
        if pid == 0:
            os.setgroups(groups); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
            os.mkdir('for%d' % len(groups)); os.chdir('for%d' % len(groups)); said = everything(); os.chdir('..')
            said['sticky'] = [attempt(os.unlink, 'sticky/f'), attempt(os.rename, 'sticky/f', 'sticky/g'), attempt(os.link, 'closed', 'h'), attempt(os.chmod, 'closed', 0o666), attempt(os.utime, 'closed'), attempt(os.truncate, 'closed', 0), attempt(os.setxattr, 'closed', 'user.x', b'')]
            with os.fdopen(other, 'w') as out: json.dump(said, out)
            os._exit(0)
        os.close(other); data = b''
        while part := os.read(end, 65536): data += part
        os.waitpid(pid, 0); os.close(end); yield json.loads(data)
    # One whose ids differ from each other.
    end, other = os.pipe(); pid = os.fork()
    if pid == 0:
        os.setgroups([]); os.setegid(65534); os.seteuid(65534); os.mkdir('ids'); os.chdir('ids'); said = list(sizes()); os.chdir('..')
        with os.fdopen(other, 'w') as out: json.dump(said, out)
        os._exit(0)
    os.close(other); yield json.loads(os.fdopen(end).read()); os.waitpid(pid, 0)
    # Users change, and what was permitted stays so: effective or not (capabilities(7)).
    end, other = os.pipe(); pid = os.fork()
    if pid == 0:
        sc(157, 8, 1); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534); said = []
        for effective in (0, 1 << 3, 1 << 1, 0):
            said.append([sc(126, struct.pack('Ii', 0x20080522, 0), struct.pack('IIIIII', effective, (1 << 3) | (1 << 1), 0, 0, 0, 0)), attempt(os.chmod, 'closed', 0o600), attempt(os.utime, 'closed', (1, 1)), attempt(os.truncate, 'closed', 0), attempt(os.chown, 'closed', -1, 65534)])
        os.write(other, json.dumps(said).encode()); os._exit(0)
    os.close(other); yield json.loads(os.read(end, 65536)); os.waitpid(pid, 0)
if os.getuid() == 0: rows['others'] = list(others())
print(json.dumps(rows))
`;

/** Where Landlock decides what it can, and where the supervisor performs it all. */
const TREES: readonly {
  readonly name: string;
  readonly of: (ground: Ground) => string;
  readonly env: Readonly<Record<string, string>>;
}[] = [
  { name: 'backed by Landlock', of: ({ a }) => a, env: {} },
  { name: 'made inside', of: ({ root }) => `${root}/new`, env: { SECFILTER_LANDLOCK: '0' } },
];

/** A line for each row: where it stands, and what it says. */
function linesOf(rows: unknown, at = ''): string[] {
  const isRow = !Array.isArray(rows) || !rows.some((each) => typeof each === 'object' && each !== null);
  if (isRow && (typeof rows !== 'object' || rows === null || Array.isArray(rows)))
    return [`${at}: ${JSON.stringify(rows)}`];
  return Object.entries(rows).flatMap(([name, each]) => linesOf(each, `${at}/${name}`));
}

void test(`what the kernel applies to the caller (${who})`, async (t) => {
  const rowsOf = async (of: (ground: Ground) => string, options?: readonly string[], env = {}) => {
    const ground = makeGround(t);
    const words = python(BY_WHOM, ground.root, of(ground));
    const command =
      options === undefined
        ? words
        : secfiltWords([...options, `--write-allow=${of(ground)}`, '--', ...words]);
    const { code, stdout, stderr } = await run(command, { env });
    assert.equal(code, 0, stderr);
    return linesOf(JSON.parse(stdout));
  };
  const native = await rowsOf(({ a }) => a);
  assert.ok(native.length > 500, String(native.length));
  for (const engine of engines)
    for (const { name, of, env } of TREES)
      await t.test(`${engine.name}, ${name}`, async () => {
        const inside = await rowsOf(of, engine.options, env);
        const differing = native.flatMap((line, index) =>
          line === inside[index] ? [] : [`${line}, inside ${inside[index]}`],
        );
        assert.deepEqual(differing, []);
      });
});
