/**
 * Every way to read what may not be read, by each kind of rule and whoever holds it: its content never arrives. Beside it every way
 * and every kind of file is as natively.
 */
import assert from 'node:assert/strict';
import { chmodSync, closeSync, copyFileSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { landlockAbi } from '../../src/linux/landlock.ts';
import { engines, python } from '../support/escape.ts';
import { testEngine, who } from '../support/environment.ts';
import { makeFifo } from '../support/native.ts';
import { Errno } from '../support/numbers.ts';
import { run, secfiltWords, type RunOptions } from '../support/run.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** What each way gives: what was read, what it came to, or the error's number. ROOT is the directory where changes are allowed. */
const WAYS = `
import array, errno, fcntl, subprocess
FREE = ROOT
def opened(result):
    if result < 0: raise OSError(-result, 'failed')
    return result
def at(path, flags=os.O_RDONLY, directory=-100): return opened(sc(257, directory, path, flags, 0o600))
def text(opened): return os.read(opened, 100).decode('latin1')
def at2(path, flags=0):
    return opened(sc(437, -100, path, struct.pack('QQQ', flags, 0, 0), 24))
def within(base, action):
    os.chdir(base)
    try: return action()
    finally: os.chdir('/')
def flags_of(opened): return fcntl.fcntl(opened, fcntl.F_GETFL)
def renamed(base):
    os.rename(base + '/movable', FREE + '/renamed')
    try: return text(at(FREE + '/renamed'))
    finally: os.rename(FREE + '/renamed', base + '/movable')
def exchange(one, other): opened(sc(316, -100, one, -100, other, 2))
def exchanged(base):
    exchange(base + '/movable', FREE + '/other')
    try: return text(at(FREE + '/other'))
    finally: exchange(base + '/movable', FREE + '/other')
def linked(base):
    os.link(base + '/secret', FREE + '/second')
    try: return text(at(FREE + '/second'))
    finally: os.unlink(FREE + '/second')
def symlinked(base):
    os.symlink(base + '/secret', FREE + '/symbolic')
    try: return text(at(FREE + '/symbolic'))
    finally: os.unlink(FREE + '/symbolic')
def executed(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode in (2, 126, 127): raise OSError(errno.EACCES, 'failed')
    return done.stdout.decode() or str(done.returncode)
WAYS = {
    'open': lambda b: text(opened(sc(2, b + '/secret', 0, 0))),
    'openat': lambda b: text(at(b + '/secret')),
    'openat2': lambda b: text(at2(b + '/secret')),
    'a directory descriptor': lambda b: text(at('secret', 0, at(b, os.O_PATH))),
    'relative': lambda b: within(b, lambda: text(at('secret'))),
    'below the parent': lambda b: text(at('./' + os.path.basename(b) + '/../' + os.path.basename(b) + '//secret', 0, at(os.path.dirname(b), os.O_PATH))),
    'cwd of a process': lambda b: within(b, lambda: text(at('/proc/self/cwd/secret'))),
    'cwd of a thread': lambda b: within(b, lambda: text(at('/proc/thread-self/cwd/secret'))),
    'root of a process': lambda b: text(at('/proc/self/root' + b + '/secret')),
    'a link': lambda b: text(at(b + '/link')),
    'a link that is made': symlinked,
    'a second name': linked,
    'opened again': lambda b: text(at('/proc/self/fd/%d' % at(b + '/secret', os.O_PATH))),
    'opened again by /dev/fd': lambda b: text(at('/dev/fd/%d' % at(b + '/secret', os.O_PATH))),
    'opened again by openat2': lambda b: text(at2('/proc/self/fd/%d' % at(b + '/secret', os.O_PATH))),
    'for both': lambda b: text(at(b + '/secret', os.O_RDWR)),
    'what there is': lambda b: text(at(b + '/secret', os.O_CREAT)),
    'what there is, for both': lambda b: text(at(b + '/secret', os.O_CREAT | os.O_RDWR)),
    'nameless': lambda b: str(at(b, os.O_TMPFILE | os.O_RDWR) > 0),
    'not waiting': lambda b: text(at(b + '/secret', os.O_NONBLOCK)),
    'without its time': lambda b: text(at(b + '/secret', os.O_NOATIME)),
    'mapped': lambda b: mmap.mmap(at(b + '/secret'), 6, prot=mmap.PROT_READ)[:].decode(),
    'a script': lambda b: executed(b + '/script'),
    'a script by a shell': lambda b: executed('/bin/sh', b + '/script'),
    'a binary': lambda b: executed(b + '/binary'),
    'renamed': renamed,
    'exchanged': exchanged,
}
ERRORS = {
    'nothing': lambda b: at(b + '/nothing'),
    'no directory': lambda b: at(b + '/secret/x'),
    'no directory, as asked': lambda b: at(b + '/secret', os.O_DIRECTORY),
    'a slash behind': lambda b: at(b + '/secret/'),
    'no link': lambda b: at(b + '/link', os.O_NOFOLLOW),
    'exclusive': lambda b: at(b + '/secret', os.O_CREAT | os.O_EXCL),
    'a directory for both': lambda b: at(b + '/sub', os.O_RDWR),
    'a long name': lambda b: at(b + '/' + 'x' * 256),
    'a long path': lambda b: at(b + '/./' * 3000),
    'no memory': lambda b: at(1),
    'no such flags': lambda b: at2(b + '/secret', 1 << 40),
    'nobody listens': lambda b: at(b + '/socket'),
}
def lowest(b):
    free = os.dup(0)
    os.close(free)
    return at(b + '/secret') == free
def lease(number): return [fcntl.fcntl(number, 1024, fcntl.F_RDLCK), fcntl.fcntl(number, 1025), fcntl.fcntl(number, 1024, fcntl.F_UNLCK)]
def deleted(b):
    gone = at(b + '/gone', os.O_CREAT | os.O_RDWR)
    os.write(gone, b'gone')
    os.unlink(b + '/gone')
    return text(at('/proc/self/fd/%d' % gone))
def memory(_):
    made = os.memfd_create('m')
    os.write(made, b'memory')
    return text(at('/proc/self/fd/%d' % made))
def again(number): return flags_of(at('/proc/self/fd/%d' % number))
KINDS = {
    'flags': lambda b: [flags_of(at(b + '/secret', flags)) for flags in (0, os.O_NONBLOCK, os.O_APPEND, os.O_CREAT, os.O_NOATIME, os.O_CLOEXEC, os.O_SYNC, 3)],
    'kept at an execve': lambda b: [fcntl.fcntl(at(b + '/secret', flags), fcntl.F_GETFD) for flags in (0, os.O_CLOEXEC)],
    'direct': lambda b: flags_of(at(b + '/secret', os.O_DIRECT)) & os.O_DIRECT,
    'lowest number': lowest,
    'fifo': lambda b: flags_of(at(b + '/fifo', os.O_NONBLOCK)),
    'directory': lambda b: sorted(os.listdir(at(b))),
    'directory, as asked': lambda b: flags_of(at(b, os.O_DIRECTORY)),
    'devices': lambda _: [[flags_of(at(path)), text(at(path))] for path in ('/dev/null', '/dev/zero')],
    'terminal': lambda _: at('/dev/tty'),
    'new terminal': lambda _: flags_of(at('/dev/ptmx', os.O_RDWR)),
    'own process': lambda _: [text(at('/proc/self/' + name))[:8] for name in ('comm', 'maps', 'status', 'task/%d/status' % os.getpid())],
    'own memory': lambda _: flags_of(at('/proc/self/mem')),
    'own program': lambda _: text(at('/proc/self/exe'))[1:4],
    'own environment': lambda _: flags_of(at('/proc/self/environ')),
    'all processes': lambda _: [text(at(path))[:4] for path in ('/proc/1/comm', '/proc/1/stat')] != [],
    'memory file': memory,
    'deleted': deleted,
    'pipe': lambda _: again(os.pipe()[0]),
    'lease': lambda b: lease(at(b + '/leased')),
    'link itself': lambda b: [os.readlink(b + '/link'), sc(89, b + '/secret', b' ' * 9, 9)],
    'truncated': lambda b: text(at(b + '/empty', os.O_RDWR | os.O_TRUNC)),
    'mode': lambda b: os.fstat(at(b + '/new', os.O_CREAT | os.O_RDWR)).st_mode,
}
def passed():
    one, other = socket.socketpair()
    os.lseek(0, 0, 0)
    socket.send_fds(one, [b'x'], [0])
    return text(socket.recv_fds(other, 1, 1)[1][0])
def tried(way, *words):
    try: return way(*words)
    except OSError as error: return -error.errno
    except UnicodeDecodeError: return 'bytes'
def all_in(base, tables):
    return {name: tried(way, base) for table in tables for name, way in table.items()}
given = {'stdin': tried(lambda: text(0)), 'again': tried(lambda: text(at('/dev/stdin'))), 'passed': tried(passed)}
say(given=given, denied=all_in(sys.argv[2], [WAYS, ERRORS]), beside=all_in(FREE, [WAYS, ERRORS, KINDS]), listed=tried(lambda: sorted(os.listdir(sys.argv[2]))))
`;

type Results = Readonly<Record<string, unknown>>;
interface Said {
  readonly given: Results;
  readonly denied: Results;
  readonly beside: Results;
  readonly listed: unknown;
}

interface Rules {
  readonly title: string;
  /** Below the root. */
  readonly denied: string;
  readonly beside: string;
  readonly policy: (root: string) => readonly string[];
  /** Landlock alone can hold it. */
  readonly byPath?: true;
}

const RULES: readonly Rules[] = [
  {
    title: 'a path',
    denied: 'd',
    beside: 'f',
    policy: (root) => [`--read-deny=${root}/d`],
    byPath: true,
  },
  { title: 'a pattern', denied: 'a/d', beside: 'a/f', policy: (root) => [`--read-deny=${root}/**/[d]`] },
  {
    title: 'a set of a config file',
    denied: 'a/b/d',
    beside: 'a/b/f',
    policy: (root) => {
      writeFileSync(join(root, 'config'), 'set.mine=a/*/d\nread-deny=@mine\n', { mode: 0o600 });
      return [`--config=${root}/config`];
    },
  },
  {
    title: 'a path in what is allowed again in a denied one',
    denied: 'o/a/d',
    beside: 'o/a/f',
    policy: (root) => [`--read-deny=${root}/o,${root}/o/a/d`, `--read-allow=${root}/o/a`],
    byPath: true,
  },
];

function fill(base: string): void {
  mkdirSync(join(base, 'sub'), { recursive: true });
  for (const name of ['secret', 'movable', 'leased'])
    writeFileSync(join(base, name), 'SECRET', { mode: 0o666 });
  for (const name of ['other', 'empty']) writeFileSync(join(base, name), '');
  writeFileSync(join(base, 'script'), '#!/bin/sh\necho SECRET\n');
  copyFileSync('/bin/echo', join(base, 'binary'));
  for (const name of ['script', 'binary']) chmodSync(join(base, name), 0o755);
  symlinkSync('secret', join(base, 'link'));
  makeFifo(join(base, 'fifo'));
}

/** Its standard input is a denied file. */
async function say(
  t: TestContext,
  { denied, beside }: Rules,
  sandbox: ((root: string) => readonly string[]) | undefined,
  env: RunOptions['env'],
): Promise<Said> {
  const root = temporaryDirectory(t);
  for (const base of [denied, beside]) fill(join(root, base));
  const script = python(WAYS, join(root, beside), join(root, denied));
  const words = sandbox === undefined ? script : secfiltWords([...sandbox(root), '--', ...script]);
  const file = openSync(join(root, denied, 'secret'), 'r');
  const { code, stdout, stderr } = await run(words, {
    cwd: dirname(join(root, denied)),
    env: { ...env },
    stdio: [file, 'pipe', 'pipe'],
  });
  closeSync(file);
  assert.equal(code, 0, stderr);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the script that wrote it is in this file
  return JSON.parse(stdout) as Said;
}

const ENGINES = [
  ...engines,
  ...(testEngine === undefined || testEngine === 'auto'
    ? [{ name: 'kernel', options: ['--engine=kernel'] }]
    : []),
];

/** Where Landlock holds the rules alone, the directory around the denied place is not changed. */
const HOLDERS = [
  { name: 'Landlock', env: {}, alone: true },
  { name: 'the supervisor', env: {}, alone: false },
  { name: 'the supervisor without Landlock', env: { SECFILTER_LANDLOCK: '0' }, alone: false },
] as const;

/** What natively gives no content, but says whether there is one. */
const NAMES = new Set(Object.keys(parseErrors()));

function parseErrors(): Record<string, true> {
  const table = /ERRORS = \{(?<rows>[^]*?)\n\}/.exec(WAYS)?.groups?.['rows'] ?? '';
  return Object.fromEntries(
    [...table.matchAll(/^ {4}'(?<name>[^']+)':/gm)].map(({ groups }) => [groups?.['name'] ?? '', true]),
  );
}

for (const rules of RULES) {
  const native = new Map<string, Promise<Said>>();
  const natively = (t: TestContext): Promise<Said> => {
    const known = native.get('') ?? say(t, rules, undefined, {});
    native.set('', known);
    return known;
  };

  void test(`all ways to read what ${rules.title} denies work natively (${who})`, async (t) => {
    const { denied, given } = await natively(t);
    for (const [way, said] of Object.entries(denied)) {
      const isContent = NAMES.has(way) || typeof said === 'string';
      assert.ok(isContent, `${way}: ${String(said)}`);
    }
    assert.deepEqual(given, { stdin: 'SECRET', again: 'SECRET', passed: 'SECRET' });
  });

  for (const engine of ENGINES) {
    for (const { name, env, alone } of HOLDERS) {
      const isKernel = engine.name === 'kernel';
      if ((alone && rules.byPath !== true) || (isKernel && !alone)) continue;
      const held = `${name}, ${engine.name} (${who})`;
      void test(`what ${rules.title} denies is read in no way, and all beside it as natively: held by ${held}`, async (t) => {
        if (alone && landlockAbi() < 6) return t.skip('this kernel has no Landlock that scopes signals');
        const expected = await natively(t);
        const policy = (root: string): readonly string[] => [
          ...engine.options,
          ...(alone ? [`--write-allow=${join(root, rules.beside)}`] : []),
          ...rules.policy(root),
        ];
        const { denied, beside, given, listed } = await say(t, rules, policy, env);
        const wrong = Object.entries(denied).filter(([way, said]) =>
          NAMES.has(way) ? said !== expected.denied[way] : !refusals(way, alone).includes(Number(said)),
        );
        assert.deepEqual(wrong, []);
        // What a program does by /proc without a supervisor is another matter.
        if (!isKernel) assert.deepEqual(beside, expected.beside);
        assert.deepEqual(listed, alone ? expected.listed : -Errno.EACCES);
        // Landlock asks about each open anew.
        assert.deepEqual(given, { ...expected.given, ...(alone && { again: -Errno.EACCES }) });
      });
    }
  }
}

/** Reading is refused with EACCES, and by Landlock everything. What is a change as well may be refused as that. */
function refusals(way: string, alone: boolean): number[] {
  if (way === 'a second name') return [-Errno.EXDEV, -Errno.EPERM];
  if (way === 'renamed' || way === 'exchanged') return alone ? [-Errno.EPERM, -Errno.EACCES] : [-Errno.EPERM];
  const isChange = way.includes('both') || way === 'nameless';
  return alone && isChange ? [-Errno.EACCES, -Errno.EPERM] : [-Errno.EACCES];
}
